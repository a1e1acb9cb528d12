// How far the heap may grow before garbage is collected.

package app

import (
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"sync"
)

const (
	// freeGrowth is how far the heap may grow beyond what was in use at the last collection, as long as that is not much.
	freeGrowth = 48 << 20
	// leastGrowth is by what percentage it may grow at any rate, so that collecting stays cheap.
	leastGrowth = 25
	// mostGrowth is Go's own.
	mostGrowth = 100
	// farGrowth bounds it where much more is about to be in use.
	farGrowth = 100_000
	// bytesATask is what a task takes that is known and finished, or was never asked, with its sources.
	bytesATask = 190
)

// growth returns by what percentage a heap may grow: Go's 100 while that is little, and less where what is in use is much. With
// a million tasks the double would be garbage, for hours.
func growth(live uint64) int {
	return int(min(max(freeGrowth*100/max(live, 1), leastGrowth), mostGrowth))
}

// growthTo returns by what percentage a heap may grow in which so much is about to be in use: as far as it may then. What is collected on the
// way there costs processor time, and saves no memory in the end.
func growthTo(expected, live uint64) int {
	live = max(live, 1)
	end := expected + expected*uint64(growth(expected))/100 //nolint:gosec // a percentage
	if end <= live {
		return growth(live)
	}
	return max(growth(live), int(min((end-live)*100/live, farGrowth)))
}

// pace holds the heap to growth after each collection until stop is called, unless GOGC says otherwise; then there is no pacer.
func pace(getenv func(string) string) *pacer {
	if getenv("GOGC") != "" {
		return nil
	}
	p := &pacer{before: debug.SetGCPercent(mostGrowth), percent: mostGrowth}
	p.arm()
	return p
}

// pacer sets the percentage. Each collection finds its sentinel to be garbage, and that calls collected.
type pacer struct {
	mu       sync.Mutex // guards what follows
	before   int
	percent  int
	expected uint64 // bytes that are about to be in use
	stopped  bool
}

// expect has the heap grow to what is about to be in use; 0: nobody knows.
func (p *pacer) expect(bytes uint64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = bytes
	if !p.stopped {
		p.set()
	}
}

type sentinel struct{ *pacer }

func (p *pacer) arm() { runtime.SetFinalizer(&sentinel{p}, func(s *sentinel) { s.collected() }) }

func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.set()
	p.arm()
}

// set sets the percentage by what the last collection found in use. The caller holds mu.
func (p *pacer) set() {
	live := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(live)
	if percent := growthTo(p.expected, live[0].Value.Uint64()); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
}

func (p *pacer) stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	debug.SetGCPercent(p.before)
}
