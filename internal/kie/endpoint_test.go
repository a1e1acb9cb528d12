package kie

import (
	"net/http"
	"slices"
	"testing"
)

// films is an endpoint that there is not. It differs from jobs in all that a row can tell.
var films = endpoint{
	name: "films", path: "api/v1/films/record-info", id: "film_id",
	task: fields{
		id: "film_id", model: "engine", state: []key{"status", "successFlag"},
		states:  map[string]State{"0": StateGenerating, "1": StateSuccess, "3": StateFail, "firstcut": StateGenerating},
		created: "startedAt", updated: "touchedAt", completed: "endedAt", text: true,
		code: "errorCode", message: "errorMessage", credits: "cost", results: []path{{"reel"}, {"trailer"}},
	},
}

// withRow adds a row to the table for the time of a test, and returns the endpoint.
func withRow(t *testing.T, row endpoint) Endpoint {
	t.Helper()
	rows, names := endpoints, members
	t.Cleanup(func() { endpoints, members = rows, names })
	endpoints = slices.Concat(rows, []endpoint{row})
	members = membersOf(endpoints)
	return EndpointCount
}

func TestAnEndpointIsARow(t *testing.T) {
	e := withRow(t, films)
	const created, completed = 1698765400000, 1698765432000
	for name, tt := range map[string]struct {
		body  string
		class Class
		want  Task
	}{
		"a word in the first member": {
			`{"code":200,"data":{"film_id":"f 1","engine":"e1","status":"SUCCESS","successFlag":3,"startedAt":"2023-10-31T15:16:40Z",` +
				`"endedAt":"2023-10-31T17:17:12+02:00","touchedAt":1698765432,"cost":2.5,"trailer":{"url":"https://example.com/a.mp4"}}}`, ClassOK,
			Task{
				Model: "e1", State: StateSuccess, Created: created, Updated: completed, Completed: completed,
				Credits: 2.5, HasCredits: true, HasResult: true,
			},
		},
		"a number in the second": {
			`{"code":200,"data":{"successFlag":1,"reel":"https://example.com/a.mp4"}}`, ClassOK, Task{State: StateSuccess, HasResult: true},
		},
		"a number in a string": {`{"code":200,"data":{"successFlag":"0"}}`, ClassOK, Task{State: StateGenerating}},
		"a word of its own":    {`{"code":200,"data":{"status":"FIRST_CUT"}}`, ClassOK, Task{State: StateGenerating}},
		"an unknown number":    {`{"code":200,"data":{"successFlag":4}}`, ClassOK, Task{}},
		"a failure": {
			`{"code":200,"data":{"successFlag":3,"errorCode":500,"errorMessage":"Internal Error, Please try again later.","failCode":"1"}}`, ClassOK,
			Task{State: StateFail, FailCode: "500", Reason: ReasonServer},
		},
		"a failure that the envelope tells": {
			`{"code":501,"msg":"timed out","data":null}`, ClassTaskFailed, Task{State: StateFail, FailCode: "501", Reason: ReasonTimeout},
		},
		"a time without a zone": {
			`{"code":200,"data":{"successFlag":0,"startedAt":"2023-10-31 15:16:40"}}`, ClassOK, Task{State: StateGenerating},
		},
		"the members of jobs": {
			`{"code":200,"data":{"taskId":"x","state":"success","model":"m","createTime":1698765400000,"resultJson":"{\"a\":\"b\"}"}}`, ClassOK, Task{},
		},
		"another task": {`{"code":200,"data":{"film_id":"f2","successFlag":1}}`, ClassMismatch, Task{}},
		"no such task": {`{"code":422,"msg":"The record does not exist"}`, ClassNotFound, Task{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.String(); got != "/api/v1/films/record-info?film_id=f+1" {
					t.Errorf("asked %s", got)
				}
				answering(http.StatusOK, tt.body)(w, r)
			})
			got, err := c.Record(t.Context(), e, "f 1")
			wantClass(t, err, tt.class)
			if tt.class == ClassOK || tt.class == ClassTaskFailed {
				tt.want.ID = "f 1"
			}
			if got.Task != tt.want {
				t.Errorf("read\n%+v\nwant\n%+v", got.Task, tt.want)
			}
		})
	}
}

func TestJobsDoNotReadWhatOtherEndpointsTell(t *testing.T) {
	withRow(t, films)
	a, err := ask(t, http.StatusOK, `{"code":200,"data":{"status":"SUCCESS","successFlag":1,"engine":"e","startedAt":1698765400000,"cost":1,"reel":"x"}}`)
	if want := (Task{ID: testID}); err != nil || a.Task != want {
		t.Errorf("read %+v, %v", a.Task, err)
	}
	if a, _ := ask(t, http.StatusOK, `{"code":200,"data":{"state":"1","createTime":"2023-10-31T15:16:40Z"}}`); a.State != StateUnknown || !a.Created.IsZero() {
		t.Errorf("read %+v", a.Task)
	}
}

func TestEveryEndpointHasARowOfItsOwn(t *testing.T) {
	if len(endpoints) != int(EndpointCount) || len(Endpoints()) != len(endpoints) {
		t.Fatalf("%d rows of %d", len(endpoints), EndpointCount)
	}
	names, paths := map[string]bool{}, map[string]bool{}
	for _, e := range Endpoints() {
		row := endpoints[e]
		if row.name == "" || row.path == "" || names[row.name] || paths[row.path] {
			t.Errorf("endpoint %d: %+v", e, row)
		}
		names[row.name], paths[row.path] = true, true
		if f := row.task; row.id != "" && (len(f.state) == 0 || f.code == "" || f.message == "") {
			t.Errorf("endpoint %v has nowhere to put that a task has failed", e)
		}
	}
}
