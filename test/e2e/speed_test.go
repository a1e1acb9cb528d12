// How fast a page is: from a failure at the API to Alertmanager's notification, with all programs as they are shipped, and what takes the time.

package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

const (
	past     = 6 * time.Hour // of good traffic that Prometheus knows of: the longest window of an alert that pages
	pastStep = 30 * time.Second
	healthy  = 8 * time.Minute  // of traffic before an outage, from which the exporter learns how long tasks take
	longest  = 40 * time.Minute // that a notification is waited for
	scraping = 10 * time.Second // at the most, from the time that the samples of a scrape have until they are stored
	storing  = 2 * time.Minute  // that the samples of what a notification tells are waited for
	stagger  = 3 * time.Second  // between outages, so that they begin anywhere between two scrapes

	speedBegins = "<!-- Results of `make page-speed`; what is between here and the end mark is generated. -->"
	speedEnds   = "<!-- End of the speed of a page. -->"
)

// watched is an alert, and how the way to it is seen.
type watched struct {
	name, label string                                                    // and what names an account or a group
	shown       string                                                    // the series that moves,
	beyond      float64                                                   // to more than that,
	orZero      bool                                                      // or to zero
	known       func(*traffic, *testing.T, *prometheus, string) time.Time // when the exporter knew
}

func outages() []outage {
	closed := func(alert string) []watched {
		return []watched{{name: alert, label: "account", shown: "kie_api_gate_closed", known: (*traffic).closed}}
	}
	failed := func(alert string) watched {
		return watched{name: alert, label: "group", shown: "kie_tasks_failed_total", known: (*traffic).failureSeen}
	}
	faulty := func(f kiesim.Fault) func(*kiesim.Server) {
		return func(s *kiesim.Server) { s.Inject(kiesim.Match{}, f) }
	}
	return []outage{
		single(),
		{
			name: "all", means: "all tasks fail", spoils: func(t *kiesim.Task) { t.Fail = serverError() },
			alerts: []watched{failed("KieFailureBurst"), failed("KieErrorBudgetBurnFast"), failed("KieFailureRatioHigh")},
		},
		{name: "error", means: "the API answers 503", alerts: closed("KieAPIUnreachable"), begins: faulty(kiesim.Fault{Status: 503, Body: "<html></html>"})},
		{name: "hang", means: "the API does not answer", alerts: closed("KieAPIUnreachable"), begins: faulty(kiesim.Fault{Hang: true})},
		{name: "key", means: "the key is revoked (401)", alerts: closed("KieKeyRefused"), begins: func(s *kiesim.Server) { s.SetKeys("another") }},
		{
			name: "credits", means: "no credits (402)", alerts: closed("KieAccountRefused"),
			begins: faulty(kiesim.Fault{Code: 402, Msg: "The current credits are insufficient. Please top up."}),
		},
		{
			name: "balance", means: "the balance is suddenly 0", begins: func(s *kiesim.Server) { s.SetCredits(0) },
			alerts: []watched{{name: "KieCreditsEmptySoon", label: "account", shown: "kie_credits_remaining", orZero: true, beyond: credits, known: (*traffic).balanceSeen}},
		},
		{
			name: "stall", means: "no task ends", stall: true, spoils: func(t *kiesim.Task) { t.Duration = -1 },
			alerts: []watched{{name: "KieTasksOverdue", label: "group", shown: "kie_tasks_overdue", known: (*traffic).overdue}},
		},
	}
}

// single is the outage of one task.
func single() outage {
	return outage{
		name: "one", means: "one task fails", single: true,
		alerts: []watched{{name: "KieTaskFailed", label: "group", shown: "kie_task_failed_timestamp_seconds", known: (*traffic).failureSeen}},
	}
}

// The moments on the way to a notification. Between two of them is a stage.
const (
	failed  = iota // the API
	known          // to the exporter
	shown          // by a sample of Prometheus
	held           // the rule's condition, for the last time
	fired          // the alert
	told           // the receiver
	moments = iota
)

