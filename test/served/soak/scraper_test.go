// A scraper, and what must be true of every scrape.

package soak_test

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	// heldBack is for how long the totals of a new label set may show 0.
	heldBack = 65 * time.Second
	// unlistedFor is for how long the series of an id may outlive its place on a list, reads that fail included.
	unlistedFor = 90 * time.Second
)

// scraper scrapes the exporter at an interval, and compares each scrape with the truth and with the one before.
type scraper struct {
	w        *world
	format   format
	interval time.Duration
	timeout  time.Duration

	process *process // that was scraped last
	last    *exposition
	final   map[string]string    // states shown by that process
	since   map[string]time.Time // when a series of totals had first been shown
	scrapes atomic.Int64
	late    atomic.Int64 // of these: answered after the timeout
	slowest atomic.Int64 // nanoseconds
}

// run scrapes until ctx ends.
func (s *scraper) run(ctx context.Context) {
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for {
		s.scrape(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// scrape scrapes once. What a process that is told to end does not answer any more counts for nothing.
func (s *scraper) scrape(ctx context.Context) {
	p := s.w.current()
	if p == nil || p.isEnding() {
		return
	}
	start := time.Now()
	lateness := s.w.plan.lateness()
	status, contentType, body, err := get(ctx, p.base+"/metrics", s.timeout, s.timeout+lateness, s.format)
	took := time.Since(start)
	if err != nil && (p.isEnding() || ctx.Err() != nil) {
		return
	}
	v := s.w.verdict
	v.check(scrapeAnswers, err == nil && status == http.StatusOK && took <= s.timeout+lateness, "status %d, %v after %v", status, err, took)
	if err != nil || status != http.StatusOK {
		return
	}
	secret := findSecret(string(body))
	v.check(nothingSecret, secret == "", "the metrics say %q", secret)
	e, err := read(body, contentType)
	v.check(scrapeAnswers, err == nil, "%s: %v", contentType, err)
	if err != nil {
		return
	}
	s.scrapes.Add(1)
	if took > s.timeout {
		s.late.Add(1)
	}
	s.slowest.Store(max(s.slowest.Load(), int64(took)))
	s.look(p, e, start)
}

// look checks what a scrape showed.
func (s *scraper) look(p *process, e *exposition, start time.Time) {
	if p != s.process {
		s.process, s.last, s.final, s.since = p, nil, map[string]string{}, map[string]time.Time{}
	}
	s.lookAtStates(e, start)
	s.lookAtValues(e)
	s.lookAtTotals(e, start)
	p.totals.take(e)
	s.w.usage.take(p, e, float64(s.w.api.connections.Load()), start)
	s.last = e
}

// lookAtStates checks that each task has one state, and that a final one is true and stays.
func (s *scraper) lookAtStates(e *exposition, start time.Time) {
	v, states := s.w.verdict, map[string][]string{}
	rows := map[string]int{}
	for _, k := range e.named["kie_task_state"] {
		id := k.labels.Get("task_id")
		rows[id]++
		if k.value == 1 {
			states[id] = append(states[id], k.labels.Get("state"))
		}
	}
	for id, n := range rows {
		v.check(oneState, n == len(kie.States()) && len(states[id]) == 1, "%s has %d states, and is in %v", id, n, states[id])
		if len(states[id]) != 1 {
			continue
		}
		s.lookAtState(id, states[id][0], start)
	}
}

func (s *scraper) lookAtState(id, state string, start time.Time) {
	v := s.w.verdict
	f, ok := s.w.book.fact(id)
	if !ok {
		v.check(onlyListed, s.w.book.cutShort(id), "there is a series of %q", id)
		return
	}
	v.check(onlyListed, !s.w.retiredBefore(f, start.Add(-unlistedFor)), "%s is not listed any more", id)
	if was, ok := s.final[id]; ok || s.process.kept[id].State.Finished() {
		v.check(finalStays, state == f.state, "%s was %s, is %s, and should be %s", id, was, state, f.state)
	}
	if state == "success" || state == "fail" {
		s.final[id] = state
		v.check(nothingWrong, state == f.state && f.finishedBy(time.Now()), "%s is shown as %s", id, state)
	}
}

// lookAtValues checks what is shown of single tasks besides their state.
func (s *scraper) lookAtValues(e *exposition) {
	for name, want := range map[string]func(f *fact) float64{
		"kie_task_latency_seconds":             func(f *fact) float64 { return f.latency().Seconds() },
		"kie_task_completed_timestamp_seconds": func(f *fact) float64 { return f.completed.Seconds() },
		"kie_task_created_timestamp_seconds":   func(f *fact) float64 { return f.created.Seconds() },
	} {
		for _, k := range e.named[name] {
			id := k.labels.Get("task_id")
			if f, ok := s.w.book.fact(id); ok {
				s.w.verdict.check(nothingWrong, math.Abs(k.value-want(f)) < 1e-6, "%s of %s is %v, not %v", name, id, k.value, want(f))
			}
		}
	}
}

// lookAtTotals checks that totals do not go back, and that those of one scrape agree.
func (s *scraper) lookAtTotals(e *exposition, start time.Time) {
	v := s.w.verdict
	for name, samples := range e.named {
		if !isTotal(name) {
			continue
		}
		for _, k := range samples {
			key := k.labels.String()
			if _, ok := s.since[key]; !ok {
				s.since[key] = time.Now() // it was shown at some time since the scrape began
			}
			if s.last == nil || k.labels.Get("group") == guestGroup { // which may come back, and is then new
				continue
			}
			v.check(totalsGrow, k.value >= s.last.series[key], "%s was %v, is %v", key, s.last.series[key], k.value)
		}
	}
	for _, k := range e.named["kie_tasks_finished_total"] {
		ls := k.labels
		samples := e.sum("kie_tasks_latency_seconds_count", with{"group": ls.Get("group"), "model": ls.Get("model"), "state": ls.Get("state")})
		v.check(totalsAgree, samples == k.value, "%s is %v, with %v latencies", ls, k.value, samples)
	}
	for _, k := range e.named["kie_exporter_detection_delay_seconds_count"] {
		group := k.labels.Get("group")
		finished := e.sum("kie_tasks_finished_total", with{"group": group})
		v.check(totalsAgree, finished <= k.value && (s.holds(e, group, start) || finished == k.value),
			"group %s: %v finished, %v detected", group, finished, k.value)
	}
}

// holds reports whether some totals of a group may still show 0.
func (s *scraper) holds(e *exposition, group string, at time.Time) bool {
	for _, k := range e.named["kie_tasks_finished_total"] {
		if k.labels.Get("group") == group && at.Sub(s.since[k.labels.String()]) < heldBack {
			return true
		}
	}
	return group == guestGroup
}

// isTotal reports whether a name is that of a series that only grows.
func isTotal(name string) bool {
	for _, ending := range []string{"_total", "_count", "_bucket", "_sum"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}
