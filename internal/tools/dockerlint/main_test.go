package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnyFindingFails(t *testing.T) {
	tests := []struct {
		name, dockerfile, finding string
	}{
		{"a clean file passes", "FROM scratch\nCOPY a /a\n", ""},
		{"a style rule", "from scratch\nCOPY a /a\n", "ConsistentInstructionCasing"},
		{"a variable nobody set", "FROM scratch\nCOPY $missing /a\n", "UndefinedVar"},
		{"a stage the result does not need", "FROM scratch AS one\nMAINTAINER me\nFROM scratch\nCOPY a /a\n", "MaintainerDeprecated"},
		{"an unknown instruction", "FROM scratch\nCOPPY a /a\n", "unknown instruction"},
		{"an empty file", "", "cannot be empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "Dockerfile")
			if err := os.WriteFile(path, []byte(tt.dockerfile), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run(t.Context(), path, &out)
			if failed := err != nil; failed != (tt.finding != "") {
				t.Errorf("run() = %v, output:\n%s", err, &out)
			}
			if !strings.Contains(out.String(), tt.finding) {
				t.Errorf("output lacks %q:\n%s", tt.finding, &out)
			}
		})
	}
}
