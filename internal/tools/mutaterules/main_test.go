package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	oneRule = "groups: [{name: g, rules: [{alert: A, expr: a > 4}]}]\n"
	oneTest = "a test of A\n"
)

// The stand-ins for promtool fail, as it does, where a test does.
func TestASurvivorFailsTheCommand(t *testing.T) {
	tests := []struct {
		name, promtool, fault, output string
		only                          []string
	}{
		{"all are noticed", `grep -q 'expr: a > 4$' "$(dirname "$3")/../r.yml"`, "", "3 mutants of 3 kinds, all noticed", nil},
		{"one is not", `! grep -q 'expr: a < 4$' "$(dirname "$3")/../r.yml"`, "2 of 3 mutants survived", "survived: A: number raised: a > 6", nil},
		{"the tests fail anyway", "false", "fails on unaltered rules", "", nil},
		{"there is no promtool", "", "no such file", "", nil},
		{"of some", "true", "3 of 3 mutants survived", "", []string{"A"}},
		{"of others", "true", "there is no rule B", "", []string{"A", "B"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "r.yml"), oneRule)
			write(t, filepath.Join(dir, "tests", "a.test.yml"), oneTest)
			promtool := filepath.Join(dir, "promtool")
			if tt.promtool != "" {
				write(t, promtool, "#!/bin/sh\n"+tt.promtool+"\n")
			}
			var out strings.Builder
			err := run(t.Context(), promtool, dir, tt.only, &out)
			if (err != nil) != (tt.fault != "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("run() = %v, want an error with %q", err, tt.fault)
			}
			if !strings.Contains(out.String(), tt.output) {
				t.Errorf("output lacks %q:\n%s", tt.output, &out)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}
