package kie

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/golden"
)

// The answers of each endpoint that tells of tasks are in testdata/answers: what one is called, the answer about the task ID, and, after
// a >, how it is read, which -update writes.
func TestAnswersOfEachEndpointAreRead(t *testing.T) {
	for _, word := range EndpointWords() {
		t.Run(word, func(t *testing.T) {
			file := "answers/" + word + ".txt"
			text, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			e, _ := EndpointNamed(word)
			var read strings.Builder
			for line := range strings.Lines(string(text)) {
				if !strings.HasPrefix(line, ">") {
					read.WriteString(line)
				}
				if strings.HasPrefix(line, "{") {
					fmt.Fprintf(&read, "> %s\n", reading(t, e, line))
				}
			}
			golden.Check(t, file, []byte(read.String()))
		})
	}
}

// reading asks an endpoint that answers so, and tells what of that is read.
func reading(t *testing.T, e Endpoint, body string) string {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.String(); got != "/"+endpoints[e].path+"?"+endpoints[e].id+"=ID" {
			t.Errorf("asked %s", got)
		}
		answering(http.StatusOK, body)(w, r)
	})
	a, err := c.Record(t.Context(), e, "ID")
	if class := ClassOf(err); class != ClassOK && class != ClassTaskFailed {
		return class.String()
	}
	told := []string{a.State.String()}
	tell := func(name string, value any, is bool) {
		if is {
			told = append(told, fmt.Sprintf("%s=%v", name, value))
		}
	}
	tell("class", ClassOf(err), err != nil)
	tell("model", a.Model, a.Model != "")
	tell("word", a.Word, a.Word != "")
	tell("created", a.Created, !a.Created.IsZero())
	tell("completed", a.Completed, !a.Completed.IsZero())
	latency, ok := a.Latency()
	tell("latency", latency, ok)
	tell("code", a.FailCode, a.FailCode != "")
	tell("reason", a.Reason, a.State == StateFail)
	tell("credits", a.Credits, a.HasCredits)
	tell("result", a.HasResult, a.State.Finished())
	return strings.Join(told, " ")
}

func TestUsersNameEndpoints(t *testing.T) {
	for _, word := range EndpointWords() {
		if e, ok := EndpointNamed(word); !ok || e.Word() != word || !e.TellsOfTasks() {
			t.Errorf("%s is %v, %v", word, e, ok)
		}
	}
	for _, none := range []string{"", "credit", "recordInfo", "Suno"} {
		if e, ok := EndpointNamed(none); ok || e != Jobs {
			t.Errorf("%q is %v", none, e)
		}
	}
	if e, ok := EndpointNamed("jobs"); !ok || e != Jobs || Jobs.Model() != "" || Suno.Model() != "suno" || Credit.TellsOfTasks() {
		t.Error("jobs are not what is asked where nothing else is said")
	}
}
