//go:build !race

// One goroutine simulates, so the race detector has nothing to find here and would take five times as long.

package polling_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/polling"
)

// watched counts what a strategy holds, and measures the memory in use from time to time.
type watched struct {
	polling.Strategy
	open, most  int
	listed      int
	early, late uint64 // most bytes in use in the first tenth and after
}

func (w *watched) List(k *polling.Task, now time.Time) {
	w.Strategy.List(k, now)
	w.open++
	w.most = max(w.most, w.open)
	if w.listed++; w.listed%100_000 != 0 {
		return
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if w.listed == 100_000 {
		w.early = m.HeapAlloc
	} else {
		w.late = max(w.late, m.HeapAlloc)
	}
}

func (w *watched) Answer(k *polling.Task, finished bool, now time.Time) {
	w.Strategy.Answer(k, finished, now)
	if finished {
		w.open--
	}
}

// BenchmarkWeek runs a week with a million tasks. All tasks are there from the start, so what grows is what is learned and
// what waits.
func BenchmarkWeek(b *testing.B) {
	const tasks = 1_000_000
	for b.Loop() {
		w := &watched{Strategy: polling.Ours(true)}
		all := polling.Workload(polling.Models(), tasks, tasks/(7*24*3600.), 1)
		for _, k := range all[tasks/100:] {
			k.Counts = false // their delays would be remembered
		}
		all[tasks-1].Counts = true
		polling.Run(all, w)
		b.ReportMetric(float64(w.most), "most-unfinished")
		b.ReportMetric(float64(w.late)-float64(w.early), "growth-bytes")
		if w.most > 1000 || w.late > w.early+1<<20 {
			b.Fatalf("%d unfinished at a time, %d bytes, then up to %d", w.most, w.early, w.late)
		}
	}
}
