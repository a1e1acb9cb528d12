// Who comes to the doors, and what each does there.

package soak_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// stranger is somebody who does things of some kinds, one after the other.
type stranger struct {
	many  int // so many of them at a time
	pause time.Duration
	deeds []string
	do    func(ctx context.Context, p *process, deed string, r *rand.Rand)
}

// strangers returns who is at the doors all the time. Who is between us and the API is there, too, by spoil; and who is at the storage comes
// when the operator has ended a process, and while one runs.
func (s *siege) strangers() map[string]stranger {
	return map[string]stranger{
		"list": {
			1, time.Second,
			[]string{
				"a link to the key", "a link to /proc", "a link by a folder", "directives", "aliases", "nested", "a key of 8 MiB", "a packed bomb", "a FIFO",
				"the key as an id", "ids of others", "ids that there are not", "garbage",
			},
			s.writeList,
		},
		"main port":         {6, 100 * time.Millisecond, []string{"probe", "probe of a task that answers 503", "browser of another site", "browser by another name", "odd request", "reset"}, s.askMain},
		"main port, idle":   {150, time.Second, []string{"connection that says nothing"}, s.hold},
		"main port, slow":   {30, 200 * time.Millisecond, []string{"scrape read slowly"}, s.readSlowly},
		"main port, asking": {10, 200 * time.Millisecond, []string{"scrape that waits"}, s.scrapeAlong},
		"webhook port":      {4, 50 * time.Millisecond, []string{"forged", "too old", "without signature", "very long", "garbage"}, s.forge},
		"webhook port, slow": {
			40, 100 * time.Millisecond, []string{"body that does not come"}, s.sendSlowly,
		},
		"webhook port, idle": {150, time.Second, []string{"connection that says nothing"}, s.hold},
	}
}

// attack does a stranger's deeds in turn until ctx ends.
func (s *siege) attack(ctx context.Context, name string, who stranger, r *rand.Rand) {
	for i := r.IntN(len(who.deeds)); ctx.Err() == nil; i++ {
		if p, ok := s.current(); ok {
			deed := who.deeds[i%len(who.deeds)]
			port := p.base
			if strings.HasPrefix(name, "webhook") {
				port = p.hooks
			}
			who.do(context.WithValue(ctx, portKey{}, strings.TrimPrefix(port, "http://")), p, deed, r)
			s.did(name + ": " + deed)
		}
		wait(ctx, who.pause)
	}
}

// portKey is under what a context has the port that is attacked.
type portKey struct{}

// dial opens a connection to the attacked port, from an address that no honest one has where there is such.
func (s *siege) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if runtime.GOOS == "linux" { // all of 127/8 is there
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	}
	address, _ := ctx.Value(portKey{}).(string)
	return d.DialContext(ctx, "tcp", address)
}

// connected opens a connection, and does something with it until it is closed at either end, or after a while.
func (s *siege) connected(ctx context.Context, atMost time.Duration, do func(conn net.Conn)) {
	conn, err := s.dial(ctx)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	do(conn)
}

// hold keeps a connection open.
func (s *siege) hold(ctx context.Context, _ *process, _ string, _ *rand.Rand) {
	s.connected(ctx, 20*time.Second, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

// readSlowly reads a scrape byte by byte.
func (s *siege) readSlowly(ctx context.Context, _ *process, _ string, _ *rand.Rand) {
	s.connected(ctx, 20*time.Second, func(conn net.Conn) {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(2 << 10)
		}
		_, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n")
		for one := make([]byte, 1); err == nil; _, err = conn.Read(one) {
			wait(ctx, 200*time.Millisecond)
		}
	})
}

// scrapeAlong scrapes as if for Prometheus, without a pause.
func (s *siege) scrapeAlong(ctx context.Context, p *process, _ string, _ *rand.Rand) {
	_, _ = s.send(ctx, http.MethodGet, p.base+"/metrics", http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"30"}})
}

