package exposition

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

// listed is a real tracker that asks nothing, and what serves it.
func listed(t *testing.T) (*tracker.Tracker, *Handler) {
	t.Helper()
	idle := budget.New(budget.Options{Key: func() string { return "key" }, Rate: 1, Concurrent: 1, Histograms: collector.NewHistogram})
	known := tracker.New(tracker.Options{
		Accounts: []tracker.AccountOptions{{Name: "main", Budget: idle}}, Groups: []tracker.GroupOptions{{Name: "video", Account: "main"}},
		TaskSeries: 1000, Models: 100, Store: store.Memory{}, Log: promslog.NewNopLogger(), Histograms: collector.NewHistogram,
	})
	return known, New(Options{
		Tracker: fresh{known}, Collector: snapshots.CollectorOf(known.Snapshot),
		Registry: prometheus.NewPedanticRegistry(), Log: slog.New(slog.DiscardHandler),
	})
}

// listing gives all tasks the same label.
func listing(tasks, round int) source.Change {
	c := source.Change{Group: "video"}
	for i := range tasks {
		c.Added = append(c.Added, source.Task{ID: fmt.Sprint("task", i), Labels: map[string]string{"round": strconv.Itoa(round)}})
	}
	return c
}

func TestAScrapeShowsOneMoment(t *testing.T) {
	const tasks = 300
	known, h := listed(t)
	known.Apply(listing(tasks, 0))
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.Serve(w, r, scraped) })
	done := make(chan struct{})
	var scraping sync.WaitGroup
	for i := range 3 {
		scraping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					ofOneMoment(t, serve, []string{"", "gzip", "zstd"}[i], tasks)
				}
			}
		})
	}
	for round := range 2 * rounds() {
		known.Apply(listing(tasks, round))
		h.Refresh()
	}
	close(done)
	scraping.Wait()
}

// ofOneMoment fails the test unless all tasks of an answer have the same label, and each one all of its series.
func ofOneMoment(t *testing.T, h http.Handler, encoding string, tasks int) {
	t.Helper()
	rounds, states, ones := map[string]int{}, 0, 0
	for _, line := range linesOf(scrape.Text(t, scrape.Get(t, h, "", encoding))) {
		switch {
		case strings.HasPrefix(line, "kie_task_info{"):
			_, round, _ := strings.Cut(line, `label_round="`)
			rounds[round[:strings.IndexByte(round, '"')]]++
		case strings.HasPrefix(line, "kie_task_state{"):
			states++
			if strings.HasSuffix(line, "} 1\n") {
				ones++
			}
		}
	}
	if len(rounds) != 1 || states != 7*tasks || ones != tasks {
		t.Errorf("labels %v, %d states, %d of them 1", rounds, states, ones)
	}
}

func TestAScrapeOfAnOlderMomentKeepsTheRenderingsOfALaterOne(t *testing.T) {
	known, h := listed(t)
	known.Apply(listing(200, 1))
	before := known.Shown()
	_, old := h.deflated.renderFor(before, taskseries.Choice{})
	known.Apply(listing(200, 2))
	after := known.Shown()
	_, latest := h.deflated.renderFor(after, taskseries.Choice{})
	_, again := h.deflated.renderFor(before, taskseries.Choice{})
	for i := range old {
		if string(old[i].packed) != string(again[i].packed) {
			t.Errorf("block %d of the older moment is another one", i)
		}
	}
	if _, still := h.deflated.renderFor(after, taskseries.Choice{}); still[0] != latest[0] {
		t.Error("the later moment was rendered again")
	}
}

func TestGoingBelowALimitGivesBack(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(33, 0))))
	scrape.Get(t, s, "", "gzip")
	s.Show(view.Shown{Blocks: s.Shown().Blocks[:1]})
	s.ours.Refresh()
	if n := s.ours.deflated.size(); n != 1 {
		t.Errorf("%d renderings are kept, want 1", n)
	}
}
