// What Prometheus stores of what the exporter shows.

package e2e_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// bothFormats are jobs that scrape a target in either way.
const bothFormats = `[
  {job_name: classic, scrape_protocols: [OpenMetricsText1.0.0], static_configs: [{targets: [%[1]q]}]},
  {job_name: native, scrape_protocols: [PrometheusProto], scrape_native_histograms: true, static_configs: [{targets: [%[1]q]}]}]`

// The classic buckets of kie_tasks_latency_seconds.
var buckets = []float64{0, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600}

const (
	successes  = 201 // so that no quantile asked for lies between two tasks, on the edge of a bucket perhaps
	failures   = 20
	nativeStep = 1.1 // between the bounds of native buckets, at the most
)

func TestQueriesReturnTheTrueValues(t *testing.T) {
	t.Parallel()
	e := startExporter(t, kiesim.Options{Credits: 5000})
	p := scrape(t, fmt.Sprintf(bothFormats, e.address))
	holds := func(within time.Duration, expr string, want, tolerance float64) {
		t.Helper()
		for _, job := range []string{"classic", "native"} {
			wait.Until(t, within, 100*time.Millisecond, func() error { return p.expect(t.Context(), fmt.Sprintf(expr, job), want, tolerance) })
		}
	}
	holds(30*time.Second, `kie_credits_remaining{job=%q}`, 5000, 0)
	e.api.SetCredits(4200)

	tasks, latencies := finishedTasks()
	states := []string{"waiting", "queuing", "generating"}
	for _, state := range states {
		tasks = append(tasks, kiesim.Task{ID: "task_" + state, Model: "kling/v2", Duration: -1, InFlight: state})
	}
	e.create(t, tasks...)
	for _, state := range states {
		holds(30*time.Second, `kie_tasks{state="`+state+`",job=%q}`, 1, 0)
		holds(30*time.Second, `kie_task_state{task_id="task_`+state+`",job=%q} == 1`, 1, 0)
		holds(30*time.Second, `kie_task_state{task_id="task_`+state+`",state="`+state+`",job=%q}`, 1, 0)
	}
	holds(30*time.Second, `kie_tasks{state="success",job=%q}`, successes, 0)
	holds(30*time.Second, `kie_tasks{state="fail",job=%q}`, failures, 0)
	holds(30*time.Second, `kie_credits_remaining{job=%q}`, 4200, 0)
	holds(30*time.Second, `kie_credits_used_total{job=%q}`, 800, 0)
	holds(30*time.Second, `sum(kie_task_latency_seconds{job=%q} and on (job, task_id) kie_task_state{state="success"} == 1)`,
		sum(latencies), 1e-9)

	// New totals show 0 for a minute.
	holds(2*time.Minute, `kie_tasks_finished_total{state="success",job=%q}`, successes, 0)
	holds(30*time.Second, `kie_tasks_failed_total{reason="server",job=%q}`, failures, 0)
	holds(30*time.Second, `kie_tasks_credits_total{state="success",job=%q}`, 4*successes, 0)
	holds(30*time.Second, `increase(kie_tasks_finished_total{state="success",job=%q}[10m])`, successes, 0.05)
	checkLatencies(t, p, latencies)
}

// finishedTasks returns tasks that finish now, and how long those that succeed took.
func finishedTasks() (tasks []kiesim.Task, latencies []float64) {
	r, now := rand.New(rand.NewPCG(1, 2)), time.Now()
	for i := range successes + failures {
		took := time.Duration(60e3*math.Exp(0.8*min(r.NormFloat64(), 3))) * time.Millisecond
		task := kiesim.Task{
			ID: fmt.Sprintf("task_%03d", i), Model: "kling/v2", Created: now.Add(-took), Duration: took, Credits: 4,
		}
		if i < failures {
			task.Fail, task.Credits = &kiesim.Failure{Code: "500", Msg: "Internal Error, Please try again later."}, 0
		} else {
			latencies = append(latencies, took.Seconds())
		}
		tasks = append(tasks, task)
	}
	slices.Sort(latencies)
	return tasks, latencies
}

// checkLatencies compares quantiles with those of the true latencies, which are sorted. A quantile may be off by no more than
// the bucket that it is in.
func checkLatencies(t *testing.T, p *prometheus, latencies []float64) {
	t.Helper()
	const classic = `histogram_quantile(%v, sum by (le) (increase(kie_tasks_latency_seconds_bucket{job="classic",state="success"}[10m])))`
	const native = `histogram_quantile(%v, sum(increase(kie_tasks_latency_seconds{job="native",state="success"}[10m])))`
	for _, q := range []float64{0.5, 0.9, 0.99} {
		truth := latencies[int(math.Ceil(q*float64(len(latencies))))-1]
		above := slices.IndexFunc(buckets, func(bound float64) bool { return truth <= bound })
		expectWithin(t, p, fmt.Sprintf(classic, q), buckets[above-1], buckets[above])
		expectWithin(t, p, fmt.Sprintf(native, q), truth/nativeStep, truth*nativeStep)
	}
	mean := sum(latencies) / float64(len(latencies))
	expectWithin(t, p, `histogram_avg(kie_tasks_latency_seconds{job="native",state="success"})`, mean*(1-1e-9), mean*(1+1e-9))

	exemplars, err := p.QueryExemplars(t.Context(), `kie_tasks_latency_seconds_bucket{job="classic"}`, time.Now().Add(-time.Hour), time.Now())
	if err != nil || len(exemplars) == 0 || exemplars[0].Exemplars[0].Labels["task_id"] == "" {
		t.Errorf("no exemplar names its task: %v, %v", exemplars, err)
	}
}

