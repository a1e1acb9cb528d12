package app

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

func overTheWire(t *testing.T, p *view.Probe) (view.Probe, string) {
	t.Helper()
	wire, err := json.Marshal(answerOf(p))
	if err != nil {
		t.Fatal(err)
	}
	var a probeAnswer
	if err := json.Unmarshal(wire, &a); err != nil {
		t.Fatal(err)
	}
	return a.probe(p.Task.Account, p.Task.ID), string(wire)
}

func TestAnotherReplicaIsToldAllThatAProbeFound(t *testing.T) {
	p := view.Probe{
		Task: view.Task{
			Task: kie.Task{
				ID: "1", Model: "m", State: kie.StateFail, Created: 1, Updated: 2, Completed: 3, Took: time.Second, FailCode: "500",
				Reason: kie.ReasonServer, Credits: 1.5, HasCredits: true, HasResult: true,
			},
			Group: "g", Account: "a", Endpoint: kie.Veo, Labels: map[string]string{"team": "film"}, FailedAt: 4, Learned: 5,
			Seen: time.Unix(6, 0).UTC(), LastAnswer: time.Unix(7, 0).UTC(), QueryError: kie.ClassTimeout, Overdue: true, GivenUp: true,
		},
		Asked: true, Waited: time.Minute, Took: time.Hour,
	}
	for _, of := range []reflect.Value{reflect.ValueOf(p.Task), reflect.ValueOf(p.Task.Task)} {
		for i := range of.NumField() {
			if of.Field(i).IsZero() {
				t.Errorf("%s is not tried: set it above", of.Type().Field(i).Name)
			}
		}
	}
	got, wire := overTheWire(t, &p)
	if !reflect.DeepEqual(got, p) {
		t.Errorf("told by %s:\n%+v\nwant\n%+v", wire, got, p)
	}
	for _, s := range []string{`"state":"fail"`, `"reason":"server"`, `"endpoint":"veo"`, `"query_error":"timeout"`} {
		if !strings.Contains(wire, s) {
			t.Errorf("no %s, which all versions read, in %s", s, wire)
		}
	}

	p.Task = view.Task{Task: kie.Task{ID: "1", State: kie.StatePending}, Account: "a"}
	p.Err = &kie.Error{Class: kie.ClassServer, Status: 500, Code: 501}
	if got, wire := overTheWire(t, &p); !reflect.DeepEqual(got, p) {
		t.Errorf("told by %s:\n%+v\nwant\n%+v", wire, got, p)
	}
	p.Err = errors.New("gave up")
	if got, wire := overTheWire(t, &p); got.Err == nil || got.Err.Error() != "gave up" || kie.ClassOf(got.Err) != kie.ClassOf(p.Err) {
		t.Errorf("told by %s: %v", wire, got.Err)
	}
}

func TestWhatALaterVersionTellsIsTakenAsFarAsItIsKnown(t *testing.T) {
	var a probeAnswer
	wire := `{"state":"paused","reason":"moon","endpoint":"sora","query_error":"tired","error":{"class":"tired"},"model":"a\nb","new":1}`
	if err := json.Unmarshal([]byte(wire), &a); err != nil {
		t.Fatal(err)
	}
	want := view.Task{
		Task:  kie.Task{ID: "1", State: kie.StateUnknown, Model: kie.CleanLabel("a\nb"), Reason: kie.ReasonNone},
		Group: "", Account: "a", Endpoint: kie.Jobs, QueryError: kie.ClassOther,
	}
	got := a.probe("a", "1")
	if !reflect.DeepEqual(got.Task, want) {
		t.Errorf("got %+v, want %+v", got.Task, want)
	}
	if kie.ClassOf(got.Err) != kie.ClassOther {
		t.Errorf("got %v", got.Err)
	}
}
