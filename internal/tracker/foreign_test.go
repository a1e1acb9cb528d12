// Pages of something in between, odd words for states, and balances below zero.

package tracker_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
)

// page is what an ingress without a backend answers, with something in it that no log may show.
func page(status int) kiesim.Fault {
	return kiesim.Fault{Status: status, Body: "<html><title>" + strconv.Itoa(status) + " " + kiesim.Canary + "</title></html>"}
}

func TestAPageOfSomethingInBetweenSaysNothingAboutATask(t *testing.T) {
	for _, status := range []int{400, 402, 403, 404, 405, 408, 409, 410, 421, 422, 433, 451, 455, 500, 502, 503} {
		for _, first := range []string{"known", "unknown"} {
			t.Run(fmt.Sprintf("%d %s", status, first), func(t *testing.T) {
				var l output.Text
				bubble(t, setup{budget: budget.Options{Rate: 2, Concurrent: 4}, tracker: tracker.Options{Log: l.Logger(slog.LevelInfo)}}, func(t *testing.T, r *rig) {
					all := ids("t", 20)
					for _, id := range all {
						r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Duration: time.Hour})
					}
					r.list(all...)
					if first == "known" {
						r.watch(100 * time.Second)
					} else {
						time.Sleep(100 * time.Second) // nobody looks, so they are not asked, and their grace is over
					}
					remove := r.sim.Inject(kiesim.Match{}, page(status))
					before := len(r.sim.Requests())
					r.watch(20 * time.Second)
					if n := len(r.sim.Requests()) - before; n > 5+3+4 {
						t.Errorf("%d requests in 20 s of pages", n)
					}
					s := r.Snapshot()
					if n := failing(s, kie.ClassNotFound) + failing(s, kie.ClassBadRequest) + failing(s, kie.ClassOther); n > 0 {
						t.Errorf("%d tasks have an error of their own", n)
					}
					remove()
					if s = r.watch(time.Minute); s.Groups[0].Pending > 0 || failing(s, kie.ClassServer) > 0 {
						t.Errorf("a minute later %d tasks are unknown and %d failing", s.Groups[0].Pending, failing(s, kie.ClassServer))
					}
				})
				if n := len(l.Lines("not the API")); n != 1 {
					t.Errorf("logged %d times that something else answers", n)
				}
				if len(l.Lines("account=main")) == 0 || len(l.Lines(kiesim.Canary)) > 0 {
					t.Error("the log does not name the account, or shows what was answered")
				}
			})
		}
	}
}

func TestEachOutageOfPagesIsLoggedOnce(t *testing.T) {
	for _, status := range []int{401, 404, 429} {
		var l output.Text
		bubble(t, setup{tracker: tracker.Options{Background: true, Log: l.Logger(slog.LevelInfo)}, credits: time.Minute}, func(t *testing.T, r *rig) {
			for _, id := range ids("t", 10) {
				r.task(kiesim.Task{ID: id, Duration: 10 * time.Hour})
			}
			time.Sleep(time.Minute)
			for outage := range 3 {
				remove := r.sim.Inject(kiesim.Match{}, page(status))
				time.Sleep(10 * time.Minute)
				remove()
				time.Sleep(10 * time.Minute)
				if n := len(l.Lines("not the API")); n != outage+1 {
					t.Errorf("%d: logged %d times in %d outages", status, n, outage+1)
				}
			}
			r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 500})
			time.Sleep(10 * time.Minute)
		})
		if n := len(l.Lines("not the API")); n != 3 {
			t.Errorf("%d: the API's own error is logged as a page", status)
		}
	}
}

func TestAPageForOneTaskAloneIsNoHotLoopAndNoBackOff(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "bad", Duration: 100 * time.Hour})
		r.task(kiesim.Task{ID: "good", Duration: 100 * time.Hour})
		time.Sleep(time.Hour)
		remove := r.sim.Inject(kiesim.Match{ID: "bad"}, page(http.StatusForbidden))
		from := time.Now()
		time.Sleep(2 * time.Hour)
		at := r.queries("bad", from)
		late := at[len(at)-100:]
		if gap := (late[99] - late[0]) / 99; gap < 50 || gap > 70 {
			t.Errorf("asked every %g s, want a minute", gap)
		}
		if k := find(t, r.Snapshot(), "bad"); k.State != kie.StateGenerating || k.QueryError != kie.ClassServer {
			t.Errorf("bad is %v with error %v", k.State, k.QueryError)
		}
		remove()
		time.Sleep(61 * time.Second)
		if k := find(t, r.Snapshot(), "bad"); k.QueryError != kie.ClassOK {
			t.Errorf("error %v a minute later", k.QueryError)
		}
	})
}

func TestAServerThatSaysHowLongIsNotAskedAboutThatTaskBefore(t *testing.T) {
	for name, fault := range map[string]kiesim.Fault{"envelope": {Code: 500}, "page": {Status: 503, Body: "<html>"}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				fault.Header = http.Header{"Retry-After": {"120"}}
				r.sim.Inject(kiesim.Match{Times: 3}, fault)
				r.task(kiesim.Task{ID: "a", Duration: time.Hour})
				time.Sleep(7 * time.Minute)
				at := r.queries("a", time.Now())
				for i := range 3 {
					if gap := at[i+1] - at[i]; gap < 120 || gap > 122 {
						t.Errorf("asked again after %g s, want 120", gap)
					}
				}
			})
		})
	}
}

