package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatDoesNotCompileThereIsFound(t *testing.T) {
	const fine = "package p\n"
	for name, test := range map[string]struct {
		files    map[string]string
		platform string
		want     string // empty: nothing is wrong
	}{
		"everything there": {map[string]string{"p.go": "package p\n\nimport \"syscall\"\n\nvar Stop = syscall.SIGSTOP\n"}, "linux/amd64", ""},
		"a signal that a system lacks, in a body": {
			map[string]string{"p.go": "package p\n\nimport \"syscall\"\n\nfunc Stop() any { return syscall.SIGSTOP }\n"}, "windows/amd64", "undefined: syscall.SIGSTOP",
		},
		"a number too large for int":            {map[string]string{"p.go": "package p\n\nvar N int = 1 << 40\n"}, "linux/arm", "overflows"},
		"that number where int is 64 bits long": {map[string]string{"p.go": "package p\n\nvar N int = 1 << 40\n"}, "linux/s390x", ""},
		"a file for that system only":           {map[string]string{"p.go": fine, "p_windows.go": "package p\n\nvar N = m\n"}, "windows/amd64", "undefined: m"},
		"that file elsewhere":                   {map[string]string{"p.go": fine, "p_windows.go": "package p\n\nvar N = m\n"}, "darwin/arm64", ""},
		"a test":                                {map[string]string{"p.go": fine, "p_test.go": "package p\n\nvar n = m\n"}, "freebsd/amd64", "undefined: m"},
		"a test from outside":                   {map[string]string{"p.go": fine, "p_test.go": "package p_test\n\nvar n = m\n"}, "freebsd/amd64", "undefined: m"},
		"a package with no file for it":         {map[string]string{"p.go": "//go:build linux\n\npackage p\n", "q/q.go": "package q\n\nimport _ \"example.test/p\"\n"}, "windows/amd64", "build constraints exclude all Go files"},
		"no such platform":                      {map[string]string{"p.go": fine}, "windows/s390x", "unsupported GOOS/GOARCH pair"},
		"no platform":                           {map[string]string{"p.go": fine}, "windows", "GOOS/GOARCH"},
		"nothing to check":                      {nil, "linux/amd64", "no packages"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module example.test/p\n\ngo 1.26\n")
			for file, content := range test.files {
				write(t, filepath.Join(dir, file), content)
			}
			err := check(t.Context(), dir, test.platform)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
