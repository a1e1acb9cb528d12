package main

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

func TestEachThingThatMattersIsAltered(t *testing.T) {
	rule := rulefmt.Rule{
		Alert: "A", For: model.Duration(4 * time.Minute),
		Expr: `sum by (b) (increase(c{d=~"e|f"}[10m])) >= 3 and min(g) == 0`,
	}
	mutants, err := mutantsOf(rule)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mutants {
		got = append(got, m.kind+": "+m.what)
	}
	for _, want := range []string{
		`for: 0s instead of 4m`,
		`for: 8m instead of 4m`,
		`number raised: sum by (b) (increase(c{d=~"e|f"}[10m])) >= 4.5 and min(g) == 0`,
		`number lowered: sum by (b) (increase(c{d=~"e|f"}[10m])) >= 2 and min(g) == 0`,
		`number raised: sum by (b) (increase(c{d=~"e|f"}[10m])) >= 3 and min(g) == 2`,
		`comparison: sum by (b) (increase(c{d=~"e|f"}[10m])) < 3 and min(g) == 0`,
		`comparison: sum by (b) (increase(c{d=~"e|f"}[10m])) >= 3 and min(g) != 0`,
		`operator: sum by (b) (increase(c{d=~"e|f"}[10m])) >= 3 unless min(g) == 0`,
		`left side dropped: min(g) == 0 and min(g) == 0`,
		`aggregation: max by (b) (increase(c{d=~"e|f"}[10m])) >= 3 and min(g) == 0`,
		`grouping label dropped: sum(increase(c{d=~"e|f"}[10m])) >= 3 and min(g) == 0`,
		`function: sum by (b) (resets(c{d=~"e|f"}[10m])) >= 3 and min(g) == 0`,
		`range doubled: sum by (b) (increase(c{d=~"e|f"}[20m])) >= 3 and min(g) == 0`,
		`matcher negated: sum by (b) (increase(c{d!~"e|f"}[10m])) >= 3 and min(g) == 0`,
		`alternative dropped: sum by (b) (increase(c{d=~"f"}[10m])) >= 3 and min(g) == 0`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no mutant %s", want)
		}
	}
	if t.Failed() {
		t.Logf("mutants: %q", got)
	}
}
