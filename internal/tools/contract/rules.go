// What rules add to the contract.

package contract

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
)

// A Rule records a series or raises an alert.
type Rule struct {
	Record, Alert, Expr string
	Labels              map[string]string
}

// ReadRules reads the rules of all files in a folder that end in .KIND.yml, in their order.
func ReadRules(folder, kind string) ([]Rule, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*."+kind+".yml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no files of %s", folder, kind)
	}
	var all []Rule
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var content struct{ Groups []struct{ Rules []Rule } }
		if err := yaml.Unmarshal(text, &content); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, group := range content.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all, nil
}

// RecordAll adds what rules record, those that build on others after these. It returns the first fault of each rule.
func (c *Contract) RecordAll(rules []Rule) []error {
	var faults []error
	for _, r := range rules {
		labels, err := c.Check(r.Expr)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s%s: %w", r.Record, r.Alert, err))
		}
		if r.Record != "" {
			c.Record(r.Record, labels, slices.Collect(maps.Keys(r.Labels))...)
		}
	}
	return faults
}
