// Package polling compares ways to spend an account's budget, in virtual time, on the code that the exporter runs.
package polling

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Model is a kind of task. Its durations are lognormal.
type Model struct {
	Name   string
	Share  float64 // of all tasks
	Median time.Duration
	Sigma  float64
}

// Models returns the kinds of tasks of the workload.
func Models() []Model {
	return []Model{
		{"speech", 0.15, 2500 * time.Millisecond, 0.2},
		{"image", 0.45, 35 * time.Second, 0.5},
		{"video", 0.35, 150 * time.Second, 0.4},
		{"edit", 0.05, 600 * time.Second, 0.3},
	}
}

// Outliers take outlierFactor times as long.
const (
	outliers      = 0.01
	outlierFactor = 10
)

// Task is a task of the workload.
type Task struct {
	Model    int
	Born     time.Time
	Duration time.Duration
	Old      bool // had finished before it was first listed, in a backlog
	Counts   bool // towards the result

	called time.Time // when its callback comes; zero: never, or none is expected
	item   schedule.Item
}

// Listed returns when the task is listed: when it is created, or at the start if that was before.
func (k *Task) Listed() time.Time {
	if k.Old {
		return Start()
	}
	return k.Born
}

// Start is when a simulation begins.
func Start() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// Workload returns n tasks that are created at random times, so many a second. Those after the first fifth count.
func Workload(models []Model, n int, rate float64, seed uint64) []*Task {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, guards no secret
	tasks := make([]*Task, n)
	at := 0.0
	for i := range tasks {
		at += random.ExpFloat64() / rate
		m := pick(models, random.Float64())
		took := models[m].Median.Seconds() * math.Exp(models[m].Sigma*random.NormFloat64())
		if random.Float64() < outliers {
			took *= outlierFactor
		}
		tasks[i] = &Task{Model: m, Born: Start().Add(seconds(at)), Duration: seconds(took), Counts: i >= n/5}
	}
	return tasks
}

func pick(models []Model, x float64) int {
	for i, m := range models {
		if x -= m.Share; x < 0 {
			return i
		}
	}
	return len(models) - 1
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Slot is the time between two queries that the budget allows. A query is answered at once.
const Slot = 500 * time.Millisecond

// Strategy decides which task is asked next.
type Strategy interface {
	// List tells of a task that has been created now.
	List(k *Task, now time.Time)
	// Next returns the task to ask now, nil for none, and forgets it.
	Next(now time.Time) *Task
	// Answer tells what became of that.
	Answer(k *Task, finished bool, now time.Time)
}

// Run spends the budget on the tasks, which are in the order of their listing, until all that count are known to be
// finished.
func Run(tasks []*Task, s Strategy) Result { return run(tasks, s, Slot) }

// run is Run with another time between two queries.
func run(tasks []*Task, s Strategy, slot time.Duration) Result {
	var r Result
	missing := 0
	for _, k := range tasks {
		if k.Counts {
			missing++
		}
	}
	for now, listed := Start(), 0; missing > 0; now = now.Add(slot) {
		for ; listed < len(tasks) && !tasks[listed].Listed().After(now); listed++ {
			s.List(tasks[listed], now)
		}
		k := s.Next(now)
		if k == nil {
			continue
		}
		r.Queries++
		end := k.Born.Add(k.Duration)
		done := !end.After(now)
		s.Answer(k, done, now)
		if done {
			r.Finished++
		}
		if done && k.Counts {
			missing--
			r.Delays = append(r.Delays, now.Sub(end).Seconds())
		}
	}
	slices.Sort(r.Delays)
	return r
}

// Result is what came of one or more runs.
type Result struct {
	Queries, Finished int
	Delays            []float64 // seconds from the end of a task until it was known, in order of size
}

// Add adds another run.
func (r *Result) Add(other Result) {
	r.Queries += other.Queries
	r.Finished += other.Finished
	r.Delays = append(r.Delays, other.Delays...)
	slices.Sort(r.Delays)
}

// Mean returns the mean delay.
func (r Result) Mean() float64 {
	sum := 0.0
	for _, d := range r.Delays {
		sum += d
	}
	return sum / float64(len(r.Delays))
}

// Quantile returns the delay that a part of the tasks does not exceed.
func (r Result) Quantile(part float64) float64 {
	return r.Delays[min(int(part*float64(len(r.Delays))), len(r.Delays)-1)]
}

// PerTask returns the queries for each finished task.
func (r Result) PerTask() float64 { return float64(r.Queries) / float64(r.Finished) }
