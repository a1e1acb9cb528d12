// The list of all tasks as JSON, compared with the truth.

package soak_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	lookInterval = 2 * time.Second
	// onDiskAfter is how long after it was learned that a task has finished this is on disk.
	onDiskAfter = 5 * time.Second
)

// record is a task as the list shows it.
type record struct {
	ID        string    `json:"task_id"`
	Group     string    `json:"group"`
	State     string    `json:"state"`
	Created   time.Time `json:"created_at"`
	Completed time.Time `json:"completed_at"`
	Latency   *float64  `json:"latency_seconds"`
	Credits   *float64  `json:"credits"`
}

func (r record) finished() bool { return r.State == "success" || r.State == "fail" }

// looker goes through all pages of the list again and again.
type looker struct {
	w *world

	mu      sync.Mutex
	process *process
	since   map[string]time.Time // when the process first showed a task as finished
	looks   int
}

func (l *looker) run(ctx context.Context) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		if _, err := l.look(ctx); err != nil {
			l.w.verdict.check(everythingDone, false, "the list: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look returns the tasks of the process that runs now; none if it is told to end meanwhile.
func (l *looker) look(ctx context.Context) (map[string]record, error) {
	p := l.w.current()
	all := map[string]record{}
	for next := "?limit=500"; next != ""; {
		if p == nil || p.isEnding() {
			return nil, nil
		}
		status, _, body, err := get(ctx, p.base+"/api/v1/tasks"+next, patience, patience, format{accept: "application/json"})
		if err != nil && (p.isEnding() || ctx.Err() != nil) {
			return nil, nil //nolint:nilerr // it ends because it must
		}
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("status %d, %w", status, err)
		}
		secret := findSecret(string(body))
		l.w.verdict.check(nothingSecret, secret == "", "the list says %q", secret)
		var page struct {
			Tasks []record `json:"tasks"`
			Next  string   `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		for _, r := range page.Tasks {
			all[r.ID] = r
			l.check(r)
		}
		next = page.Next
	}
	l.remember(p, all)
	return all, nil
}

// check holds a record to the truth.
func (l *looker) check(r record) {
	f, ok := l.w.book.fact(r.ID)
	v := l.w.verdict
	if !ok {
		v.check(onlyListed, l.w.book.cutShort(r.ID), "the list has %q", r.ID)
		return
	}
	if !r.finished() {
		return
	}
	if r.Latency == nil || r.Credits == nil {
		v.check(nothingWrong, false, "the list has no latency or credits of %s", r.ID)
		return
	}
	err := f.contradicts(r.State, kie.TimeOf(r.Created), kie.TimeOf(r.Completed), *r.Credits)
	v.check(nothingWrong, err == nil && *r.Latency == f.latency().Seconds(), "in the list: %v; latency %v, not %v", err, *r.Latency, f.latency())
}

func (l *looker) remember(p *process, all map[string]record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks++
	if l.process != p {
		l.process, l.since = p, map[string]time.Time{}
	}
	for id, r := range all {
		if _, ok := l.since[id]; !ok && r.finished() {
			l.since[id] = time.Now()
		}
	}
}

// showed reports whether a process has shown a task as finished.
func (l *looker) showed(p *process, id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.since[id]
	return ok && l.process == p
}

// known reports whether the process that runs now has known for long that a task has finished.
func (l *looker) known(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	since, ok := l.since[id]
	return ok && time.Since(since) > onDiskAfter
}
