package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// span is when somebody held or showed an account for sure.
type span struct {
	by       *life
	from, to time.Time
}

// finding is what was looked at, how often, and what was found.
type finding struct {
	what   string
	looked int
	broken []string
	figure string
}

// judge looks at all that was noted. Asleep is how many requests may come from processes that stood still, each time.
func (f *fleet) judge() []finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []finding{
		f.spans("an account has one holder at most", func(s *sight) map[string]bool { return s.held }),
		f.spans("an account is shown by one replica at most", func(s *sight) map[string]bool { return s.shown }),
		f.overlaps(), f.windows(), f.askedAgain(), f.countedTwice(), f.askedAfterKills(),
	}
}

// check has the test fail for what is broken.
func (f *fleet) check() []finding {
	f.t.Helper()
	f.checkSecrets()
	all := f.judge()
	for _, one := range all {
		f.t.Logf("%s: %d looked at, %d broken; %s", one.what, one.looked, len(one.broken), one.figure)
		for _, text := range one.broken[:min(3, len(one.broken))] {
			f.t.Errorf("%s: %s", one.what, text)
		}
	}
	return all
}

// checkSecrets sees that Redis has the records, and nothing of keys, prompts, results, or where they are.
func (f *fleet) checkSecrets() {
	f.t.Helper()
	all := f.server.Everything(f.t)
	if !strings.Contains(all, "_task_") {
		f.t.Error("Redis has no record")
	}
	for _, secret := range []string{kiesim.Canary, "canary-key", "https://", f.api} {
		if strings.Contains(all, secret) {
			f.t.Errorf("Redis has %q", secret)
		}
	}
}

// spans sees that no two processes said so of an account at the same time. Who said so twice, and has not taken it again, did all the time.
func (f *fleet) spans(what string, said func(*sight) map[string]bool) (r finding) {
	r.what = what
	for _, a := range accounts() {
		var all []span
		for _, l := range f.lives {
			open := false
			taken := 0.0
			for i := range l.seen {
				s := &l.seen[i]
				r.looked++
				if !said(s)[a] {
					open = false
					continue
				}
				if open && s.taken[a] == taken {
					all[len(all)-1].to = s.began
					continue
				}
				open, taken = true, s.taken[a]
				all = append(all, span{l, s.ended, s.ended})
			}
		}
		slices.SortFunc(all, func(x, y span) int { return x.from.Compare(y.from) })
		for i, x := range all {
			for _, y := range all[i+1:] {
				if x.by != y.by && y.from.Before(x.to) && y.to.After(x.from) && y.to.After(y.from) && !f.justStepped(y.from) {
					r.broken = append(r.broken, fmt.Sprintf("%s: %s from %v to %v, %s from %v to %v", a, x.by.name, x.from.Sub(f.began), x.to.Sub(f.began),
						y.by.name, y.from.Sub(f.began), y.to.Sub(f.began)))
				}
			}
		}
	}
	return r
}

// overlaps sees that who asked about an account before does not ask within the next second. Processes that stood still may send what they had in hand.
func (f *fleet) overlaps() (r finding) {
	r.what = "nobody asks about an account that another has"
	for _, a := range accounts() {
		var now, before string
		var since, last time.Time
		longest := time.Duration(0)
		late := 0
		for _, q := range f.requests {
			if q.account != a {
				continue
			}
			r.looked++
			if q.replica != now {
				if q.replica == before && q.at.Sub(since) < time.Second && q.at.Sub(last) < time.Second {
					if late++; !f.justStepped(q.at) && (!f.justWoke(q.at) || late > atATime) {
						r.broken = append(r.broken, fmt.Sprintf("%s about %s, %v after %s began", q.replica, q.id, q.at.Sub(since), now))
					}
					continue
				}
				before, now, since, late = now, q.replica, q.at, 0
			}
			if !last.IsZero() {
				longest = max(longest, q.at.Sub(last))
			}
			last = q.at
		}
		r.figure += fmt.Sprintf("%s was asked nothing for %.1f s at the most; ", a, longest.Seconds())
	}
	r.figure = strings.TrimSuffix(r.figure, "; ")
	return r
}

// justStepped reports whether the server's clock was set a moment ago: two may hold and ask then, until the next tick of the
// earlier holder, which is documented, and as long as its lease where that is late.
func (f *fleet) justStepped(at time.Time) bool {
	return slices.ContainsFunc(f.steps, func(s time.Time) bool { return at.Sub(s) < lease && at.After(s) })
}

func (f *fleet) justWoke(at time.Time) bool {
	return slices.ContainsFunc(f.wakes, func(w pause) bool { return at.Sub(w.to) < 2*time.Second && at.After(w.from.Add(-time.Millisecond)) })
}

