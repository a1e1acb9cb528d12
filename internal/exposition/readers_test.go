package exposition

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

// Every program that unpacks gzip, or takes it from HTTP, gets the whole answer. What is not installed is skipped.
func TestReadersOfGzipGetAllOfIt(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(11, 0))))
	format := string(expfmt.FmtOpenMetrics_1_0_0)
	want := scrape.Text(t, scrape.Get(t, s, format, ""))
	packed := scrape.Get(t, s, format, "gzip").Body.Bytes()
	server := httptest.NewServer(s)
	defer server.Close()
	onePass := `import sys, zlib
d = zlib.decompressobj(31)
sys.stdout.buffer.write(d.decompress(sys.stdin.buffer.read()))
assert d.eof and not d.unused_data`
	for name, read := range map[string]func(t *testing.T) []byte{
		"compress/gzip": func(t *testing.T) []byte { t.Helper(); return unpacked(t, packed, stdReader) },
		"klauspost":     func(t *testing.T) []byte { t.Helper(); return unpacked(t, packed, klauspostReader) },
		"gunzip":        func(t *testing.T) []byte { t.Helper(); return run(t, packed, "gunzip", "-c") },
		"python zlib":   func(t *testing.T) []byte { t.Helper(); return run(t, packed, "python3", "-c", onePass) },
		"curl": func(t *testing.T) []byte {
			t.Helper()
			return run(t, nil, "curl", "-fsS", "--compressed", "-H", "Accept: "+format, server.URL)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := read(t); !bytes.Equal(got, want) {
				t.Errorf("%d bytes, want %d", len(got), len(want))
			}
		})
	}
}

func stdReader(r io.Reader) (io.Reader, error)       { return stdgzip.NewReader(r) }
func klauspostReader(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func unpacked(t *testing.T, packed []byte, open func(io.Reader) (io.Reader, error)) []byte {
	t.Helper()
	r, err := open(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// run returns what a program makes of its input.
func run(t *testing.T, input []byte, program string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip(err)
	}
	c := exec.CommandContext(t.Context(), path, args...) //nolint:gosec // the programs are named above
	c.Stdin = bytes.NewReader(input)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return out
}
