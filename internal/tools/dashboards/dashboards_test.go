package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/kie-exporter/kie_exporter/internal/tools/contract"
	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

const (
	root    = "../../../"
	metrics = root + "docs/metrics.json"
)

// The checks can be held against other files: go test ./dashboards -args -dashboards FOLDER.
var folder = flag.String("dashboards", root+"dashboards", "where the dashboards are")

// load reads the dashboards.
func load(t *testing.T) []panels.Dashboard {
	t.Helper()
	dashboards, err := panels.Read(*folder)
	if err != nil {
		t.Fatal(err)
	}
	return dashboards
}

// agreement reads what queries may name: the metrics, and what the rules record of them.
func agreement(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Read(metrics)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := contract.ReadRules(root+"alerts", "rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.RecordAll(rules) {
		t.Error(err)
	}
	return c
}

func TestCommittedDashboardsAreTheGeneratedOnes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(*folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(all()) {
		t.Errorf("%d files in dashboards/, %d dashboards", len(files), len(all()))
	}
	for _, d := range all() {
		want, err := encode(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(*folder, d.file()))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("dashboards/%s is not current (%v): run make generate", d.file(), err)
		}
	}
}

// strict decodes a dashboard by Grafana's own types, which must know every field and miss none.
func strict(text []byte) error {
	plugins.RegisterDefaultPlugins()
	err := new(sdk.Dashboard).UnmarshalJSONStrict(text) //nolint:staticcheck // the schema after it is not importable everywhere
	if faults, ok := errors.AsType[cog.BuildErrors](err); ok && len(faults) == 0 {
		return nil // its success is an error without faults
	}
	return err
}

func TestGrafanaKnowsEveryField(t *testing.T) {
	for _, d := range all() {
		text, err := encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := strict(text); err != nil {
			t.Errorf("%s: %v", d.uid, err)
		}
		for _, field := range []string{`"uid":`, `"expr":`, `"reduceOptions":`, `"gridPos":`, `"label":`} {
			if strict(bytes.Replace(text, []byte(field), []byte(`"surprise":`), 1)) == nil {
				t.Errorf("%s: a %s by another name is not found", d.uid, field)
			}
		}
	}
}

// forEach calls check for every panel of the committed dashboards but rows.
func forEach(t *testing.T, check func(*testing.T, panels.Dashboard, panels.Panel)) {
	t.Helper()
	for _, d := range load(t) {
		for _, p := range d.All() {
			if !p.IsRow() {
				t.Run(d.UID+"/"+p.Title, func(t *testing.T) { check(t, d, p) })
			}
		}
	}
}

func TestEveryPanelExplainsItself(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for what, text := range map[string]string{
			"title": p.Title, "description": p.Description, "unit": p.FieldConfig.Defaults.Unit,
			"text for no data": p.FieldConfig.Defaults.NoValue,
		} {
			if text == "" {
				t.Errorf("no %s", what)
			}
		}
		if len(p.Targets) == 0 {
			t.Error("no query")
		}
		for _, q := range p.Targets {
			if q.Legend == "" && p.Type != string(table) {
				t.Errorf("query %s has no legend", q.RefID)
			}
		}
	})
}

var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

func TestQueriesNameOnlyWhatThereIs(t *testing.T) {
	c := agreement(t)
	forEach(t, func(t *testing.T, d panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			labels, err := c.Check(q.PromQL(""))
			if err != nil {
				t.Errorf("%s: %v", q.Expr, err)
			}
			for _, used := range legendLabel.FindAllStringSubmatch(q.Legend, -1) {
				if !labels[used[1]] {
					t.Errorf("%s: the legend %s names a label that is not in the result", q.Expr, q.Legend)
				}
			}
			for _, name := range q.Variables() {
				if !slices.ContainsFunc(d.Templating.List, func(v panels.Variable) bool { return v.Name == name }) {
					t.Errorf("%s: no variable %s", q.Expr, name)
				}
			}
		}
	})
}

func TestVariablesAndAnnotationsNameOnlyWhatThereIs(t *testing.T) {
	c := agreement(t)
	for _, d := range load(t) {
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			values, ok := v.Values()
			if !ok {
				t.Errorf("%s: the variable %s asks for no label's values", d.UID, v.Name)
				continue
			}
			if _, err := c.Check(values.PromQL("")); err != nil {
				t.Errorf("%s: the variable %s: %v", d.UID, v.Name, err)
			}
		}
		for _, a := range d.Annotations.List {
			for _, q := range []panels.Query{a.Target, {Expr: a.Expr}} {
				if _, err := c.Check(q.PromQL("")); err != nil {
					t.Errorf("%s: annotations: %v", d.UID, err)
				}
			}
		}
	}
}

