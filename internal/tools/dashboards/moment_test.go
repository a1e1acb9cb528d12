package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/util/teststorage"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

// every is how often the exporters of these tests are scraped.
const every = 15 * time.Second

// now is the end of the time range of these tests.
var now = time.Unix(1_700_000_000, 0)

// chosen is what Grafana puts for its names of durations.
var chosen = map[string]string{"__rate_interval": "1m", "__interval": "1m", "__range": "1h", "window": "1h"}

// A past is what a Prometheus has stored: exporters with a series of each kind, whose counters all rise by 1 a scrape.
type past struct {
	instances []string
	since     time.Duration // ago: the first scrape
	gone      time.Duration // ago: the first scrape that failed; 0: none did
	staying   []string      // instances besides these, of which no scrape failed

	more func(add func(of labels.Labels, at time.Time, v float64)) // stores what else there is
}

// A prometheus answers queries as of now.
type prometheus struct {
	engine  *promql.Engine
	storage *teststorage.TestStorage
}

func (p past) store(t *testing.T) *prometheus {
	t.Helper()
	storage := teststorage.New(t)
	app := storage.Appender(t.Context())
	add := func(ls labels.Labels, at time.Time, v float64) {
		if _, err := app.Append(0, ls, at.UnixMilli(), v); err != nil {
			t.Fatal(err)
		}
	}
	examples := agreement(t).Examples()
	for _, instance := range slices.Concat(p.instances, p.staying) {
		for i := range int(p.since/every) + 1 {
			at := now.Add(time.Duration(i)*every - p.since)
			dead := p.gone > 0 && !at.Before(now.Add(-p.gone)) && !slices.Contains(p.staying, instance)
			up := 1.0
			if dead {
				up = 0
			}
			add(labels.FromStrings("__name__", "up", "job", "kie", "instance", instance), at, up)
			for _, e := range examples {
				ls := labels.NewBuilder(labels.FromMap(e.Labels)).Set("__name__", e.Name).Set("job", "kie").Set("instance", instance).Labels()
				switch {
				case e.Kind == "": // a rule goes on without an exporter
					add(labels.NewBuilder(ls).Del("instance").Labels(), at, 0.01)
				case dead && at.Add(-every).Before(now.Add(-p.gone)):
					add(ls, at, math.Float64frombits(value.StaleNaN))
				case !dead:
					add(ls, at, sampleOf(e.Name, e.Kind, e.Labels, e.Share*float64(i)))
				}
			}
		}
	}
	if p.more != nil {
		p.more(add)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	return &prometheus{engine: promqltest.NewTestEngine(t, false, 5*time.Minute, 50_000_000), storage: storage}
}

// sampleOf returns a value at which all is well.
func sampleOf(name, kind string, of map[string]string, risen float64) float64 {
	switch {
	case kind == "counter":
		return risen
	case strings.HasSuffix(name, "_timestamp_seconds"):
		return float64(now.Add(-100 * time.Second).Unix())
	case name == "kie_credits_remaining":
		return 1000
	case name == "kie_task_state" && of["state"] != "generating", name == "kie_api_gate_closed",
		strings.Contains(name, "overdue"), strings.Contains(name, "incomplete"):
		return 0
	}
	return 1
}

// shown returns what a panel shows of a query, by the labels of the result: the last number of each series, as Grafana
// takes it. NaN is shown as nothing.
func (p *prometheus) shown(t *testing.T, q panels.Query) map[string]float64 {
	t.Helper()
	expr := q.PromQLOf("", chosen)
	var query promql.Query
	var err error
	if q.Range {
		query, err = p.engine.NewRangeQuery(context.Background(), p.storage, nil, expr, now.Add(-15*time.Minute), now, every)
	} else {
		query, err = p.engine.NewInstantQuery(context.Background(), p.storage, nil, expr, now)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	if result.Err != nil {
		t.Fatalf("%s: %v", expr, result.Err)
	}
	last := map[string]float64{}
	keep := func(of labels.Labels, v float64) {
		if !math.IsNaN(v) {
			last[of.String()] = v
		}
	}
	switch v := result.Value.(type) {
	case promql.Vector:
		for _, s := range v {
			keep(s.Metric, s.F)
		}
	case promql.Matrix:
		for _, s := range v {
			for _, point := range s.Floats {
				keep(s.Metric, point.F)
			}
		}
	}
	return last
}

// A minute after an exporter has gone nothing of it is shown as the state of now, and what tells that it has gone is red. On
// the exporter's own dashboard that is so, too, if it alone is chosen of two.
func TestNothingIsGreenOverADeadExporter(t *testing.T) {
	alive := past{instances: []string{"a:1"}, since: 20 * time.Minute}.store(t)
	dead := past{instances: []string{"a:1"}, since: 20 * time.Minute, gone: time.Minute}.store(t)
	oneOfTwo := past{instances: []string{"a:1"}, staying: []string{"b:1"}, since: 20 * time.Minute, gone: time.Minute}.store(t)
	told := map[string]bool{}
	check := func(t *testing.T, d panels.Dashboard, p panels.Panel, in *prometheus, q panels.Query) {
		for _, v := range in.shown(t, q) {
			colour := p.FieldConfig.Defaults.Colour(v)
			if strings.HasPrefix(q.Expr, "min(up{") && colour == string(red) {
				told[d.UID] = true
				continue
			}
			t.Errorf("%s shows %g in %q", q.Expr, v, colour)
		}
	}
	forEach(t, func(t *testing.T, d panels.Dashboard, p panels.Panel) {
		if !is(p, stat, bars, table) || asks(p, "ALERTS") {
			return
		}
		for _, q := range p.Targets {
			if is(p, stat) && len(alive.shown(t, q)) == 0 {
				t.Errorf("%s shows nothing of an exporter that lives", q.Expr)
			}
			check(t, d, p, dead, q)
			if c := p.FieldConfig.Defaults.ColourOfNothing(); is(p, stat) && c != string(grey) && c != string(plain) {
				t.Errorf("%q is said in %s", p.FieldConfig.Defaults.NoValue, c)
			}
			if d.UID == "kie-exporter" {
				q.Expr = strings.ReplaceAll(q.Expr, "$instance", "a:1")
				check(t, d, p, oneOfTwo, q)
			}
		}
	})
	for _, uid := range []string{"kie-overview", "kie-exporter"} {
		if !told[uid] {
			t.Errorf("%s does not tell that the exporter has gone", uid)
		}
	}
}

// An exporter that was never there is told in red, too: not even up knows it.
func TestNoScrapeAtAllIsRed(t *testing.T) {
	empty := past{}.store(t)
	for _, uid := range []string{"kie-overview", "kie-exporter"} {
		for _, p := range some(t, uid, "of up", func(p panels.Panel) bool { return asks(p, "min(up{") }) {
			shown := empty.shown(t, p.Targets[0])
			if colour := p.FieldConfig.Defaults.Colour(shown["{}"]); len(shown) != 1 || colour != string(red) {
				t.Errorf("%s: %q shows %v in %q", uid, p.Title, shown, colour)
			}
		}
	}
}

// isRate says whether results are for each minute, hour or success, or how long something lasts at a rate.
func isRate(p panels.Panel, q panels.Query) bool {
	_, u := columnOf(p, q)
	return slices.Contains([]unit{perMinute, perHour}, unit(u)) || unit(u) == seconds && strings.Contains(q.Expr, "kie_credits_")
}

// A window of an hour, of which there are ten minutes, tells of ten minutes.
func TestRatesAreRightInTheFirstHour(t *testing.T) {
	young := past{instances: []string{"a:1"}, since: 10 * time.Minute}.store(t)
	old := past{instances: []string{"a:1"}, since: 2 * time.Hour}.store(t)
	checked := 0
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			if !isRate(p, q) || !strings.Contains(q.Expr, "$window") {
				continue
			}
			checked++
			first, later := young.shown(t, q), old.shown(t, q)
			if len(later) == 0 {
				t.Errorf("%s shows nothing", q.Expr)
			}
			for of, want := range later {
				if got := first[of]; math.Abs(got-want) > 0.1*math.Abs(want) {
					t.Errorf("%s: %g after ten minutes, %g after two hours", q.Expr, got, want)
				}
			}
		}
	})
	if checked < 5 {
		t.Errorf("%d rates over the window", checked)
	}
}

