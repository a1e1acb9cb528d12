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
)

// growth returns by what percentage a heap may grow: Go's 100 while that is little, and less where what is in use is much. With
// a million tasks the double would be garbage, for hours.
func growth(live uint64) int {
	return int(min(max(freeGrowth*100/max(live, 1), leastGrowth), mostGrowth))
}

// pace holds the heap to growth after each collection until stop is called, unless GOGC says otherwise.
func pace(getenv func(string) string) (stop func()) {
	if getenv("GOGC") != "" {
		return func() {}
	}
	p := &pacer{before: debug.SetGCPercent(mostGrowth), percent: mostGrowth}
	p.arm()
	return p.stop
}

// pacer sets the percentage. Each collection finds its sentinel to be garbage, and that calls collected.
type pacer struct {
	mu      sync.Mutex // guards what follows
	before  int
	percent int
	stopped bool
}

type sentinel struct{ *pacer }

func (p *pacer) arm() { runtime.SetFinalizer(&sentinel{p}, func(s *sentinel) { s.collected() }) }

func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	live := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(live)
	if percent := growth(live[0].Value.Uint64()); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent)
	}
	p.arm()
}

func (p *pacer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	debug.SetGCPercent(p.before)
}
