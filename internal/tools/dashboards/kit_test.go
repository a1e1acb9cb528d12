// How checks find panels and what they say.

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

func find(t *testing.T, uid string) panels.Dashboard {
	t.Helper()
	all := load(t)
	i := slices.IndexFunc(all, func(d panels.Dashboard) bool { return d.UID == uid })
	if i < 0 {
		t.Fatalf("no dashboard %s", uid)
	}
	return all[i]
}

// some returns the panels of a dashboard of which a condition holds, and fails if it holds of none.
func some(t *testing.T, uid, what string, holds func(panels.Panel) bool) []panels.Panel {
	t.Helper()
	var found []panels.Panel
	for _, p := range find(t, uid).All() {
		if !p.IsRow() && holds(p) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		t.Errorf("%s: no panel %s", uid, what)
	}
	return found
}

// asks says whether a query of the panel contains all of some texts.
func asks(p panels.Panel, texts ...string) bool {
	return slices.ContainsFunc(p.Targets, func(q panels.Query) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(q.Expr, text) })
	})
}

func is(p panels.Panel, kinds ...kind) bool { return slices.Contains(kinds, kind(p.Type)) }

// columnsOf returns the titles of a table's columns.
func columnsOf(p panels.Panel) []string {
	var all []string
	for _, transformation := range p.Transformations {
		for _, name := range transformation.Options.Renamed {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// columnOf returns the title and the unit under which the results of a query are shown.
func columnOf(p panels.Panel, q panels.Query) (title, unit string) {
	title, unit = p.Title, p.FieldConfig.Defaults.Unit
	for _, transformation := range p.Transformations {
		for _, field := range []string{"Value", "Value #" + q.RefID} {
			if name, ok := transformation.Options.Renamed[field]; ok {
				title = name
			}
		}
	}
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.Options == title {
			o.Property("unit", &unit)
		}
	}
	return title, unit
}

// colourOf returns the fixed colour in which a query is drawn, if it has one, and whether its lines are dashed.
func colourOf(p panels.Panel, q panels.Query) (fixed string, dashed bool) {
	if p.FieldConfig.Defaults.Color.Mode == "fixed" {
		fixed = p.FieldConfig.Defaults.Color.Fixed
	}
	for _, o := range p.FieldConfig.Overrides {
		ofQuery := o.Matcher.ID == "byFrameRefID" && o.Matcher.Options == q.RefID
		if !ofQuery && (o.Matcher.ID != "byName" || o.Matcher.Options != q.Legend) {
			continue
		}
		var colour struct{ FixedColor string }
		if o.Property("color", &colour) {
			fixed = colour.FixedColor
		}
		var style any
		dashed = dashed || o.Property("custom.lineStyle", &style)
	}
	return fixed, dashed
}