// An account without credits can't use those of another.
func TestAnEmptyAccountIsNotGreenForAnothersCredits(t *testing.T) {
	full := past{instances: []string{"a:1"}, since: 20 * time.Minute}
	full.more = func(add func(labels.Labels, time.Time, float64)) {
		add(labels.FromStrings("__name__", "kie_credits_remaining", "job", "kie", "instance", "a:1", "account", "empty"), now, 0)
	}
	stored := full.store(t)
	for _, p := range some(t, "kie-overview", "of credits left", func(p panels.Panel) bool { return is(p, stat) && p.FieldConfig.Defaults.Unit == string(amount) }) {
		for _, v := range stored.shown(t, p.Targets[0]) {
			if c := p.FieldConfig.Defaults.Colour(v); c == string(green) {
				t.Errorf("%q shows %g in %s", p.Title, v, c)
			}
		}
	}
}

// A short window is as exact as a long one.
func TestRatesAreTheSameOverEachWindow(t *testing.T) {
	steady := past{instances: []string{"a:1"}, since: 2 * time.Hour}.store(t)
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			if !isRate(p, q) || !strings.Contains(q.Expr, "$window") {
				continue
			}
			short := q
			short.Expr = strings.ReplaceAll(q.Expr, "$window", "5m")
			brief := steady.shown(t, short)
			for of, want := range steady.shown(t, q) {
				if got := brief[of]; math.Abs(got-want) > 0.03*math.Abs(want) {
					t.Errorf("%s: %g over five minutes, %g over an hour", q.Expr, got, want)
				}
			}
		}
	})
}

