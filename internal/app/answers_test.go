// Answers that are not as the API's documentation says, and what the metrics make of them.

package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// wildAnswer is an answer about the task of its name, and what the metrics must and must not hold once it came.
type wildAnswer struct {
	id   string
	body string // %s is the data's taskId and state
	want []string
	not  []string // parts of lines
}

const (
	success = `"taskId":"%s","state":"success"`
	answer  = `{"code":200,"msg":"success","data":{` + success + `,"model":"m",%s}}`
)

// timed returns an answer with these times, and the latency that it makes; empty: none.
func timed(id, created, completed, latency string) wildAnswer {
	w := wildAnswer{
		id:   id,
		body: fmt.Sprintf(answer, id, `"createTime":`+created+`,"completeTime":`+completed),
		want: []string{`kie_task_state{group="default",model="m",state="success",task_id="` + id + `"} 1`},
	}
	series := `kie_task_latency_seconds{group="default",model="m",task_id="` + id + `"}`
	if latency != "" {
		w.want = append(w.want, series+" "+latency)
	} else {
		w.not = append(w.not, series)
	}
	return w
}

// modelled returns an answer that names a model in JSON, and the label that it becomes.
func modelled(id, inJSON, label string) wildAnswer {
	return wildAnswer{
		id:   id,
		body: fmt.Sprintf(`{"code":200,"data":{`+success+`,"model":"%s"}}`, id, inJSON),
		want: []string{`kie_task_info{account="default",group="default",model="` + label + `",task_id="` + id + `"} 1`},
	}
}

func failed(id, body, class string) wildAnswer {
	return wildAnswer{
		id: id, body: body,
		want: []string{`kie_task_query_error{class="` + class + `",group="default",model="",task_id="` + id + `"} 1`},
		not:  []string{`state="success",task_id="` + id + `"} 1`, `state="fail",task_id="` + id + `"} 1`},
	}
}

func wildAnswers() map[string][]wildAnswer {
	of := func(id, members string) string {
		return strings.Replace(fmt.Sprintf(answer, id, members), `"state":"success",`, "", 1)
	}
	state := func(id, word string) string {
		return `kie_task_state{group="default",model="m",state="` + word + `",task_id="` + id + `"} 1`
	}
	return map[string][]wildAnswer{
		"data that is null, a list or a text": {
			{id: "null", body: `{"code":200,"data":null}`, not: []string{`kie_task_state{group="default",model="",state="success",task_id="null"} 1`}},
			failed("list", `{"code":200,"data":[]}`, "decode"),
			failed("text", `{"code":200,"data":"x"}`, "decode"),
		},
		"numbers as strings, with exponents, out of range, negative or none": {
			timed("text", `"1698765400000"`, `"1698765432000"`, "32"),
			timed("fraction", `1698765400000.0`, `1.698765415e12`, "15"),
			timed("small", `1e3`, `15000.0`, ""),
			timed("int64 and one", `1698765400000`, `9223372036854775808`, ""),
			timed("negative", `-1698765400000`, `1698765432000`, ""),
			timed("NaN", `"NaN"`, `"NaN"`, ""),
			{
				id: "credits", body: fmt.Sprintf(answer, "credits", `"creditsConsumed":"-5"`),
				not: []string{`kie_task_credits{group="default",model="m",task_id="credits"}`},
			},
		},
		"completed before created, at 0, in 2286, in seconds": {
			timed("backwards", `1698765432000`, `1698765400000`, ""),
			timed("zero", `1698765400000`, `0`, ""),
			timed("2286", `1698765400000`, `9999999999999`, ""),
			timed("seconds", `1698765400`, `1698765432`, "32"),
		},
		"keys that come twice or in another case": {
			{id: "twice", body: of("twice", `"state":"waiting","state":"success"`), want: []string{state("twice", "success")}},
			{id: "case", body: of("case", `"state":"success","STATE":"waiting"`), want: []string{state("case", "success")}},
			{id: "case before", body: of("case before", `"STATE":"fail","state":"success"`), want: []string{state("case before", "success")}},
		},
		"taskId of another task": {
			failed("mine", fmt.Sprintf(answer, "yours", `"x":1`), "mismatch"),
		},
		"a state that is unknown or empty": {
			{id: "odd", body: of("odd", `"state":"dreaming"`), want: []string{state("odd", "unknown")}, not: []string{"dreaming"}},
			{id: "empty", body: of("empty", `"state":""`), want: []string{state("empty", "unknown")}},
		},
		"a model that is no label": {
			modelled("byte", "a\xffb", "a\ufffdb"),
			modelled("surrogate", `a\ud800b`, "a\ufffdb"),
			modelled("newline", `a\nb`, "ab"),
			modelled("quote", `a\"b`, `a\"b`),
			modelled("backslash", `a\\b`, `a\\b`),
			modelled("NUL and ESC", `a\u0000\u001b[2Jb`, "a[2Jb"),
			modelled("1 MiB", strings.Repeat("é", 1<<19), strings.Repeat("é", 64)),
		},
		"two models that are equal after cleaning": {
			{id: "plain", body: modelled("plain", "same", "").body, want: []string{`kie_tasks{group="default",model="same",state="success"} 3`}},
			{id: "newline", body: modelled("newline", `sa\nme`, "").body},
			{id: "space", body: modelled("space", "  same\u0085", "").body},
		},
	}
}