// askMain asks the main port for what it must not give.
func (s *siege) askMain(ctx context.Context, p *process, deed string, r *rand.Rand) {
	refused := func(method, path string, header http.Header) {
		status, err := s.send(ctx, method, p.base+path, header)
		s.verdict.check(siegeNoEffect, err != nil || status == http.StatusForbidden, "%s %s: status %d", deed, path, status)
	}
	brief := http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"3"}}
	switch deed {
	case "probe":
		_, _ = s.send(ctx, http.MethodGet, fmt.Sprintf("%s/probe?task_id=unlisted%d", p.base, r.Uint64()), brief)
	case "probe of a task that answers 503":
		_, _ = s.send(ctx, http.MethodGet, fmt.Sprintf("%s/probe?task_id=%s", p.base, faultyID(r)), brief)
	case "browser of another site":
		path := []string{"/config", "/probe?task_id=x"}[r.IntN(2)]
		refused(http.MethodGet, path, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		refused(http.MethodPost, "/-/reload", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}})
	case "browser by another name":
		refused(http.MethodGet, "/config", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Host": {"evil.example"}})
	case "odd request":
		s.connected(ctx, 5*time.Second, func(conn net.Conn) {
			odd := []string{"TRACE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01garbage\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n"}
			_, _ = io.WriteString(conn, odd[r.IntN(len(odd))])
			_, _ = io.CopyN(io.Discard, conn, 1<<10)
		})
	case "reset":
		s.connected(ctx, 5*time.Second, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
		})
	}
}

// faultyID returns one of the ids about which the API always answers 503.
func faultyID(r *rand.Rand) string { return fmt.Sprintf("faulty%d", r.IntN(50)) }

// forge sends a callback that must not be accepted.
func (s *siege) forge(ctx context.Context, p *process, deed string, r *rand.Rand) {
	ids := s.honest.all()
	if len(ids) == 0 {
		return
	}
	url, id := p.hooks+"/webhook/"+s.honest.account, ids[r.IntN(len(ids))]
	var status int
	var err error
	switch deed {
	case "forged":
		status, err = post(ctx, url, id, "another key")
	case "too old":
		status, err = s.send(ctx, http.MethodPost, url, http.Header{"X-Webhook-Timestamp": {"1"}, "X-Webhook-Signature": {"AAAA"}})
	case "without signature":
		status, err = s.send(ctx, http.MethodPost, url, nil)
	default:
		body := "\x00garbage"
		if deed == "very long" {
			body = strings.Repeat("x", 1<<20)
		}
		s.connected(ctx, 5*time.Second, func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "POST /webhook/alpha HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			_, _ = io.CopyN(io.Discard, conn, 100)
		})
		return
	}
	s.verdict.check(siegeNoEffect, err != nil || status >= http.StatusBadRequest, "a callback that is %s: status %d", deed, status)
}

// sendSlowly sends a callback whose body does not come.
func (s *siege) sendSlowly(ctx context.Context, _ *process, _ string, r *rand.Rand) {
	s.connected(ctx, 10*time.Second, func(conn net.Conn) {
		_, err := fmt.Fprintf(conn, "POST /webhook/alpha HTTP/1.1\r\nHost: x\r\nX-Webhook-Timestamp: %d\r\nX-Webhook-Signature: %x\r\nContent-Length: 2000\r\n\r\n{",
			time.Now().Unix(), r.Uint64())
		for err == nil && ctx.Err() == nil {
			wait(ctx, 250*time.Millisecond)
			_, err = io.WriteString(conn, " ")
		}
	})
}

// writeList puts something into the folder of lists, and takes away what was there before under that name.
func (s *siege) writeList(_ context.Context, _ *process, deed string, r *rand.Rand) {
	folder := filepath.Join(s.dir, "strangers")
	at := func(name string) string { return filepath.Join(folder, name) }
	place := func(name, target string) error {
		return errors.Join(os.RemoveAll(at(name)), os.Symlink(target, at(name)))
	}
	var err error
	switch deed {
	case "a link to the key":
		err = place("key.txt", "../alpha.key")
	case "a link to /proc":
		err = place("proc.txt", "/proc/self/environ")
	case "a link by a folder":
		err = errors.Join(place("folder", "/etc"), place("passwd.txt", "folder/passwd"))
	case "a FIFO":
		err = errors.Join(os.RemoveAll(at("pipe.txt")), syscall.Mkfifo(at("pipe.txt"), 0o600))
	default:
		name, text := s.badList(deed, r)
		err = errors.Join(os.WriteFile(at(".new"), text, 0o600), os.Rename(at(".new"), at(name)))
	}
	s.verdict.check(siegeDone, err == nil, "%s: %v", deed, err)
}

