package withheld

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// idOf returns an id in a part of two.
func idOf(part int) string {
	for c := 'a'; ; c++ {
		if share.Of(string(c), 2) == part {
			return string(c)
		}
	}
}

// known is a snapshot of an account that was always held, and of one of two parts: each has the same three tasks.
func known(at time.Time) (*view.Snapshot, []view.Task) {
	var tasks []view.Task
	for _, account := range []string{"old", "new"} {
		for part := range 2 {
			for _, state := range []kie.State{kie.StatePending, kie.StateWaiting, kie.StateSuccess} {
				t := view.Task{Group: account, Account: account, Task: kie.Task{ID: idOf(part), Model: "m", State: state, Created: kie.Time(1000 + part)}}
				if state == kie.StatePending {
					t.Model, t.QueryError = "", kie.ClassTimeout
				}
				if state == kie.StateWaiting {
					t.LastAnswer, t.Overdue = at.Add(time.Duration(part)*time.Second), true
				}
				tasks = append(tasks, t)
			}
		}
	}
	s := &view.Snapshot{At: at, Shown: view.Shown{Blocks: []*view.Block{view.NewBlock(tasks[:3]...), view.NewBlock(tasks[3:]...)}}}
	for _, name := range []string{"old", "new"} {
		s.Accounts = append(s.Accounts, view.Account{Name: name, Due: 4})
		s.Groups = append(s.Groups, view.Group{Name: name, Pending: 2, OldestAnswer: at, QueryFailing: map[kie.Class]int{kie.ClassTimeout: 2}, Uncounted: 7})
		s.Models = append(s.Models, view.Model{
			Group: name, Model: "m", Tasks: map[kie.State]int{kie.StateWaiting: 2, kie.StateSuccess: 2, kie.StateFail: 0}, Oldest: 1000, Overdue: 2, EmptyResults: 5,
		})
	}
	return s, tasks
}

func accountOf(group string) string { return group }

func TestAShareThatIsWithheldIsInNoSum(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	for name, whole := range map[string]bool{"all that is held of the account": true, "one of two parts": false} {
		s, tasks := known(at)
		before, _ := known(at)
		got := From(s, map[string]*Account{"new": {Parts: share.Some(2, 0), Whole: whole}}, accountOf, slices.Values(tasks))
		if !reflect.DeepEqual(s, before) {
			t.Errorf("%s: the snapshot that others have was changed", name)
		}
		if got.Blocks[0] != s.Blocks[0] {
			t.Errorf("%s: a block of which nothing is withheld is another one", name)
		}
		if !reflect.DeepEqual(got.Models[0], s.Models[0]) || !reflect.DeepEqual(got.Groups[0], s.Groups[0]) || !reflect.DeepEqual(got.Accounts[0], s.Accounts[0]) {
			t.Errorf("%s: of the account of which nothing is withheld %+v, %+v and %+v are shown", name, got.Models[0], got.Groups[0], got.Accounts[0])
		}
		series := map[string]int{}
		for _, task := range got.Tasks() {
			series[task.Account+" "+task.ID]++
		}
		m, g, a := got.Models[1], got.Groups[1], got.Accounts[1]
		if m.EmptyResults != 5 || g.Uncounted != 7 || m.CountersOnly != whole || g.CountersOnly != whole || a.CountersOnly != whole {
			t.Errorf("%s: %+v, %+v, %+v", name, m, g, a)
		}
		want := map[string]int{"old " + idOf(0): 3, "old " + idOf(1): 3}
		if !whole {
			want["new "+idOf(1)] = 3
			if m.Tasks[kie.StateWaiting] != 1 || m.Tasks[kie.StateSuccess] != 1 || len(m.Tasks) != 3 || m.Oldest != 1001 || m.Overdue != 1 {
				t.Errorf("%s: models %+v", name, m)
			}
			if g.Pending != 1 || !g.OldestAnswer.Equal(at.Add(time.Second)) || g.QueryFailing[kie.ClassTimeout] != 1 || g.WithoutSeries != 0 {
				t.Errorf("%s: groups %+v", name, g)
			}
		}
		if !reflect.DeepEqual(series, want) {
			t.Errorf("%s: series %v, want %v", name, series, want)
		}
	}
}

func TestBeforeAllListsAreReadNoSumIsShown(t *testing.T) {
	s, _ := known(time.Unix(1_700_000_000, 0))
	s.LabelKeys = []string{"team"}
	before, _ := known(time.Unix(1_700_000_000, 0))
	before.LabelKeys = s.LabelKeys
	got := Unread(s)
	if !reflect.DeepEqual(s, before) {
		t.Error("the snapshot that others have was changed")
	}
	if len(got.Blocks) > 0 || !slices.Equal(got.LabelKeys, s.LabelKeys) {
		t.Errorf("tasks are shown: %+v", got.Shown)
	}
	for i := range got.Groups {
		if !got.Groups[i].CountersOnly || !got.Models[i].CountersOnly || !got.Accounts[i].DueUnknown || got.Accounts[i].CountersOnly {
			t.Errorf("%+v, %+v, %+v", got.Groups[i], got.Models[i], got.Accounts[i])
		}
		if got.Groups[i].Uncounted != s.Groups[i].Uncounted || got.Models[i].EmptyResults != s.Models[i].EmptyResults {
			t.Errorf("counters of %s are others", got.Groups[i].Name)
		}
	}
}
