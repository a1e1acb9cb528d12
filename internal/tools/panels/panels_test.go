package panels

import "testing"

func TestQueriesBecomePromQL(t *testing.T) {
	tests := []struct {
		name, expr, job, want string
	}{
		{"everything is chosen", `a{group=~"$group",model=~"$model"}`, "", `a{group=~".*",model=~".*"}`},
		{"one job is chosen", `a{job=~"$job",group=~"$group"}`, "kie", `a{job=~"kie",group=~".*"}`},
		{"any of what is chosen singly", `a{job=~"$job",task_id="$task"}`, "kie", `a{job=~"kie",task_id=~".+"}`},
		{"durations", `rate(a[$__rate_interval]) / rate(a[$window])`, "", `rate(a[20s]) / rate(a[1m])`},
		{"what is no variable stays", `a{b="c"}`, "kie", `a{b="c"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Query{Expr: tt.expr}).PromQL(tt.job); got != tt.want {
				t.Errorf("PromQL(%q) = %s, want %s", tt.job, got, tt.want)
			}
		})
	}
}

func TestOnlyVariablesThatAskForValuesHaveAny(t *testing.T) {
	asks := Variable{Type: "query", Query: []byte(`{"query": "label_values(a{job=~\"$job\"}, group)"}`)}
	if got, ok := asks.Values(); !ok || got.Expr != `group by (group) (a{job=~"$job"})` {
		t.Errorf("Values() = %q, %t", got.Expr, ok)
	}
	for _, v := range []Variable{
		{Type: "datasource", Query: []byte(`"prometheus"`)},
		{Type: "custom", Query: []byte(`"label_values(a, b)"`)},
		{Type: "query", Query: []byte(`{"query": "metrics(a)"}`)},
		{Type: "query", Query: []byte(`"label_values(a, b)"`)},
	} {
		if got, ok := v.Values(); ok {
			t.Errorf("%s %s: Values() = %q", v.Type, v.Query, got.Expr)
		}
	}
}
