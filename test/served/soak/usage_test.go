// What the process takes of the machine, and whether that stays the same.

package soak_test

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// The most that a process may grow from the first part of its life to the last, and may have at all.
const (
	heapGrowth = 1.25
	heapSlack  = 4 << 20
	// heapOfTask is what a finished task takes (docs/performance.md), listed or among the 100,000 that were dropped last.
	heapOfTask      = 187
	goroutineGrowth = 10
	openFileGrowth  = 10
	mostGoroutines  = 200
	mostOpenFiles   = 200
	// flatFrom is how long a process must have lived to say something about growth.
	flatFrom = time.Minute
)

// usage is what each process took at each scrape. It is safe for concurrent use.
type usage struct {
	mu  sync.Mutex
	all map[*process][]gauge
}

// gauge is what a process took at a time.
type gauge struct {
	at                    time.Time
	goroutines, openFiles float64
	heap, resident        float64 // bytes
	known                 float64 // tasks, on disk and so in memory
	// Less what connections to the API take. After a burst, as many as there may be requests stay open for a while.
	ownGoroutines, ownFiles float64
}

// goroutinesOfConnection is how many of them net/http has for each.
const goroutinesOfConnection = 2

// take notes what a scrape tells of a process, which has so many connections to the API.
func (u *usage) take(p *process, e *exposition, connections float64, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[*process][]gauge{}
	}
	goroutines, files := e.value("go_goroutines"), e.value("process_open_fds")
	u.all[p] = append(u.all[p], gauge{
		at: at, goroutines: goroutines, openFiles: files,
		ownGoroutines: goroutines - goroutinesOfConnection*connections, ownFiles: files - connections,
		heap: e.value("go_memory_classes_heap_objects_bytes"), resident: e.value("process_resident_memory_bytes"), known: e.value("kie_exporter_store_tasks"),
	})
}

// most returns the most of something that any process took.
func (u *usage) most(of func(gauge) float64) (most float64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, gauges := range u.all {
		for _, g := range gauges {
			most = max(most, of(g))
		}
	}
	return most
}

// growth is what the longest-lived process took early and late in its life.
type growth struct {
	lived       time.Duration
	early, late gauge
}

// growth compares the second fifth of a life with the last. Of the heap, which a collection empties at any time, and of
// what comes and goes with requests it takes the least.
func (u *usage) growth() (g growth, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var longest []gauge
	for _, gauges := range u.all {
		if len(gauges) > 0 && (longest == nil || lived(gauges) > lived(longest)) {
			longest = gauges
		}
	}
	if longest == nil {
		return growth{}, false
	}
	slices.SortFunc(longest, func(a, b gauge) int { return a.at.Compare(b.at) })
	g.lived = lived(longest)
	g.early = least(longest[len(longest)/5 : len(longest)*2/5+1])
	g.late = least(longest[len(longest)*4/5:])
	return g, g.lived >= flatFrom
}

func lived(gauges []gauge) time.Duration { return gauges[len(gauges)-1].at.Sub(gauges[0].at) }

func least(gauges []gauge) gauge {
	l := gauges[0]
	for _, g := range gauges {
		l.goroutines, l.openFiles = min(l.goroutines, g.goroutines), min(l.openFiles, g.openFiles)
		l.ownGoroutines, l.ownFiles = min(l.ownGoroutines, g.ownGoroutines), min(l.ownFiles, g.ownFiles)
		l.heap, l.resident, l.known = min(l.heap, g.heap), min(l.resident, g.resident), min(l.known, g.known)
	}
	return l
}

// check holds what was taken to its bounds.
func (u *usage) check(v *verdict) {
	goroutines, files := u.most(func(g gauge) float64 { return g.goroutines }), u.most(func(g gauge) float64 { return g.openFiles })
	v.check(staysFlat, goroutines <= mostGoroutines && files <= mostOpenFiles, "%v goroutines, %v open files", goroutines, files)
	if g, ok := u.growth(); ok {
		more := g.late.known - g.early.known
		v.check(staysFlat, g.late.heap <= g.early.heap*heapGrowth+heapSlack+more*heapOfTask, "heap: %v bytes early, %v late, with %v more tasks", g.early.heap, g.late.heap, more)
		v.check(staysFlat, g.late.ownGoroutines <= g.early.ownGoroutines+goroutineGrowth, "goroutines: %v early, %v late", g.early.ownGoroutines, g.late.ownGoroutines)
		v.check(staysFlat, g.late.ownFiles <= g.early.ownFiles+openFileGrowth, "open files: %v early, %v late", g.early.ownFiles, g.late.ownFiles)
	}
}

// totals is the most that a process showed as counted: tasks, by group, callbacks, and tasks that left memory.
type totals struct {
	mu        sync.Mutex
	most      map[string]int
	callbacks int // that made a task due
	evicted   int // tasks that left memory for others
}

func newTotals() *totals { return &totals{most: map[string]int{}} }

// take looks at the histogram that each counted task is in at once, while the totals of a model show 0 at first.
func (t *totals) take(e *exposition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range e.named["kie_exporter_detection_delay_seconds_count"] {
		group := k.labels.Get("group")
		t.most[group] = max(t.most[group], int(k.value))
	}
	t.evicted = max(t.evicted, int(e.sum("kie_exporter_tasks_evicted_total", nil)))
	t.callbacks = max(t.callbacks, int(e.sum("kie_exporter_callbacks_total", with{"result": "accepted"})))
}

func (t *totals) deeds() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return map[string]int{"callbacks heeded": t.callbacks, "tasks that left memory for others": t.evicted}
}

func (t *totals) counted() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.most)
}
