// That a finished task is kept whole.

package tracker

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

func TestAFinishedTaskIsAfterARestartWhatItWas(t *testing.T) {
	now := kie.TimeOf(time.Now())
	long := now.Add(-24 * time.Hour)
	answers := map[string]kie.Answer{
		"all is told":           {Task: kie.Task{State: kie.StateSuccess, Created: now - 90, Completed: now - 40, Credits: 2.5, HasCredits: true}},
		"no credits":            {Task: kie.Task{State: kie.StateSuccess, Created: now - 90, Completed: now - 40}},
		"credits of 0":          {Task: kie.Task{State: kie.StateSuccess, Completed: now - 40, HasCredits: true}},
		"success without times": {Task: kie.Task{State: kie.StateSuccess}},
		"failure":               {Task: kie.Task{State: kie.StateFail, Created: now - 90, Completed: now - 40, FailCode: "422", Reason: kie.ReasonOther}},
		"failure, only updated": {Task: kie.Task{State: kie.StateFail, Created: now - 90, Updated: now - 20, FailCode: "other"}},
		"failure without times": {Task: kie.Task{State: kie.StateFail}},
		"old failure":           {Task: kie.Task{State: kie.StateFail, Created: long, Completed: long + 1, FailCode: "none"}},
		"old, only updated":     {Task: kie.Task{State: kie.StateFail, Created: long, Updated: long + 1}},
	}
	h := newFixture(t, store.Memory{})
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			h.Apply(source.Change{Group: "video", Added: []source.Task{{ID: name}}})
			k, a := h.tasks.Get(onlyAccount, name), h.accounts[0]
			answer.Model = "kling/v2"
			a.Begin(k)
			h.learn(a.Account, k, answer, nil)
			was := k.View()
			news := answer.Created != long
			if was.Completed != answer.Completed || was.Credits != answer.Credits || was.HasCredits != answer.HasCredits {
				t.Errorf("%+v is known, want what the answer told", was)
			}
			if fails := answer.State == kie.StateFail; was.FailedAt.IsZero() == (fails && news) {
				t.Errorf("failed at %v", was.FailedAt)
			}
			is := entry.Restore(k.ID, k.Kind.Model, new(k.Record()))
			if again := is.View(); again.FailedAt != was.FailedAt || again.Completed != was.Completed ||
				again.Credits != was.Credits || again.HasCredits != was.HasCredits || again.Learned != was.Learned ||
				again.FailCode != was.FailCode || again.Reason != was.Reason || again.Created != was.Created {
				t.Errorf("is  %+v\nwas %+v", again, was)
			}
			if is.Record() != k.Record() {
				t.Errorf("is  %+v\nwas %+v", is.Record(), k.Record())
			}
		})
	}
}