// A model of which the first task of an hour has finished is no frequent one.
func TestANewModelDoesNotRaiseTheThroughput(t *testing.T) {
	old := past{instances: []string{"a:1"}, since: 2 * time.Hour}
	usual := old.store(t)
	old.more = func(add func(labels.Labels, time.Time, float64)) {
		rare := labels.FromStrings("__name__", "kie_tasks_finished_total", "job", "kie", "instance", "a:1", "group", "g", "model", "rare", "state", "success")
		for i := range 9 {
			add(rare, now.Add(time.Duration(i-8)*every), float64(i/4))
		}
	}
	joined := old.store(t)
	for _, p := range some(t, "kie-overview", "of throughput", func(p panels.Panel) bool { return p.Title == "Finished a minute" }) {
		before, after := usual.shown(t, p.Targets[0]), joined.shown(t, p.Targets[0])
		for of, v := range before {
			if d := after[of] - v; d <= 0 || d > 0.1 {
				t.Errorf("two tasks more in an hour are %g a minute more", d)
			}
		}
	}
}

// Several exporters may watch tasks of one account. It has one balance.
func TestBalancesAreCountedOnce(t *testing.T) {
	one := past{instances: []string{"a:1"}, since: 20 * time.Minute}.store(t)
	two := past{instances: []string{"a:1", "b:1"}, since: 20 * time.Minute}.store(t)
	checked := 0
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			if !strings.Contains(q.Expr, "kie_credits_") {
				continue
			}
			checked++
			if got, want := fmt.Sprint(two.shown(t, q)), fmt.Sprint(one.shown(t, q)); got != want {
				t.Errorf("%s: %s of two exporters, %s of one", q.Expr, got, want)
			}
		}
	})
	if checked == 0 {
		t.Error("no balance")
	}
}
