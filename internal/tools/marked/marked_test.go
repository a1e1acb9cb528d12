package marked_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/tools/marked"
)

func TestTextGoesBetweenTheMarksAndNothingElseChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	for document, want := range map[string]string{
		"a\n<begin>\nold\n<end>\nb\n": "a\n<begin>\n\nnew\n\n<end>\nb\n",
		"a\n<begin>\n<end>\nb\n":      "a\n<begin>\n\nnew\n\n<end>\nb\n",
		"<end>\n<begin>\n":            "",
		"no marks\n":                  "",
	} {
		if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		err := marked.Write(path, "<begin>", "<end>", []byte("new\n"))
		text, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if want == "" {
			if err == nil || string(text) != document {
				t.Errorf("without marks: %v, %s", err, text)
			}
		} else if err != nil || string(text) != want {
			t.Errorf("%v, got\n%s", err, text)
		}
	}
}