// page is the way to a notification, or to none.
type page struct {
	outage, alert, receiver string
	rate                    float64
	at                      [moments]time.Time // as found, zero if not
	early                   bool               // the alert was active before the failure
	down                    int                // scrapes that failed meanwhile
}

// came reports whether there was a notification.
func (p *page) came() bool { return !p.at[told].IsZero() }

// problem says what keeps a page from being whole, if anything.
func (p *page) problem() string {
	switch {
	case !p.came():
		return "no notification came"
	case p.early:
		return "the alert was active before the failure"
	case slices.ContainsFunc(p.at[:], time.Time.IsZero):
		return "not each moment was found"
	}
	return ""
}

// since returns how long after the failure each moment was, none before the one that led to it: what a scrape shows has the time at which it
// began, though it waits for what is due to be asked. A stage whose end was not found has taken no time, and the next one has its time.
func (p *page) since() (after [moments]time.Duration) {
	for i := 1; i < moments; i++ {
		after[i] = max(after[i-1], p.at[i].Sub(p.at[failed]))
	}
	return after
}

// It takes half an hour, or 48 minutes if a notification does not come, so `make page-speed` sets where the results go.
func TestSpeedOfAPage(t *testing.T) {
	report := os.Getenv("PAGE_SPEED_REPORT")
	if report == "" {
		t.Skip("`make page-speed` runs it")
	}
	var all []*traffic
	for _, rate := range []float64{0.1, 0.5, 1} {
		for _, o := range outages() {
			all = append(all, startTraffic(t, o, rate, kiesim.DefaultModels()))
		}
	}
	pages, while := measure(t, "15s", healthy, longest, asShipped, all)
	for _, p := range pages {
		t.Logf("%+v", p)
		if problem := p.problem(); problem != "" {
			t.Errorf("%s, %g tasks a second, %s: %s", p.outage, p.rate, p.alert, problem)
		}
	}
	writeBetween(t, report, speedBegins, speedEnds, table(pages)+"\n"+while+"\n")
}

// Whatever takes how long, each stage of the way is found, they come in order, and together they are the whole.
func TestAPageIsFollowedFromTheFailureOn(t *testing.T) {
	t.Parallel()
	quick := slices.DeleteFunc(kiesim.DefaultModels(), func(m kiesim.Model) bool { return m.Median > 10*time.Second })
	pages, _ := measure(t, "2s", time.Second, 10*time.Minute, hasten, []*traffic{startTraffic(t, single(), 1, quick)})
	if len(pages) != singles {
		t.Errorf("%d tasks failed, want %d", len(pages), singles)
	}
	for _, p := range pages {
		if problem := p.problem(); problem != "" || p.receiver != "tasks" {
			t.Errorf("not the whole way, %s: %+v", problem, p)
		}
		// As found. When it was known is not compared with what has the time at which a scrape or an evaluation was due to begin.
		for _, pair := range [][2]int{{shown, held}, {held, fired}, {fired, told}, {known, told}} {
			if p.at[pair[1]].Before(p.at[pair[0]]) {
				t.Errorf("moment %d is before moment %d: %+v", pair[1], pair[0], p)
			}
		}
		if in := p.since(); in[told] != p.at[told].Sub(p.at[failed]) || !slices.IsSorted(in[:]) {
			t.Errorf("stages until %v are not the whole way: %+v", in, p)
		}
	}
	if rows := strings.Count(table(pages), "\n"); rows != 3 {
		t.Errorf("a table of %d lines", rows)
	}
}