func TestUnknownWordsForStatesAreCountedAndTheFirstFewLogged(t *testing.T) {
	var l output.Text
	bubble(t, setup{tracker: tracker.Options{Background: true, Log: l.Logger(slog.LevelInfo)}}, func(t *testing.T, r *rig) {
		for i := range 10 {
			word := "dream" + strings.Repeat("y", i)
			r.task(kiesim.Task{ID: strconv.Itoa(i), Data: map[string]any{"state": word}, Duration: time.Hour})
		}
		r.task(kiesim.Task{ID: "secret", Data: map[string]any{"state": kiesim.Canary + "\x1b[31m 123"}, Duration: time.Hour})
		r.task(kiesim.Task{ID: "none", Data: map[string]any{"state": ""}, Duration: time.Hour})
		time.Sleep(time.Second)
		first := r.Snapshot().Accounts[0].UnknownStates
		if first != 11 {
			t.Errorf("counted %d answers with unknown words, want 11", first)
		}
		time.Sleep(time.Minute)
		s := r.Snapshot()
		if s.Accounts[0].UnknownStates <= first {
			t.Error("the tasks are not asked on, or not counted")
		}
		for _, k := range s.Tasks() {
			if k.State != kie.StateUnknown {
				t.Errorf("%s is %v", k.ID, k.State)
			}
		}
	})
	if n := len(l.Lines("not known")); n != 5 {
		t.Errorf("%d words logged, want the first 5", n)
	}
	if len(l.Lines(kiesim.Canary)) > 0 {
		t.Error("the log shows what is no word")
	}
}

func TestAnUnknownWordInAProbesAnswerIsCounted(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "stray", Data: map[string]any{"state": "dreaming"}, Duration: time.Hour})
		if p := r.Probe(t.Context(), "main", "stray"); p.Err != nil {
			t.Fatal(p.Err)
		}
		if n := r.Snapshot().Accounts[0].UnknownStates; n != 1 {
			t.Errorf("counted %d answers, want 1", n)
		}
	})
}

func TestABalanceBelowZeroIsShownAndUseAcrossZeroCounts(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}, credits: time.Minute}, func(t *testing.T, r *rig) {
		time.Sleep(30 * time.Second) // the balance is asked for in the middle of each minute that follows
		before := 0.
		for i, step := range []struct {
			data          string
			balance, used float64
		}{
			{`10`, 10, 0}, {`-18.5`, -18.5, 28.5}, {`"-20"`, -20, 30}, {`1e400`, -20, 30}, {`-1e300`, -1e300, 30}, {`"12"`, 12, 30}, {`-0.0`, 0, 42},
		} {
			remove := r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit}, kiesim.Fault{Body: `{"code":200,"msg":"success","data":` + step.data + `}`})
			time.Sleep(time.Minute)
			if i == 0 {
				before = r.Snapshot().Accounts[0].CreditsUsed
			}
			step.used += before
			if a := r.Snapshot().Accounts[0]; !a.HasBalance || a.Balance != step.balance || a.CreditsUsed != step.used {
				t.Errorf("%s: balance %g (%v), used %g, want %g and %g", step.data, a.Balance, a.HasBalance, a.CreditsUsed, step.balance, step.used)
			}
			remove()
		}
	})
}

func TestAProbeOfATaskInNoListThatClosesTheGateIsLogged(t *testing.T) {
	for _, c := range []struct {
		code   int
		reason string
		key    int // lines about the key
	}{{429, "rate_limited", 0}, {401, "auth", 2}} {
		t.Run(c.reason, func(t *testing.T) {
			var l output.Text
			bubble(t, setup{tracker: tracker.Options{Log: l.Logger(slog.LevelInfo)}}, func(t *testing.T, r *rig) {
				remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: c.code})
				r.Probe(t.Context(), "main", "stray")
				if closed := l.Lines("Not asking for now"); len(closed) != 1 || !strings.Contains(closed[0], c.reason) {
					t.Errorf("logged %q when the gate closed, want one line with %s", closed, c.reason)
				}
				remove()
				r.sim.Put(kiesim.Task{ID: "other"})
				time.Sleep(5 * time.Minute)
				if p := r.Probe(t.Context(), "main", "other"); p.Err != nil {
					t.Fatal(p.Err)
				}
			})
			if opened := l.Lines("Asking again"); len(opened) != 1 {
				t.Errorf("logged %q when it opened, want one line", opened)
			}
			if key := append(l.Lines("refuses the key"), l.Lines("takes the key again")...); len(key) != c.key {
				t.Errorf("logged %q of the key, want %d lines", key, c.key)
			}
			if lines := l.Lines("stray"); len(lines) > 0 {
				t.Errorf("the log names an id that anybody may have made up: %q", lines)
			}
		})
	}
}
