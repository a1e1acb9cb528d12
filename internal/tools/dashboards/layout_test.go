// Places, sizes and texts.

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

// Where Grafana draws on a window of 1310 px, in pixels, as measured in its own front end.
const (
	cellWidth   = 53.6 // a 24th of the width
	gap         = 8    // between two panels
	aroundTitle = 76   // edges, the mark of a description, and the menu that appears over a title
	letter      = 7.5  // of a title or a cell
	aroundTable = 16
	unsized     = 150 // of a column without a width
)

func pixels(p panels.Panel) float64 { return float64(p.GridPos.W)*cellWidth - gap }

// The last value of a range may be of an exporter that is long gone.
func TestTilesAndTablesAskForTheMoment(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			if is(p, stat, bars, table) && (!q.Instant || q.Range) {
				t.Errorf("query %s is one over a range of time", q.RefID)
			}
		}
	})
}

var modest = regexp.MustCompile(`^no data from the exporter$|, or no (exporter|data of it|rules are loaded)$`)

func TestEmptyPanelsClaimNoMoreThanTheyKnow(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		if text := p.FieldConfig.Defaults.NoValue; !modest.MatchString(text) {
			t.Errorf("%q would be said of a dead exporter, too", text)
		} else if is(p, table) && slices.Contains(columnsOf(p), "Task") && !strings.Contains(text, "series of its own") {
			t.Errorf("%q would be said where tasks have no series, too", text)
		}
	})
}

func TestAlertsMarkGraphsOnlyWhereThatIsAskedFor(t *testing.T) {
	for _, d := range load(t) {
		for _, a := range d.Annotations.List {
			if a.Enable {
				t.Errorf("%s: %s are switched on at first", d.UID, a.Name)
			}
			if a.Expr != a.Target.Expr {
				t.Errorf("%s: some versions read %q, some %q", d.UID, a.Expr, a.Target.Expr)
			}
			for _, want := range []string{"max by (alertname)", `severity="critical"`, `job=~"$job"`, `alertname!="KieTaskFailed"`} {
				if !strings.Contains(a.Target.Expr, want) {
					t.Errorf("%s: %s has no %s", d.UID, a.Target.Expr, want)
				}
			}
		}
	}
}

func TestAlertsAreAShortTableThatLeadsToRunbooks(t *testing.T) {
	for _, p := range some(t, "kie-overview", "of alerts", func(p panels.Panel) bool { return asks(p, "ALERTS") }) {
		if !is(p, table) || !asks(p, "count by (alertname, severity, group)", `job=~"$job"`) {
			t.Errorf("%q has no row for each alert, severity and group", p.Title)
		}
		var leads bool
		for _, o := range p.FieldConfig.Overrides {
			var links []panels.Link
			leads = leads || o.Property("links", &links) && strings.Contains(links[0].URL, "/docs/runbooks/${__value.raw}.md")
		}
		if !leads {
			t.Errorf("%q does not lead to runbooks", p.Title)
		}
	}
}

func TestTitlesAreNotCut(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		title := strings.ReplaceAll(p.Title, "$window", "15m")
		if needed := float64(len(title))*letter + aroundTitle; needed > pixels(p) {
			t.Errorf("%q needs %.0f px of %.0f", title, needed, pixels(p))
		}
	})
}

func TestTablesFit(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		if !is(p, table) {
			return
		}
		if p.GridPos.H < 4 {
			t.Errorf("%d is too low for a header and a row", p.GridPos.H)
		}
		widths := map[string]float64{}
		for _, name := range columnsOf(p) {
			widths[name] = unsized
		}
		dashes := map[string]bool{}
		for _, o := range p.FieldConfig.Overrides {
			var width float64
			if o.Property("custom.width", &width) {
				widths[o.Matcher.Options] = width
			}
			if needed := float64(len(o.Matcher.Options)) * letter; width > 0 && needed > width {
				t.Errorf("column %q needs %.0f px of %.0f", o.Matcher.Options, needed, width)
			}
			var dash string
			dashes[o.Matcher.Options] = o.Property("noValue", &dash) && dash != ""
		}
		sum := 0.0
		for name, width := range widths {
			sum += width
			if !dashes[name] && !dashes["/.*/"] {
				t.Errorf("empty cells of %q say what the panel says without data", name)
			}
		}
		if sum > pixels(p)-aroundTable {
			t.Errorf("columns of %.0f px in %.0f", sum, pixels(p)-aroundTable)
		}
		if len(widths) == 0 && !dashes["/.*/"] {
			t.Error("empty cells say what the panel says without data")
		}
	})
}

func TestNoPanelIsThereTwice(t *testing.T) {
	chosen := regexp.MustCompile(`,?\w+=~"\$\w+"`)
	graphs := map[string]string{}
	for _, d := range load(t) {
		titles := map[string]bool{}
		for _, p := range d.All() {
			if p.IsRow() {
				continue
			}
			if titles[p.Title] {
				t.Errorf("%s: two panels are called %q", d.UID, p.Title)
			}
			titles[p.Title] = true
			if is(p, stat) {
				continue
			}
			var all strings.Builder
			for _, q := range p.Targets {
				all.WriteString(chosen.ReplaceAllString(q.Expr, "") + "\n")
			}
			name := d.UID + ": " + p.Title
			if other, taken := graphs[all.String()]; taken {
				t.Errorf("%s shows what %s does", name, other)
			}
			graphs[all.String()] = name
		}
	}
}

func TestVersionsAreSmallAtTheTopRight(t *testing.T) {
	for _, p := range some(t, "kie-exporter", "of versions", func(p panels.Panel) bool { return is(p, table) && asks(p, "by (job, instance, version") }) {
		if at := p.GridPos; at.Y != 0 || at.X+at.W != gridWidth || at.W > 8 {
			t.Errorf("%q is at %+v", p.Title, at)
		}
	}
}
