package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func never(int) bool { return false }

// newestFirst is a backlog of so many tasks that stay in it.
type newestFirst int

func (n newestFirst) Newest(func(int) bool) (int, bool) { return 1 << 30, n > 0 }
func (n newestFirst) Oldest() (time.Time, bool)         { return start, n > 0 }

// learned returns durations of a model that are lognormal around a median.
func learned(parent *schedule.Durations, median time.Duration, n int) *schedule.Durations {
	random := rand.New(rand.NewPCG(1, 1))
	d := schedule.NewDurations(parent)
	for range n {
		d.Observe(time.Duration(float64(median) * (1 + 0.3*random.NormFloat64())))
	}
	return d
}

// BenchmarkDecision takes the task most worth asking, and puts it back. At 2 queries a second 1 % of a core is 5 ms each.
func BenchmarkDecision(b *testing.B) {
	for _, unfinished := range []int{100, 20_000} {
		for _, backlog := range []int{0, 100_000} {
			b.Run(fmt.Sprintf("unfinished=%d/backlog=%d", unfinished, backlog), func(b *testing.B) {
				group := schedule.NewDurations(schedule.NewDurations(nil))
				var models []*schedule.Durations
				for i := range 20 {
					models = append(models, learned(group, time.Duration(i+1)*20*time.Second, 100))
				}
				var q schedule.Queue[int]
				q.Backlog = newestFirst(backlog)
				items := make([]schedule.Item, unfinished)
				for i := range items {
					k := &items[i]
					*k = schedule.Item{Seen: start, Due: start, Lane: schedule.LaneHot, Durations: models[i%len(models)]}
					k.Born = start.Add(-time.Duration(i) * 10 * time.Millisecond)
					k.Answered = k.Born.Add(time.Duration(i%17) * time.Second)
					q.Put(i, k)
				}
				now := start
				for b.Loop() {
					now = now.Add(500 * time.Millisecond)
					i, taken := q.Take(now, never)
					if _, ok := q.Earliest(); !ok && !taken {
						b.Fatal("nothing to ask")
					}
					if i < len(items) { // else it was one of the backlog
						k := &items[i]
						k.Born, k.Answered = now.Add(-time.Duration(i%600)*time.Second), now
						q.Put(i, k)
					}
				}
			})
		}
	}
}

// BenchmarkObserve includes making the tables again now and then.
func BenchmarkObserve(b *testing.B) {
	group := schedule.NewDurations(schedule.NewDurations(nil))
	model := schedule.NewDurations(group)
	random := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		model.Observe(time.Duration(float64(time.Minute) * (1 + 0.3*random.NormFloat64())))
	}
}
