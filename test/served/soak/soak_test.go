// A soak from start to end.

package soak_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// plan is how long a soak lasts, and what chance is seeded with.
type plan struct {
	length time.Duration
	seed   uint64
	report string // document that gets the results; empty: none
}

// long reports whether there is time for what takes minutes.
func (p plan) long() bool { return p.length >= 4*time.Minute }

// tasksPerSecond is how many tasks are created.
func (p plan) tasksPerSecond() float64 {
	if p.long() {
		return 8
	}
	return 12
}

// lateness is how much later than its timeout a scrape may be answered, since the scraper has to wait for its turn on the
// processors, too. A short soak shares them with other tests.
func (p plan) lateness() time.Duration {
	if p.long() {
		return 5 * time.Second
	}
	return patience
}

// The parts of a soak, in tenths: with processes that are killed, and with one that is left alone. The rest is for an API that
// works, and for a last process to learn all there is.
const (
	stormTenths  = 4
	steadyTenths = 4
)

func newPlan(t *testing.T) plan {
	t.Helper()
	length, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), "30s"))
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("SOAK_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatalf("SOAK_SEED: %v", err)
	}
	return plan{length: length, seed: seed, report: os.Getenv("SOAK_REPORT")}
}

func TestWhatIsSaidIsTrueWhateverHappens(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	w := newWorld(t, newPlan(t))
	t.Logf("soaking for %v with seed %d", w.plan.length, w.plan.seed)
	w.start(t)

	part, faults := w.plan.length/10, 0.1
	if !w.plan.long() { // one process would not live long enough to tell anything
		part, faults = w.plan.length/12, 0.2
	}
	w.api.misbehave(faults)
	w.during(t, func() {
		w.operate(t, part*stormTenths, storm())
		if w.plan.long() {
			w.restart(t, syscall.SIGTERM)
			w.operate(t, part*steadyTenths, steady())
		}
		w.api.behave()
		w.server.behave()
		w.restart(t, syscall.SIGTERM)
		w.pause(t.Context(), part)
	})
	w.settle(t)
	last := w.current()
	w.stop(t, syscall.SIGTERM)
	w.judge(last)
	w.report(t)
}

// during lets everybody work while the soak is operated: who creates tasks, who writes lists, who scrapes and looks.
func (w *world) during(t *testing.T, operate func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	var everybody sync.WaitGroup
	everybody.Go(func() { w.create(ctx) })
	for _, l := range w.lists {
		if l.path != "" {
			everybody.Go(func() { w.rewrite(ctx, l, w.chance(filepath.Base(l.path))) })
		}
		if l.group == pushedGroup {
			everybody.Go(func() { w.forget(ctx, l) })
		}
	}
	for _, s := range w.scrapers {
		everybody.Go(func() { s.run(ctx) })
	}
	everybody.Go(func() { w.looker.run(ctx) })
	everybody.Go(func() { w.streamer.run(ctx) })
	everybody.Go(func() { w.heartbeat(ctx, t) })
	operate()
	end()
	everybody.Wait()
}

// settle waits until the last process knows everything, and in a long soak until its totals show it.
func (w *world) settle(t *testing.T) {
	t.Helper()
	for _, l := range w.lists {
		if l.path != "" {
			w.verdict.check(everythingDone, l.replace() == nil, "%s can't be written", l.path)
		}
	}
	w.reload(t.Context(), w.config.render(full()), true, true)
	ctx, end := context.WithCancel(t.Context())
	var everybody sync.WaitGroup
	for _, s := range w.scrapers {
		everybody.Go(func() { s.run(ctx) })
	}
	w.awaitTruth(t)
	w.awaitTotals(t)
	if w.plan.long() {
		w.pause(t.Context(), max(time.Until(w.current().started.Add(heldBack+10*time.Second)), time.Until(w.verdict.start.Add(w.plan.length))))
	}
	end()
	everybody.Wait()
	for _, s := range w.scrapers { // the last word
		s.scrape(t.Context())
	}
}

// settlePatience is how long the last process may take to learn everything. It is seconds on an idle machine.
const settlePatience = 3 * time.Minute