func TestStagesOfAPageAddUp(t *testing.T) {
	begin := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	at := func(seconds ...float64) (all [moments]time.Time) {
		for i, s := range seconds {
			if s >= 0 {
				all[i] = begin.Add(time.Duration(s * float64(time.Second)))
			}
		}
		return all
	}
	tests := []struct {
		name  string
		pages []page
		row   string
	}{
		{"in order", []page{{at: at(0, 1, 3, 6, 10, 15)}}, "| 1 | 2 | 3 | 4 | 5 | 15 | 15 | 0 |"},
		{"each a half", []page{{at: at(0, 1.5, 3, 4.5, 6, 7.5)}}, "| 2 | 1 | 2 | 1 | 2 | 8 | 8 | 0 |"},
		{"asked by the scrape that shows it", []page{{at: at(0, 4, 3, 6, 10, 15)}}, "| 4 | 0 | 2 | 4 | 5 | 15 | 15 | 0 |"},
		{"a moment that was not found", []page{{at: at(0, -1, 3, 6, 10, 15)}}, "| 0 | 3 | 3 | 4 | 5 | 15 | 15 | 0 |"},
		{"the mean of two", []page{{at: at(0, 1, 3, 6, 10, 15), down: 1}, {at: at(0, 3, 5, 8, 12, 17)}}, "| 2 | 2 | 3 | 4 | 5 | 16 | 17 | 1 |"},
		{"one that never came", []page{{at: at(0, 1, 3, 6, 10, 15)}, {at: at(0, 1, 3, -1, -1, -1)}}, "| ? | ? | ? | ? | ? | ? | ? | 0 |"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := table(tt.pages); !strings.HasSuffix(got, "|  | 0 |  |  "+tt.row+"\n") {
				t.Errorf("got\n%swant\n%s", got, tt.row)
			}
		})
	}
}

