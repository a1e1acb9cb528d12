// Package panels reads Grafana dashboards as users import them, and makes their
// queries into PromQL that a Prometheus answers.
package panels

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Dashboard is what matters of a dashboard outside Grafana.
type Dashboard struct {
	UID        string   `json:"uid"`
	Tags       []string `json:"tags"`
	Panels     []Panel  `json:"panels"` // and the headers of rows
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Target Query `json:"target"`
		} `json:"list"`
	} `json:"annotations"`
}

// Variable is chosen at the top of a dashboard.
type Variable struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Query json.RawMessage `json:"query"`
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
		Defaults struct {
			Unit    string `json:"unit"`
			NoValue string `json:"noValue"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []Query `json:"targets"`
}

// Query is PromQL with Grafana's variables in it.
type Query struct {
	RefID  string `json:"refId"`
	Expr   string `json:"expr"`
	Legend string `json:"legendFormat"`
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
)

// durations are what Grafana and the dashboards' own variables put between brackets.
var durations = map[string]string{"__rate_interval": "20s", "__interval": "5s", "__range": "5m", "window": "1m"}

// PromQL returns the query as Grafana would send it with everything chosen, of a job or, if that is "", of all. Where
// one value is chosen, as in task_id="$task", it asks for any.
func (q Query) PromQL(job string) string {
	expr := equals.ReplaceAllString(q.Expr, `=~".+"`)
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
