package contract

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Rules name only metrics and labels that there are, or that a rule before them records.
func TestRulesNameOnlyWhatThereIs(t *testing.T) {
	c, err := Read("../../../docs/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(readRules(t, "rules"), readRules(t, "alerts")...) {
		labels, err := c.Check(r.Expr)
		if err != nil {
			t.Errorf("%s%s: %v", r.Record, r.Alert, err)
		}
		if r.Record != "" {
			c.Record(r.Record, labels)
		}
	}
}

type rule struct{ Record, Alert, Expr string }

// readRules reads the rules of all files of a kind, in their order.
func readRules(t *testing.T, kind string) []rule {
	t.Helper()
	files, err := filepath.Glob("../../../alerts/*." + kind + ".yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of %s (%v)", kind, err)
	}
	var all []rule
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal(text, &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, group := range content.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}