// badList returns the name and the content of a list that means no good.
func (s *siege) badList(deed string, r *rand.Rand) (name string, content []byte) {
	var b bytes.Buffer
	switch deed {
	case "directives":
		for i := range 200_000 {
			fmt.Fprintf(&b, "%%TAG !%d! t\n", i)
		}
		return "directives.yml", b.Bytes()
	case "aliases":
		return "aliases.yml", []byte("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b]\n")
	case "nested":
		return "nested.json", bytes.Repeat([]byte("["), 1<<20)
	case "a key of 8 MiB":
		return "key.json", fmt.Appendf(nil, `[{%q:1}]`, strings.Repeat("x", 8<<20))
	case "a packed bomb":
		return "bomb.txt.gz", packed(48<<20, "# nothing but comments\n")
	case "the key as an id":
		return "guess.txt", []byte(keyOf("alpha") + "\n" + hookKey() + "\n")
	case "ids of others":
		return "others.txt", []byte(strings.Join(s.honest.all(), "\n") + "\n")
	case "ids that there are not":
		for range 100 {
			fmt.Fprintf(&b, "%s\nnothing%d\n", faultyID(r), r.IntN(1000))
		}
		return "nothing.txt", b.Bytes()
	default:
		const wild = "\x00\xff\r\n\"'{[:%&*#\u200ba1"
		for range 10_000 {
			b.WriteByte(wild[r.IntN(len(wild))])
		}
		return "garbage.txt", b.Bytes()
	}
}

// packed returns a text that is repeated until it has so many bytes, packed with gzip.
func packed(size int, text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	part := []byte(strings.Repeat(text, 1<<12))
	for n := 0; n < size; n += len(part) {
		_, _ = w.Write(part) // to memory
	}
	_ = w.Close()
	return b.Bytes()
}

// serveList serves lists that mean no good, one after the other.
func (s *siege) serveList(w http.ResponseWriter, r *http.Request) {
	kinds := []string{"a packed bomb", "a redirect", "slow", "500", "endless"}
	kind := kinds[int(s.served.Add(1))%len(kinds)]
	s.did("list by HTTP: " + kind)
	w.Header().Set("Content-Type", "application/yaml")
	switch kind {
	case "a packed bomb":
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed(16<<20, "-\n"))
	case "a redirect":
		http.Redirect(w, r, s.trap, http.StatusFound)
	case "500":
		http.Error(w, kiesim.Canary, http.StatusInternalServerError)
	default:
		text := "- nothing1\n"
		if kind == "endless" {
			w.Header().Set("Content-Type", "text/plain")
			text = strings.Repeat("# nothing\n", 1<<10)
		}
		for range 300 {
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			wait(r.Context(), 100*time.Millisecond)
		}
	}
}

// spoil is what somebody between us and the API does: a fifth of all answers is spoilt.
func (s *siege) spoil() {
	fault := func(name string, f kiesim.Fault) kiesim.Ingredient {
		return kiesim.Ingredient{Name: "between: " + name, Weight: 1, Fault: f}
	}
	date := func(off time.Duration) http.Header {
		return http.Header{"Date": {time.Now().Add(off).UTC().Format(http.TimeFormat)}}
	}
	bomb := string(packed(64<<20, "[[[[[[[["))
	s.sim.Mix(kiesim.Mixture{Share: 0.2, Faults: []kiesim.Ingredient{
		fault("61 days ahead", kiesim.Fault{Header: date(61 * 24 * time.Hour)}),
		fault("20 hours ahead", kiesim.Fault{Header: date(20 * time.Hour)}),
		fault("a day behind", kiesim.Fault{Header: date(-23 * time.Hour)}),
		fault("a packed bomb", kiesim.Fault{Body: bomb, Header: http.Header{"Content-Encoding": {"gzip"}}}),
		fault("8 MiB", kiesim.Fault{Body: strings.Repeat("[", 8<<20)}),
		fault("garbage", kiesim.Fault{Body: "\x00\xff{" + kiesim.Canary}),
		fault("cut off", kiesim.Fault{Reset: true}),
		fault("late", kiesim.Fault{Delay: time.Second}),
		fault("a redirect", kiesim.Fault{Status: http.StatusFound, Header: http.Header{"Location": {s.trap}}}),
	}})
	for i := range 50 {
		s.sim.Inject(kiesim.Match{ID: fmt.Sprintf("faulty%d", i)}, kiesim.Fault{Status: http.StatusServiceUnavailable})
	}
}

