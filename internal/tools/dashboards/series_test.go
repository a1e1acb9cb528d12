// Thresholds, and series that can be told apart.

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

func TestScrapesThatAreCutShortAreNotGreen(t *testing.T) {
	for _, p := range some(t, "kie-exporter", "of incomplete scrapes", func(p panels.Panel) bool { return is(p, stat) && asks(p, "scrape_incomplete") }) {
		if c := p.FieldConfig.Defaults.Colour(0.29); c == string(green) || c == "" {
			t.Errorf("29 %% are %s", c)
		}
	}
}

func TestStorageIsATileAndItsGraphsAreFolded(t *testing.T) {
	for _, p := range some(t, "kie-exporter", "of the storage", func(p panels.Panel) bool { return asks(p, "kie_exporter_store_up") }) {
		if !is(p, stat) || p.GridPos.W > 4 || p.GridPos.Y > 8 {
			t.Errorf("%q is %d wide at %d", p.Title, p.GridPos.W, p.GridPos.Y)
		}
	}
	for _, p := range find(t, "kie-exporter").Panels {
		if asks(p, "kie_exporter_store_tasks") {
			t.Errorf("%q is not folded", p.Title)
		}
	}
}

// alternatives returns the operands of an expression's outermost "or".
func alternatives(e parser.Expr) []parser.Expr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return alternatives(e.Expr)
	case *parser.BinaryExpr:
		switch e.Op {
		case parser.LOR:
			return slices.Concat(alternatives(e.LHS), alternatives(e.RHS))
		case parser.LAND, parser.LUNLESS:
			return alternatives(e.LHS)
		}
	}
	return []parser.Expr{e}
}

// A series without the label that its legend names is called Value.
func TestNoSeriesIsNameless(t *testing.T) {
	c := agreement(t)
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			parsed, err := parser.NewParser(parser.Options{}).ParseExpr(q.PromQL(""))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range alternatives(parsed) {
				labels, err := c.Check(e.String())
				if err != nil {
					t.Fatal(err)
				}
				for _, used := range legendLabel.FindAllStringSubmatch(q.Legend, -1) {
					if !labels[used[1]] && !is(p, heatmap) { // of native histograms there is but one
						t.Errorf("%s has no label %s for the legend", e, used[1])
					}
				}
			}
		}
	})
}

func TestLinesThatCoverEachOtherAreToldApart(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		if !is(p, timeseries) {
			return
		}
		seen := map[string]string{}
		for _, q := range p.Targets {
			colour, dashed := colourOf(p, q)
			look := fmt.Sprintf("%q, dashed: %t", colour, dashed)
			if other, taken := seen[look]; taken {
				t.Errorf("%q and %q look the same (%s)", q.Legend, other, look)
			}
			seen[look] = q.Legend
			if strings.Contains(q.Legend, "{{source}}") {
				t.Error("lists of the same length are one line")
			}
		}
	})
}

func TestScrapeTimeoutIsDrawn(t *testing.T) {
	some(t, "kie-exporter", "with the duration of scrapes and their timeout", func(p panels.Panel) bool {
		return is(p, timeseries) && asks(p, "scrape_duration_seconds") && asks(p, "scrape_timeout_seconds")
	})
}
