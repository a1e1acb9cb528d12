// Package panels reads Grafana dashboards as users import them, and makes their
// queries into PromQL that a Prometheus answers.
package panels

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Dashboard is what matters of a dashboard outside Grafana.
type Dashboard struct {
	UID        string   `json:"uid"`
	Tags       []string `json:"tags"`
	Panels     []Panel  `json:"panels"` // and the headers of rows; those of collapsed rows are within these
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []Annotation `json:"list"`
	} `json:"annotations"`
}

// Annotation marks times in all graphs. Where its expression is depends on the version of Grafana.
type Annotation struct {
	Name   string `json:"name"`
	Enable bool   `json:"enable"`
	Expr   string `json:"expr"`
	Target Query  `json:"target"`
}

// Variable is chosen at the top of a dashboard.
type Variable struct {
	Name    string          `json:"name"`
	Type    string          `json:"type"`
	Query   json.RawMessage `json:"query"`
	Current struct {
		Value any `json:"value"`
	} `json:"current"`
}

// Panel shows what its queries return.
type Panel struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	GridPos     struct {
		X, Y, W, H int
	} `json:"gridPos"`
	FieldConfig struct {
		Defaults  Field      `json:"defaults"`
		Overrides []Override `json:"overrides"`
	} `json:"fieldConfig"`
	Options struct {
		Legend struct {
			DisplayMode string `json:"displayMode"`
			Placement   string `json:"placement"`
			SortBy      string `json:"sortBy"`
			SortDesc    bool   `json:"sortDesc"`
		} `json:"legend"`
		SortBy []struct {
			Column     string `json:"displayName"`
			Descending bool   `json:"desc"`
		} `json:"sortBy"`
	} `json:"options"`
	Transformations []struct {
		ID      string `json:"id"`
		Options struct {
			Renamed map[string]string `json:"renameByName"`
		} `json:"options"`
	} `json:"transformations"`
	Targets   []Query `json:"targets"`
	Collapsed bool    `json:"collapsed"` // of a row
	Panels    []Panel `json:"panels"`    // of a collapsed row
}

// Field is how values are shown.
type Field struct {
	Unit     string `json:"unit"`
	NoValue  string `json:"noValue"`
	Decimals *int   `json:"decimals"`
	Color    struct {
		Mode  string `json:"mode"`
		Fixed string `json:"fixedColor"`
	} `json:"color"`
	Mappings []struct {
		Options map[string]Text `json:"options"`
	} `json:"mappings"`
	Thresholds struct {
		Steps []struct {
			Value *float64 `json:"value"` // nil: from the least on
			Color string   `json:"color"`
		} `json:"steps"`
	} `json:"thresholds"`
	Links []Link `json:"links"`
}

// Text is shown instead of a value.
type Text struct {
	Text  string `json:"text"`
	Color string `json:"color"`
}

// Link leads from a value to an address.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Override is how the values of some fields are shown.
type Override struct {
	Matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// Property decodes a property into value, and says whether the override has it.
func (o Override) Property(id string, value any) bool {
	for _, p := range o.Properties {
		if p.ID == id {
			return json.Unmarshal(p.Value, value) == nil
		}
	}
	return false
}

// Query is PromQL with Grafana's variables in it.
type Query struct {
	RefID    string `json:"refId"`
	Expr     string `json:"expr"`
	Legend   string `json:"legendFormat"`
	Interval string `json:"interval"`
	Instant  bool   `json:"instant"`
	Range    bool   `json:"range"`
	Exemplar bool   `json:"exemplar"`
}

// Colour returns the colour of a value by the texts that stand for values, or else by thresholds.
func (f Field) Colour(value float64) string {
	for _, m := range f.Mappings {
		if text, ok := m.Options[strconv.FormatFloat(value, 'f', -1, 64)]; ok {
			return text.Color
		}
	}
	if f.Color.Mode == "fixed" {
		return f.Color.Fixed
	}
	var colour string
	for _, step := range f.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			colour = step.Color
		}
	}
	return colour
}

// ColourOfNothing returns the colour in which a tile says that there is no data: that of its first step.
func (f Field) ColourOfNothing() string { return f.Colour(math.Inf(-1)) }

// All returns the panels, headers of rows included, and those of collapsed rows after their header.
func (d Dashboard) All() []Panel {
	var all []Panel
	for _, p := range d.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

// IsRow says that the panel is the header of a row.
func (p Panel) IsRow() bool { return p.Type == "row" }

// Read reads all dashboards of a folder.
func Read(folder string) ([]Dashboard, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no dashboards", folder)
	}
	all := make([]Dashboard, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &all[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return all, nil
}

var (
	variable = regexp.MustCompile(`\$(\w+)`)
	equals   = regexp.MustCompile(`="\$(\w+)"`)
	earlier  = regexp.MustCompile(` offset 1w\b`)
)

// durations are what Grafana and the dashboards' own variables put between brackets.
var durations = map[string]string{"__rate_interval": "20s", "__interval": "5s", "__range": "5m", "window": "1m"}

// PromQL returns the query as Grafana would send it with everything chosen, of a job or, if that is "", of all. Where
// one value is chosen, as in task_id="$task", it asks for any, and for what is compared with the week before, as of now.
func (q Query) PromQL(job string) string {
	return q.PromQLOf(job, durations)
}

// PromQLOf is PromQL with other durations, by Grafana's names for them.
func (q Query) PromQLOf(job string, durations map[string]string) string {
	expr := equals.ReplaceAllString(q.Expr, `=~".+"`)
	expr = earlier.ReplaceAllString(expr, "")
	return variable.ReplaceAllStringFunc(expr, func(reference string) string {
		name := strings.TrimPrefix(reference, "$")
		if duration, ok := durations[name]; ok {
			return duration
		}
		if name == "job" && job != "" {
			return job
		}
		return ".*"
	})
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// Values returns a query for the variable's values, each as the label of a series, if the variable asks for any.
func (v Variable) Values() (Query, bool) {
	var asked struct {
		Query string `json:"query"`
	}
	if v.Type != "query" || json.Unmarshal(v.Query, &asked) != nil {
		return Query{}, false
	}
	parts := labelValues.FindStringSubmatch(asked.Query)
	if parts == nil {
		return Query{}, false
	}
	return Query{Expr: fmt.Sprintf("group by (%s) (%s)", parts[2], parts[1])}, true
}

// Variables returns the names of the dashboard's variables that the query needs.
func (q Query) Variables() []string {
	var names []string
	for _, match := range variable.FindAllStringSubmatch(q.Expr, -1) {
		if !strings.HasPrefix(match[1], "__") {
			names = append(names, match[1])
		}
	}
	return names
}
