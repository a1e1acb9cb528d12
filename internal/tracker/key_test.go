package tracker_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// triedAtStart is an account whose key is tried at the start, and what is logged.
func triedAtStart(credits time.Duration, api kiesim.Options) (s setup, log *bytes.Buffer) {
	log = &bytes.Buffer{}
	account := tracker.AccountOptions{Name: "main", CreditsInterval: credits, KeyOrigin: "read from /run/key", TryKey: true}
	return setup{api: api, account: account, tracker: tracker.Options{Log: slog.New(slog.NewTextHandler(log, nil))}}, log
}

func TestTheKeyIsTriedOnceAtTheStartThoughNobodyScrapes(t *testing.T) {
	for name, test := range map[string]struct {
		credits time.Duration
		want    kiesim.Endpoint
	}{
		"with the balance": {time.Minute, kiesim.Credit},
		"with a task":      {0, kiesim.RecordInfo},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := triedAtStart(test.credits, kiesim.Options{})
			bubble(t, s, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "a", Duration: 10 * time.Hour})
				r.task(kiesim.Task{ID: "b", Duration: 10 * time.Hour})
				time.Sleep(time.Hour)
				requests := r.sim.Requests()
				if len(requests) != 1 || requests[0].Endpoint != test.want {
					t.Errorf("asked %v, want one request for %v", requests, test.want)
				}
			})
		})
	}
}

// What is refused is told once, however long that lasts and whichever of balance and tasks is asked for.
func TestARefusedKeyIsToldOnceForEachTimeItIsRefused(t *testing.T) {
	const refused = "The API refuses the key of account main, read from /run/key"
	s, log := triedAtStart(time.Minute, kiesim.Options{Keys: []string{"another"}})
	s.budget = budget.Options{Rate: 2, Concurrent: 2}
	bubble(t, s, func(t *testing.T, r *rig) {
		for _, id := range ids("t", 5) {
			r.task(kiesim.Task{ID: id, Duration: 10 * time.Hour})
		}
		time.Sleep(time.Minute)
		for times, keys := range []string{"another", "key-of-a-test", "another"} {
			r.sim.SetKeys(keys)
			r.watch(20 * time.Minute)
			if got, want := strings.Count(log.String(), refused), 1+times/2; got != want {
				t.Errorf("after %d changes it was told %d times, want %d:\n%s", times, got, want, log)
			}
		}
	})
}

func TestAGatewayThatServesTasksAloneIsToldOnce(t *testing.T) {
	s, log := triedAtStart(time.Minute, kiesim.Options{})
	bubble(t, s, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit}, kiesim.Fault{Code: 401})
		r.task(kiesim.Task{ID: "a", Duration: 10 * time.Hour})
		r.watch(time.Hour)
		if n := strings.Count(log.String(), "refuses the key"); n != 1 {
			t.Errorf("told %d times: %s", n, log)
		}
	})
}