func TestWildAnswersBecomeTrueSeriesOrNone(t *testing.T) {
	for name, answers := range wildAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, api := serveAPI(t, kiesim.Options{})
			var ids, want, not []string
			for _, a := range answers {
				sim.Put(kiesim.Task{ID: a.id, Raw: a.body})
				ids, want, not = append(ids, fmt.Sprintf("%q", a.id)), append(want, a.want...), append(not, a.not...)
			}
			p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: ["+strings.Join(ids, ", ")+"]}]"))
			body := p.until(10*time.Second, append(want, `kie_up{account="default"} 1`)...)
			for _, part := range not {
				if strings.Contains(body, part) {
					t.Errorf("there is %s in\n%s", part, body)
				}
			}
			parseBack(t, body)
		})
	}
}

// parseBack reads metrics as Prometheus does. Samples that are negative, or no number, can't be.
func parseBack(t *testing.T, body string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			if v := m.GetGauge().GetValue() + m.GetCounter().GetValue(); strings.HasPrefix(name, "kie_task") && !(v >= 0 && v < 1e11) {
				t.Errorf("%s is %v", name, v)
			}
		}
	}
}

func TestOddIDsAreAskedAsWritten(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	odd := []string{"a b", `q"`, "a/b", "../..", "?x=1", "%00", "a&taskId=b", "a#b", "a+b", "😀", "a{}", "'"}
	for _, id := range odd {
		sim.Put(kiesim.Task{ID: id, Model: "m"})
	}
	list := configFile(t, "", "") + ".txt"
	rewrite(t, list, strings.Join(odd, "\n")+"\n"+strings.Repeat("x", 10<<10)+"\nbad\x00id\n\xff\n")
	p := start(t, "--config.file="+configFile(t, api, fmt.Sprintf("groups: [{files: [%q]}]", list)))
	p.until(10*time.Second,
		fmt.Sprintf(`kie_tasks{group="default",model="m",state="success"} %d`, len(odd)),
		fmt.Sprintf(`kie_exporter_source_rejected_total{group="default",reason="invalid",source=%q} 3`, list))
	for _, id := range odd {
		if n := sim.Queries(id); n != 1 {
			t.Errorf("%q was asked %d times, want once", id, n)
		}
	}
	if n := sim.Stats().Requests[kiesim.RecordInfo]; n != len(odd) {
		t.Errorf("%d queries, want %d", n, len(odd))
	}
	if n := sim.Stats().Requests[""]; n != 0 {
		t.Errorf("%d requests for what the API does not have", n)
	}
}
