package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const tests = `package a

import "testing"

func TestGood(t *testing.T) { t.Run("one two", func(t *testing.T) { t.Log("quiet") }) }

func TestBad(t *testing.T) {
	t.Run("fine", func(t *testing.T) { t.Log("quiet") })
	t.Run("broken", func(t *testing.T) { t.Error("loud") })
}

func TestSkipped(t *testing.T) { t.Skip("quiet") }

func FuzzGood(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, n int) {}) }
`

// module writes a module with packages and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goTest runs the tests of a module in order and returns what go test says, without times.
func goTest(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	c := exec.CommandContext(context.Background(), "go", append(append([]string{"test", "-p=1", "-vet=off"}, flags...), "./...")...) //nolint:gosec // ours
	// As the Makefile compiles, so that what these tests import is not compiled once more.
	c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-trimpath", "CGO_ENABLED=0")
	said, _ := c.CombinedOutput() // that tests fail is what is wanted
	return string(said)
}

func TestGoTestsOwnWordsAreKeptAndOutcomesWritten(t *testing.T) {
	dir := module(t, map[string]string{
		"a/a_test.go": tests,
		"b/b_test.go": strings.NewReplacer("package a", "package b", "TestBad", "testBad").Replace(tests),
		"c/c.go":      "package c\n",
		"d/d_test.go": "package d\n\nfunc TestD() { no such thing }\n",
		"e/e_test.go": "package e\n\nimport \"testing\"\n\nfunc TestGone(t *testing.T) { panic(\"gone\") }\n",
	})
	file := filepath.Join(t.TempDir(), "outcomes")
	var out bytes.Buffer
	if err := run([]string{file}, strings.NewReader(goTest(t, dir, "-json")), &out); err != nil {
		t.Fatal(err)
	}
	if got, want := sorted(out.String()), sorted(goTest(t, dir)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	outcomes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"pass example.com/m/a TestGood", "pass example.com/m/a TestGood/one_two", "fail example.com/m/a TestBad",
		"pass example.com/m/a TestBad/fine", "fail example.com/m/a TestBad/broken", "skip example.com/m/a TestSkipped",
		"pass example.com/m/b FuzzGood", "fail example.com/m/e TestGone",
	} {
		if !slices.Contains(strings.Split(string(outcomes), "\n"), line) {
			t.Errorf("no line %q in\n%s", line, outcomes)
		}
	}
}

// sorted returns lines in order, without what differs from run to run or in a test's verbose output: packages end in any order, and
// subtests are not indented.
func sorted(text string) string {
	text = regexp.MustCompile(`\d+\.\d+s|0x[0-9a-f]+\??|goroutine \d+|\(cached\)|gp=\S+|m=\S+`).ReplaceAllString(text, "…")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
