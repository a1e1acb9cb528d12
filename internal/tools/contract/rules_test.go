package contract

import "testing"

// Rules name only metrics and labels that there are, or that a rule before them records.
func TestRulesNameOnlyWhatThereIs(t *testing.T) {
	c, err := Read("../../../docs/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"rules", "alerts"} {
		rules, err := ReadRules("../../../alerts", kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range c.RecordAll(rules) {
			t.Error(err)
		}
	}
}