// windows sees that no window of time saw more requests than an account may send, of all processes together.
func (f *fleet) windows() (r finding) {
	r.what = "the worst window over all replicas is within the budget"
	most := 0.0
	for _, a := range accounts() {
		n, least := 0, 0.0
		for _, q := range f.requests {
			if q.account != a {
				continue
			}
			r.looked++
			at := rate * q.at.Sub(f.began).Seconds()
			if level := float64(n) - at; n == 0 || level < least {
				least = level
			}
			n++
			most = max(most, float64(n)-at-least)
		}
	}
	allowed := float64(atATime)
	if len(f.wakes) > 0 {
		allowed += atATime // what a process had in hand that stood still
	}
	if len(f.steps) > 0 {
		allowed += rate * (lease/6 + time.Second).Seconds() // as two may ask until the next tick
	}
	r.figure = fmt.Sprintf("%.1f requests above the rate at the most, %g are allowed and a second of jitter", most, allowed)
	if most > allowed+rate {
		r.broken = append(r.broken, r.figure)
	}
	return r
}

// askedAgain sees that nothing is asked that has a final record.
func (f *fleet) askedAgain() (r finding) {
	r.what = "a task with a final record in Redis is not asked again"
	again := 0
	for _, q := range f.requests {
		if at, final := f.once[q.id]; final && q.at.Sub(at) > 2*time.Second {
			again++
		}
		if at, final := f.finals[q.id]; final {
			r.looked++
			if q.at.Sub(at) > 2*time.Second && !f.justWoke(q.at) {
				r.broken = append(r.broken, fmt.Sprintf("%s by %s, %v after", q.id, q.replica, q.at.Sub(at)))
			}
		}
	}
	if f.losses > 0 {
		r.figure = fmt.Sprintf("Redis lost all %d times: %d queries about tasks whose final record it had had", f.losses, again)
	}
	return r
}

// countedTwice sees that all processes together counted no more tasks than there are, and no fewer than that but what a killed one had not shown.
func (f *fleet) countedTwice() (r finding) {
	r.what = "no task is counted twice over all processes"
	uncounted, all := 0.0, 0.0
	for _, a := range accounts() {
		counted, tasks := 0.0, 0
		for _, l := range f.lives {
			r.looked += len(l.seen)
			counted += l.total(func(s *sight) float64 { return s.counted[a] })
			uncounted += l.total(func(s *sight) float64 { return s.uncounted[a] })
		}
		for id := range f.ends {
			if strings.HasPrefix(id, a+"_") {
				tasks++
			}
		}
		all += counted
		if counted > float64(tasks) {
			r.broken = append(r.broken, fmt.Sprintf("of %d tasks of %s %g were counted", tasks, a, counted))
		}
	}
	r.figure = fmt.Sprintf("%g of %d tasks counted, %g found and not counted", all, len(f.ends), uncounted)
	return r
}

// total returns what a process counted of an account in all: its count begins at 0 again each time that it takes it.
func (l *life) total(count func(*sight) float64) (sum float64) {
	last := 0.0
	for i := range l.seen {
		n := count(&l.seen[i])
		if n < last {
			sum += last
		}
		last = n
	}
	return sum + last
}

// askedWithin is how long after a kill each task has been asked about that is unfinished still.
const askedWithin = lease + 10*time.Second

// wasTroubled reports whether something was wrong with the server in a time, or shortly before.
func (f *fleet) wasTroubled(from, to time.Time) bool {
	return slices.ContainsFunc(f.troubles, func(t time.Time) bool { return t.After(from.Add(-2*lease)) && t.Before(to) })
}

// askedAfterKills sees that each task that was unfinished is asked soon after a kill.
func (f *fleet) askedAfterKills() (r finding) {
	r.what = "each unfinished task is asked within lease + 10 s of a kill"
	slack := time.Duration(0)
	if !f.long { // beside other tests
		slack = loadedWithin
	}
	asked := make(map[string][]time.Time)
	for _, q := range f.requests {
		asked[q.id] = append(asked[q.id], q.at)
	}
	for _, at := range f.kills {
		by := at.Add(askedWithin)
		if f.wasTroubled(at, by) {
			continue // what nobody holds waits for up to two leases then
		}
		for id, end := range f.ends {
			if f.listed[id].After(at.Add(-time.Second)) || end.Before(by) {
				continue
			}
			r.looked++
			if !slices.ContainsFunc(asked[id], func(t time.Time) bool { return t.After(at) && t.Before(by.Add(slack)) }) {
				r.broken = append(r.broken, fmt.Sprintf("%s, after the kill at %v", id, at.Sub(f.began)))
			}
		}
	}
	return r
}