// Every cell of the grid down to the last row belongs to exactly one panel.
func TestPanelsFillTheGridAndDoNotOverlap(t *testing.T) {
	type cell struct{ x, y int }
	for _, d := range load(t) {
		owner, height := map[cell]string{}, 0
		for _, p := range d.Panels {
			at := p.GridPos
			height = max(height, at.Y+at.H)
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other, taken := owner[cell{x, y}]; taken || x >= gridWidth {
						t.Fatalf("%s: %q is over %q or the edge", d.UID, p.Title, other)
					}
					owner[cell{x, y}] = p.Title
				}
			}
		}
		if len(owner) != gridWidth*height {
			t.Errorf("%s: %d of %d cells are empty", d.UID, gridWidth*height-len(owner), gridWidth*height)
		}
	}
}

func TestTilesAreTwoRowsOfFour(t *testing.T) {
	for _, uid := range []string{"kie-overview", "kie-exporter"} {
		rows := map[int]int{}
		for _, p := range find(t, uid).Panels {
			if p.Type == string(stat) {
				rows[p.GridPos.Y]++
			}
		}
		if len(rows) != 2 || rows[0] != 4 || rows[4] != 4 {
			t.Errorf("%s: tiles by their place: %v", uid, rows)
		}
	}
}

// At 1920 × 1080 about 20 rows of the grid are visible: tiles and alerts take less than half of it.
func TestTopAnswersOnOneScreen(t *testing.T) {
	for _, d := range load(t) {
		first := slices.IndexFunc(d.Panels, func(p panels.Panel) bool { return p.Type == string(timeseries) || p.IsRow() })
		if first < 6 || d.Panels[first].GridPos.Y > 9 && d.UID != "kie-tasks" { // which has tables at once
			t.Errorf("%s: the tiles end at %d", d.UID, d.Panels[max(first, 0)].GridPos.Y)
		}
		for _, p := range d.Panels[:max(first, 0)] {
			if p.Type != string(stat) && p.Type != string(table) {
				t.Errorf("%s: %q is at the top", d.UID, p.Title)
			}
		}
	}
}

var (
	passedOn = regexp.MustCompile(`\$\{(\w+):(?:queryparam|raw)\}`)
	setByURL = regexp.MustCompile(`&var-(\w+)=`)
)

// A link to tasks passes on variables that there are, to ones that there are.
func TestLinksChooseAmongVariables(t *testing.T) {
	has := func(d dashboard, name string) bool {
		return name == "datasource" || slices.ContainsFunc(d.variables, func(v variable) bool { return v.name == name })
	}
	for _, d := range all() {
		for _, url := range d.linked() {
			for _, name := range passedOn.FindAllStringSubmatch(url, -1) {
				if !has(d, name[1]) || !has(tasks(), name[1]) {
					t.Errorf("%s: %s: no variable %s here or there", d.uid, url, name[1])
				}
			}
			for _, name := range setByURL.FindAllStringSubmatch(url, -1) {
				if !has(tasks(), name[1]) {
					t.Errorf("%s: %s: no variable %s there", d.uid, url, name[1])
				}
			}
		}
	}
}

// linked returns the addresses that clicks on values lead to.
func (d dashboard) linked() []string {
	var urls []string
	for _, r := range d.rows {
		for _, p := range r.panels {
			if p.linked != nil {
				urls = append(urls, p.linked.url)
			}
			for _, c := range p.columns {
				for _, l := range []*link{c.linked, c.also} {
					if l != nil {
						urls = append(urls, l.url)
					}
				}
			}
		}
	}
	return urls
}

func TestEachDashboardLeadsToTheOthers(t *testing.T) {
	var uids []string
	for _, d := range load(t) {
		uids = append(uids, d.UID)
		if !slices.Contains(d.Tags, tag) {
			t.Errorf("%s has no tag %s, by which the others link to it", d.UID, tag)
		}
	}
	if want := []string{"kie-exporter", "kie-overview", "kie-tasks"}; !slices.Equal(uids, want) {
		t.Errorf("uids %v, want %v: bookmarks and links go by them", uids, want)
	}
}
