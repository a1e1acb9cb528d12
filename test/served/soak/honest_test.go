// What goes on as usual while strangers are at the doors.

package soak_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// honestListed is how many tasks the honest list has at the most; older ones are taken off.
const honestListed = 120

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// wait returns after a time, or when ctx ends.
func wait(ctx context.Context, d time.Duration) { (&world{}).pause(ctx, d) }

// job is something that is done every so often.
type job struct {
	pause time.Duration
	do    func(ctx context.Context)
}

func (s *siege) honestWork() []job {
	return []job{{time.Second, s.scrape}, {500 * time.Millisecond, s.create}}
}

// every does a job until ctx ends.
func (s *siege) every(ctx context.Context, work job) {
	for ctx.Err() == nil {
		work.do(ctx)
		wait(ctx, work.pause)
	}
}

// create makes a task, lists it, and has it called back now.
func (s *siege) create(ctx context.Context) {
	id := s.book.create(s.honest.group, s.honest.account, 0)
	s.honest.add(id)
	s.honest.mu.Lock()
	s.honest.ids = s.honest.ids[max(0, len(s.honest.ids)-honestListed):]
	s.honest.mu.Unlock()
	err := s.honest.replace()
	s.verdict.check(siegeDone, err == nil, "the honest list: %v", err)
	s.mu.Lock()
	s.listedAt[id] = time.Now()
	s.mu.Unlock()
	s.callBack(ctx, id)
}

// callBack sends a genuine callback.
func (s *siege) callBack(ctx context.Context, id string) {
	p, ok := s.current()
	if !ok {
		return
	}
	start := time.Now()
	status, err := post(ctx, p.hooks+"/webhook/"+s.honest.account, id, hookKey())
	took := time.Since(start)
	if err != nil && (p.isEnding() || ctx.Err() != nil) {
		return
	}
	s.callbacks.Add(1)
	s.took("callback", took)
	s.verdict.check(siegeHooks, err == nil && status == http.StatusAccepted && took <= siegeHookWait+s.slack, "status %d, %v after %v", status, err, took)
}

// scrape scrapes once, and holds what it shows to the truth.
func (s *siege) scrape(ctx context.Context) {
	p, ok := s.current()
	if !ok {
		return
	}
	start := time.Now()
	status, contentType, body, err := get(ctx, p.base+"/metrics", siegeTimeout, siegeTimeout+patience, openMetrics())
	took := time.Since(start)
	if err != nil && (p.isEnding() || ctx.Err() != nil) {
		return
	}
	s.verdict.check(siegeScrapes, err == nil && status == http.StatusOK && took <= siegeTimeout+s.slack, "status %d, %v after %v", status, err, took)
	s.took("scrape", took)
	s.scrapes.Add(1)
	if err != nil || status != http.StatusOK {
		return
	}
	secret := findForeign(string(body))
	s.verdict.check(siegeNothing, secret == "", "the metrics say %q", secret)
	e, err := read(body, contentType)
	s.verdict.check(siegeScrapes, err == nil, "%v", err)
	if err == nil {
		s.lookAtTasks(p, e, start)
		s.lookAtAlerts(p, e, start)
		s.lookAtUsage(e)
	}
}

// lookAtTasks checks that what has ended is shown so in time.
func (s *siege) lookAtTasks(p *process, e *exposition, start time.Time) {
	shown := map[string]string{}
	for _, k := range e.named["kie_task_state"] {
		if k.value == 1 && k.labels.Get("group") == s.honest.group {
			shown[k.labels.Get("task_id")] = k.labels.Get("state")
		}
	}
	for _, id := range s.honest.all() {
		f, _ := s.book.fact(id)
		s.mu.Lock()
		listed := s.listedAt[id]
		_, seen := s.delays[id]
		spoilt := s.spoilt[id]
		s.mu.Unlock()
		if !f.finishes() || listed.IsZero() {
			continue
		}
		state := shown[id]
		late, inTime := start.Sub(latest(f.completed.Time(), listed, p.started)), siegeLearnWait
		if listed.Before(p.started) {
			inTime = siegeStartWait
		}
		for n := 1; n <= spoilt; n++ {
			inTime += schedule.Backoff(n) * 3 / 2 // it is drawn at random, by a fifth more or less
		}
		if state == "success" || state == "fail" {
			s.verdict.check(siegeLearns, state == f.state, "%s is %s, and shown as %s", id, f.state, state)
			if !seen {
				s.mu.Lock()
				s.delays[id] = max(0, late)
				s.mu.Unlock()
			}
			continue
		}
		if late > inTime+s.slack {
			s.verdict.check(siegeLearns, false, "%s ended %v ago, is %q; %s", id, late, state, s.story(id, e))
		}
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// lookAtAlerts checks what alerts would be about.
func (s *siege) lookAtAlerts(p *process, e *exposition, start time.Time) {
	overdue, endless := e.sum("kie_tasks_overdue", with{"group": s.honest.group}), 0
	for _, f := range s.book.all() {
		if !f.finishes() {
			endless++
		}
	}
	s.verdict.check(siegeAlerts, overdue <= float64(endless), "%v honest tasks are overdue, %d have no end", overdue, endless)
	if start.Sub(p.started) < 15*time.Second { // the balance may have met a fault or two
		return
	}
	for _, k := range e.named["kie_api_gate_closed"] {
		reason := k.labels.Get("reason")
		s.verdict.check(siegeAlerts, k.value == 0 || reason != "auth" && reason != "account", "the gate is closed for %s", reason)
	}
	oldest := e.sum("kie_exporter_source_last_success_timestamp_seconds", with{"group": s.honest.group})
	s.verdict.check(siegeAlerts, oldest == 0 || time.Since(time.Unix(int64(oldest), 0)) < siegeLearnWait+s.slack, "the honest list was last read at %v", oldest)
}

func (s *siege) lookAtUsage(e *exposition) {
	resident, goroutines, files := e.value("process_resident_memory_bytes"), e.value("go_goroutines"), e.value("process_open_fds")
	s.note("resident memory", resident)
	s.note("goroutines", goroutines)
	s.note("open files", files)
	s.verdict.check(siegeMemory, (program.UnderRace() || resident <= siegeResident) && goroutines <= siegeGoroutines && files <= siegeFiles,
		"%.0f bytes resident, %v goroutines, %v open files", resident, goroutines, files)
}

// findForeign returns the part of a text around something that only a file or an answer has which must not be shown.
func findForeign(text string) string {
	return cmp.Or(findSecret(text), findAny(text, "root:x:", "KIE_API_KEY=", "PATH="))
}

// story tells what became of the queries about a task, and how its account does.
func (s *siege) story(id string, e *exposition) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := []string{fmt.Sprintf("listed %v ago, asked", time.Since(s.listedAt[id]).Round(time.Second))}
	for _, at := range s.asked[id] {
		said = append(said, time.Since(at).Round(100*time.Millisecond).String())
	}
	recent := 0
	for _, all := range s.asked {
		for _, at := range all {
			if time.Since(at) < 10*time.Second {
				recent++
			}
		}
	}
	said = append(said, fmt.Sprintf("ago; %d requests in 10 s, %v due", recent, e.sum("kie_exporter_due_tasks", nil)))
	for _, k := range e.named["kie_api_gate_closed"] {
		if k.value == 1 {
			said = append(said, "closed for "+k.labels.Get("reason"))
		}
	}
	return strings.Join(said, " ")
}