// measure has each traffic go wrong after some time, waits for what comes of it, and follows that. It says, too, how the programs fared.
func measure(t *testing.T, interval string, after, within time.Duration, edit func(route map[string]any), all []*traffic) (pages []page, while string) {
	t.Helper()
	data, r := t.TempDir(), startReceiver(t)
	var addresses []string
	for _, w := range all {
		addresses = append(addresses, w.address)
	}
	backfill(t, data, all)
	p := startPrometheusOn(t, composeConfig(t, interval, strings.Join(addresses, ", "), startAlertmanager(t, r.URL, edit)), data)
	p.waitUp(t)
	p.waitAlerting(t)
	started := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for i, w := range all {
		w.begin = started.Add(after + time.Duration(i)*stagger)
		running.Go(func() {
			if err := w.run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	var loads []float64
	for time.Since(started) < after+within && !r.told(all) {
		time.Sleep(time.Second)
		if n := len(loads); time.Since(started) > time.Duration(n)*time.Minute {
			loads = append(loads, load())
		}
	}
	// A notification may be sent before the samples of its alert are stored.
	for until := time.Now().Add(storing); ; time.Sleep(time.Second) {
		pages = r.follow(t, p, all)
		if time.Now().After(until) || !slices.ContainsFunc(pages, func(g page) bool { return g.came() && g.problem() != "" }) {
			return pages, p.fared(t, started, loads)
		}
	}
}

var evaluations = regexp.MustCompile(`(?m)^prometheus_rule_group_iterations_total\{rule_group="[^"]*alerts\.yml;[^"]*"\} (\d+)$`)

// waitAlerting waits until all alerts were evaluated three times. After two Prometheus has looked up since when they had been active before its
// start; only from then on it stores samples of them, though it notifies of them already.
func (p *prometheus) waitAlerting(t *testing.T) {
	t.Helper()
	wait.Until(t, 5*time.Minute, time.Second, func() error {
		text, err := get(t.Context(), "http://"+p.address+"/metrics")
		if err != nil {
			return err
		}
		groups := evaluations.FindAllStringSubmatch(text, -1)
		if len(groups) == 0 {
			return errors.New("no rules were evaluated")
		}
		for _, g := range groups {
			if n, err := strconv.Atoi(g[1]); err != nil || n < 3 {
				return errors.New(g[0])
			}
		}
		return nil
	})
}

// get returns what is served under a URL.
func get(ctx context.Context, url string) (string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r.Body)
	return string(text), errors.Join(err, r.Body.Close())
}

// load returns the machine's load over the last minute, or NaN where it is not told.
func load() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	if v, err := strconv.ParseFloat(first, 64); err == nil {
		return v
	}
	return math.NaN()
}

// fared says how busy the machine was, and whether Prometheus had to leave out anything.
func (p *prometheus) fared(t *testing.T, since time.Time, loads []float64) string {
	t.Helper()
	scrapes, down := 0, 0
	for _, s := range p.samples(t, "up") {
		if s.Timestamp.Time().After(since) {
			scrapes++
			down += 1 - int(s.Value)
		}
	}
	return fmt.Sprintf("Of %d scrapes %d failed. The load of the machine was %.0f to %.0f, in the mean %.0f.",
		scrapes, down, slices.Min(loads), slices.Max(loads), sum(loads)/float64(len(loads)))
}

// follow returns the ways of all outages.
func (r *receiver) follow(t *testing.T, p *prometheus, all []*traffic) (pages []page) {
	t.Helper()
	for _, w := range all {
		affected := w.affected()
		for _, a := range w.alerts {
			for _, group := range w.groups() {
				if begin, ok := affected[group]; ok {
					pages = append(pages, w.follow(t, p, r, a, group, begin))
				}
			}
		}
	}
	return pages
}

// told reports whether a notification of each alert has come.
func (r *receiver) told(all []*traffic) bool {
	for _, w := range all {
		affected := w.affected()
		if w.single && len(affected) < singles {
			return false
		}
		for _, a := range w.alerts {
			for group := range affected {
				if at, _ := r.first(a, group, w.begin); at.IsZero() {
					return false
				}
			}
		}
	}
	return true
}

// first returns when the first notification of an alert after a time came, and to which receiver of Alertmanager's.
func (r *receiver) first(a watched, value string, after time.Time) (time.Time, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, d := range r.got {
		for _, alert := range d.Alerts {
			if alert.Labels["alertname"] == a.name && alert.Labels[a.label] == value && alert.Status == "firing" && r.at[i].After(after) {
				return r.at[i], d.Receiver
			}
		}
	}
	return time.Time{}, ""
}

// follow looks up what happened on the way to a notification.
func (w *traffic) follow(t *testing.T, p *prometheus, r *receiver, a watched, group string, begin time.Time) page {
	t.Helper()
	g := page{outage: w.means, rate: w.rate, alert: a.name}
	g.at[failed], g.at[known] = begin, a.known(w, t, p, group)
	g.at[told], g.receiver = r.first(a, group, begin)
	of := fmt.Sprintf("%s=%q", a.label, group)
	// A scrape, and an evaluation after it, may have been due before what the scrape waited for.
	from := begin.Add(-scraping)
	g.at[shown] = first(p.samples(t, a.shown+"{"+of+"}"), from, func(v float64) bool { return v > a.beyond || a.orZero && v == 0 })
	active := p.samples(t, fmt.Sprintf("ALERTS{alertname=%q,%s}", a.name, of))
	g.early = len(active) > 0 && active[0].Timestamp.Time().Before(from)
	g.at[held], g.at[fired] = p.firing(t, fmt.Sprintf("{alertname=%q,%s,alertstate=\"firing\"}", a.name, of), from)
	for _, s := range p.samples(t, fmt.Sprintf("up{instance=%q}", w.address)) {
		if at := s.Timestamp.Time(); s.Value == 0 && at.After(begin) && (at.Before(g.at[told]) || !g.came()) {
			g.down++
		}
	}
	return g
}

// firing returns when the first of some alerts fired after a time, and since when its condition held then.
func (p *prometheus) firing(t *testing.T, alerts string, after time.Time) (held, fired time.Time) {
	t.Helper()
	var alert model.Metric
	for _, series := range p.series(t, "ALERTS"+alerts) {
		if at := first(series.Values, after, always); !at.IsZero() && (fired.IsZero() || at.Before(fired)) {
			alert, fired = series.Metric.Clone(), at
		}
	}
	delete(alert, "alertstate")
	delete(alert, model.MetricNameLabel)
	// The value is the second of the evaluation at which the condition began to hold for the last time.
	for _, s := range p.samples(t, "ALERTS_FOR_STATE"+alert.String()) {
		if s.Timestamp.Time().Equal(fired) {
			held = first(p.samples(t, "ALERTS"+alert.String()), time.Unix(int64(s.Value), -1), always)
		}
	}
	return held, fired
}

func always(float64) bool { return true }

// series returns the series of a selector.
func (p *prometheus) series(t *testing.T, selector string) model.Matrix {
	t.Helper()
	value, _, _, err := p.Query(t.Context(), selector+"[2h]", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	matrix, _ := value.(model.Matrix)
	return matrix
}

// samples returns the samples of all series of a selector, by time.
func (p *prometheus) samples(t *testing.T, selector string) (all []model.SamplePair) {
	t.Helper()
	for _, series := range p.series(t, selector) {
		all = append(all, series.Values...)
	}
	slices.SortFunc(all, func(a, b model.SamplePair) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return all
}

// first returns the time of the first sample after another for which something holds, or zero.
func first(samples []model.SamplePair, after time.Time, holds func(float64) bool) time.Time {
	for _, s := range samples {
		if at := s.Timestamp.Time(); at.After(after) && holds(float64(s.Value)) {
			return at
		}
	}
	return time.Time{}
}

// backfill gives Prometheus hours of good traffic, as it would know it had it run all the time.
func backfill(t *testing.T, data string, all []*traffic) {
	t.Helper()
	var text strings.Builder
	text.WriteString("# TYPE kie_tasks_finished counter\n")
	until := time.Now().Add(-time.Minute).Truncate(pastStep)
	for _, w := range all {
		for _, m := range w.models {
			for age := past; age >= 0; age -= pastStep {
				n := w.rate * m.Weight / weights(w.models) * (past - age).Seconds()
				fmt.Fprintf(&text, "kie_tasks_finished_total{job=\"kie_exporter\",instance=%q,group=%q,model=%q,state=\"success\"} %d %d\n",
					w.address, w.label, m.Name, int(n), until.Add(-age).Unix())
			}
		}
	}
	text.WriteString("# EOF\n")
	file := filepath.Join(t.TempDir(), "past.txt")
	write(t, file, text.String())
	c := exec.CommandContext(t.Context(), tool(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data) //nolint:gosec // ours
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

// table returns how many seconds each stage took, in the mean of the pages of an outage, a rate and an alert. A row's stages add up.
func table(pages []page) string {
	var text strings.Builder
	text.WriteString("| what fails | tasks a second | alert | receiver | detection | scrape | rule | `for` | Alertmanager | in all | longest | failed scrapes |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for len(pages) > 0 {
		head := pages[0]
		same := slices.IndexFunc(pages, func(p page) bool { return p.outage != head.outage || p.rate != head.rate || p.alert != head.alert })
		if same < 0 {
			same = len(pages)
		}
		fmt.Fprintf(&text, "| %s | %g | %s | %s ", head.outage, head.rate, head.alert, head.receiver)
		for _, cell := range cells(pages[:same]) {
			fmt.Fprintf(&text, "| %s ", cell)
		}
		text.WriteString("|\n")
		pages = pages[same:]
	}
	return text.String()
}

// cells returns what a row has of pages: a mean for each stage and all of them, the longest way, and scrapes that failed.
func cells(pages []page) (all []string) {
	var (
		in   [moments]time.Duration // together
		most time.Duration
		down int
	)
	for _, p := range pages {
		after := p.since()
		for i := range in {
			in[i] += after[i]
		}
		most, down = max(most, after[told]), down+p.down
	}
	seconds := func(d time.Duration) int { return int(math.Round(d.Seconds())) }
	mean := func(moment int) int { return seconds(in[moment] / time.Duration(len(pages))) }
	for i := 1; i < moments; i++ {
		all = append(all, strconv.Itoa(mean(i)-mean(i-1)))
	}
	all = append(all, strconv.Itoa(mean(told)), strconv.Itoa(seconds(most)))
	if slices.ContainsFunc(pages, func(p page) bool { return !p.came() }) {
		for i := range all {
			all[i] = "?"
		}
	}
	return append(all, strconv.Itoa(down))
}

// writeBetween puts a text between two marks of a document.
func writeBetween(t *testing.T, path, begins, ends, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(content), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !begun || !ended {
		t.Fatalf("%s lacks the marks %s and %s", path, begins, ends)
	}
	write(t, path, before+begins+"\n\n"+text+"\n"+ends+after)
}