// expectWithin waits for an expression to yield one sample between two values.
func expectWithin(t *testing.T, p *prometheus, expr string, low, high float64) {
	t.Helper()
	wait.Until(t, 30*time.Second, 100*time.Millisecond, func() error {
		got, err := p.ask(t.Context(), expr)
		if err == nil && (len(got) != 1 || float64(got[0].Value) < low || float64(got[0].Value) > high) {
			err = fmt.Errorf("%s: %v, want between %v and %v", expr, got, low, high)
		}
		return err
	})
}

func sum(all []float64) (s float64) {
	for _, x := range all {
		s += x
	}
	return s
}

func TestRemovingAnIDEndsItsSeries(t *testing.T) {
	t.Parallel()
	e := startExporter(t, kiesim.Options{})
	p := scrape(t, fmt.Sprintf(bothFormats, e.address))
	e.create(t, kiesim.Task{ID: "stays", Model: "m", Duration: -1}, kiesim.Task{ID: "goes", Model: "m", Duration: -1})
	shown := func(id string, jobs int) error {
		got, err := p.ask(t.Context(), `kie_task_state{state="generating",task_id="`+id+`"} == 1`)
		if err == nil && len(got) != jobs {
			err = fmt.Errorf("%s has %d series, want %d", id, len(got), jobs)
		}
		return err
	}
	for _, id := range e.ids {
		wait.Until(t, 30*time.Second, 100*time.Millisecond, func() error { return shown(id, 2) })
	}
	e.setList(t, "stays")
	wait.Until(t, 90*time.Second, 100*time.Millisecond, func() error { return errors.Join(shown("goes", 0), shown("stays", 2)) })
	// A series that is merely no longer scraped is shown for five minutes on; this one was ended, not forgotten.
	if err := p.expect(t.Context(), `count(last_over_time(kie_task_info{task_id="goes"}[5m]))`, 2, 0); err != nil {
		t.Error("the removed task's past is gone, too:", err)
	}
	for _, job := range []string{"classic", "native"} {
		left := fmt.Sprintf(`kie_tasks{state="generating",job=%q}`, job)
		wait.Until(t, 30*time.Second, 100*time.Millisecond, func() error { return p.expect(t.Context(), left, 1, 0) })
	}
}

func TestTwoPrometheusServersCostNoMoreThanOne(t *testing.T) {
	t.Parallel()
	const (
		unfinished = 10
		enough     = 150 // queries to compare
		// Slower than a task may be asked, and at varying moments, so that an exporter that asks once a scrape would be found out.
		often, seldom = "3s", "5s"
		job           = `[{job_name: kie, scrape_interval: %s, static_configs: [{targets: [%q]}]}]`
	)
	one, two := startExporter(t, kiesim.Options{}), startExporter(t, kiesim.Options{})
	servers := []*prometheus{
		scrape(t, fmt.Sprintf(job, seldom, one.address)),
		scrape(t, fmt.Sprintf(job, seldom, two.address)), scrape(t, fmt.Sprintf(job, often, two.address)),
	}
	tasks := make([]kiesim.Task, unfinished)
	for i := range tasks {
		tasks[i] = kiesim.Task{ID: fmt.Sprint("task_", i), Model: "m", Duration: -1}
	}
	one.create(t, tasks...)
	two.create(t, tasks...)
	queries := func(e *exporter) int { return e.api.Stats().Requests[kiesim.RecordInfo] }
	for _, e := range []*exporter{one, two} {
		wait.Until(t, 30*time.Second, 100*time.Millisecond, func() error { return atLeast(queries(e), unfinished) })
	}
	fromOne, fromTwo := queries(one), queries(two)
	wait.Until(t, 90*time.Second, 100*time.Millisecond, func() error { return atLeast(queries(one)-fromOne, enough) })
	cost, costOfTwo := queries(one)-fromOne, queries(two)-fromTwo
	if costOfTwo > cost*3/2+2*unfinished { // one may be some rounds ahead; with a query for each scrape two would cost 8/3 as much
		t.Errorf("two servers cost %d queries, one %d", costOfTwo, cost)
	}
	for _, p := range servers {
		wait.Until(t, 30*time.Second, 100*time.Millisecond, func() error { return p.expect(t.Context(), "count_over_time(up[10m]) >= bool 4", 1, 0) })
	}
}

func atLeast(n, want int) error {
	if n < want {
		return fmt.Errorf("%d queries, want %d", n, want)
	}
	return nil
}