// awaitTruth waits until every listed task that has finished is shown so.
func (w *world) awaitTruth(t *testing.T) {
	t.Helper()
	var missing []string
	for deadline := time.Now().Add(settlePatience); time.Now().Before(deadline); w.pause(t.Context(), time.Second) {
		shown, err := w.looker.look(t.Context())
		if err != nil {
			w.verdict.check(trueInTheEnd, false, "the list: %v", err)
			return
		}
		missing = nil
		for _, l := range w.lists {
			for _, id := range l.all() {
				_, told := w.api.endedIn(id)
				left := l.group == fullGroup && told // and has left memory since, or will
				if f, _ := w.book.fact(id); f.finishes() && !shown[id].finished() && !left {
					missing = append(missing, id)
				}
			}
		}
		if len(missing) == 0 {
			return
		}
	}
	for _, id := range missing {
		w.verdict.check(trueInTheEnd, false, "%s is not known to be finished", id)
	}
}

// awaitTotals waits until the totals have all that the last process learned: that comes after it is on disk. Each group is looked at
// for itself, since what one has in excess would hide what another lacks.
func (w *world) awaitTotals(t *testing.T) {
	t.Helper()
	p := w.current()
	learned := w.learnedBy(p)
	var lacking []string
	for deadline := time.Now().Add(settlePatience); time.Now().Before(deadline); w.pause(t.Context(), time.Second) {
		e, err := glance(t.Context(), p, shortly)
		if err != nil {
			continue
		}
		lacking = nil
		for group, want := range learned {
			of := with{"group": group}
			got := e.sum("kie_exporter_detection_delay_seconds_count", of) + e.sum("kie_exporter_uncounted_tasks_total", of)
			if got < float64(want) {
				lacking = append(lacking, fmt.Sprintf("%v of %d in group %s", got, want, group))
			}
		}
		if lacking == nil {
			return
		}
	}
	w.verdict.check(totalsAgree, false, "totals lack tasks whose end process %d was told: %v", p.number, lacking)
}

// learnedBy returns by group of how many tasks a process learned that they have finished: it was told so, or shows them so, and did
// not find them so on disk.
func (w *world) learnedBy(p *process) map[string]int {
	n := map[string]int{}
	for id, f := range w.book.all() {
		life, told := w.api.endedIn(id)
		if (told && life == p.number || w.looker.showed(p, id)) && !p.kept[id].State.Finished() {
			n[f.group]++
		}
	}
	return n
}

// judge looks at what is on disk in the end, and at the totals that the last process showed.
func (w *world) judge(last *process) {
	v, final := w.verdict, w.kept
	listed := map[string]bool{}
	for _, l := range w.lists {
		for _, id := range l.all() {
			listed[id] = true
		}
	}
	for id, f := range w.book.all() {
		if !f.finishes() {
			continue
		}
		if listed[id] {
			v.check(trueInTheEnd, final[id].State.String() == f.state, "%s is %s on disk", id, final[id].State)
			continue
		}
		// It was known when it was retired. Only a kill can have come before the disk.
		life, told := w.api.endedIn(id)
		v.check(trueInTheEnd, final[id].State.Finished() || told && w.killed[life], "%s, listed no more, is %s on disk", id, final[id].State)
	}
	counted := final.counted(last.kept)
	shown := last.totals.counted()
	for _, group := range slices.Sorted(maps.Keys(shown)) {
		v.check(totalsAgree, shown[group] == counted[group], "group %s: the last process showed %d counted tasks, %d are on disk",
			group, shown[group], counted[group])
	}
	w.judgeTotals(last)
	w.streamer.check(final)
	w.usage.check(v)
	for what, n := range w.done() {
		v.check(everythingDone, n > 0, "there was nothing of: %s", what)
	}
}

// judgeTotals compares, by group, model and state, the totals that the last process showed with what it counted. It needs a
// soak in which they are held back no longer.
func (w *world) judgeTotals(last *process) {
	if !w.plan.long() {
		return
	}
	type key struct{ group, model, state string }
	tasks, seconds := map[key]float64{}, map[key]float64{}
	for id, r := range w.kept {
		if r.Counted && !last.kept[id].Counted {
			k := key{r.Group, r.Model, r.State.String()}
			tasks[k]++
			seconds[k] += r.Completed.Sub(r.Created).Seconds()
		}
	}
	for _, s := range w.scrapers {
		for k, want := range tasks {
			of := with{"group": k.group, "model": k.model, "state": k.state}
			got := s.last.sum("kie_tasks_finished_total", of)
			w.verdict.check(totalsAgree, got == want, "%v: %v counted, %v on disk", k, got, want)
			took := s.last.sum("kie_tasks_latency_seconds_sum", of)
			w.verdict.check(totalsAgree, abs(took-seconds[k]) < 1e-3, "%v: %v s in all, %v s on disk", k, took, seconds[k])
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

func (w *world) folder(name string) string { return filepath.Join(w.dir, name) }