// meddle does something to the storage between two processes.
func (s *siege) meddle(t *testing.T, life int) {
	t.Helper()
	file := filepath.Join(s.storage(), "kie_exporter.db")
	deeds := []struct {
		name string
		do   func() error
	}{
		{"records that can't be", s.craft},
		{"garbage", func() error { return os.WriteFile(file, bytes.Repeat([]byte("garbage"), 10_000), 0o600) }},
		{"cut", func() error { return os.Truncate(file, 9_000) }},
		{"a folder in its place", func() error { return errors.Join(os.RemoveAll(file), os.Mkdir(file, 0o700)) }},
		{"a link in its place", func() error {
			return errors.Join(os.RemoveAll(file), os.Symlink(filepath.Join(s.dir, "alpha.key"), file))
		}},
		{"gone", func() error { return os.RemoveAll(s.storage()) }},
		{"empty", func() error { return os.WriteFile(file, nil, 0o600) }},
	}
	deed := deeds[(life-1)%len(deeds)]
	_ = os.MkdirAll(s.storage(), 0o700) // somebody has been there while the process ran, too
	if err := deed.do(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	s.did("storage: " + deed.name)
}

// craft gives the honest tasks records with right checksums that no answer could have led to.
func (s *siege) craft() error {
	kept, err := store.Open(s.storage(), promslog.NewNopLogger())
	if err != nil {
		return err
	}
	now := kie.TimeOf(time.Now())
	for i, id := range s.honest.all() {
		r := store.Record{Task: kie.Task{Model: "m", Created: now, Completed: now.Add(time.Second), State: kie.StateFail}, Group: s.honest.group, Seen: now, Learned: now, FailedAt: now}
		switch i % 3 {
		case 0:
			r.Model = "m\xff"
		case 1:
			r.Credits, r.HasCredits = math.NaN(), true
		default:
			r.FailCode = strings.Repeat("x", 60_000)
		}
		kept.Put(s.honest.account, id, r, nil)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // what was put is written all the same
	kept.Run(ctx, nobodysTasks{})
	kept.Close()
	return nil
}

// nobodysTasks are tasks for a store that has nothing to ask about them.
type nobodysTasks struct{}

func (nobodysTasks) Accounts() []string                      { return nil }
func (nobodysTasks) IDs(string) []string                     { return nil }
func (nobodysTasks) Records(string, []string) []store.Record { return nil }
func (nobodysTasks) Listed(string, string) bool              { return true }
func (nobodysTasks) Owner(store.Record) (string, bool)       { return "", false }
func (nobodysTasks) TakesPushes(string) bool                 { return true }

// meddleWhileRunning does something to the storage while a process uses it.
func (s *siege) meddleWhileRunning(life int) {
	file := filepath.Join(s.storage(), "kie_exporter.db")
	switch life % 3 {
	case 0:
		_ = os.Rename(file, file+".away")
		s.did("storage: moved away while it is used")
	case 1:
		_ = os.Truncate(file, 0)
		s.did("storage: cut while it is used")
	default:
		_ = os.RemoveAll(s.storage())
		s.did("storage: removed while it is used")
	}
}

// findAny returns the part of a text around the first of some others that it has; empty if it has none.
func findAny(text string, others ...string) string {
	for _, other := range others {
		if i := strings.Index(text, other); i >= 0 {
			return text[max(0, i-100):min(len(text), i+100)]
		}
	}
	return ""
}
