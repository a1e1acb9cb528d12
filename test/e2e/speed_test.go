// How fast a page is: from a failure at the API to Alertmanager's notification, with all programs as they are shipped, and what takes the time.

package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

const (
	past     = 6 * time.Hour // of good traffic that Prometheus knows of: the longest window of an alert that pages
	pastStep = 30 * time.Second
	healthy  = 8 * time.Minute  // of traffic before an outage, from which the exporter learns how long tasks take
	longest  = 40 * time.Minute // that a notification is waited for
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

// page is what happened on the way to a notification.
type page struct {
	outage, alert, receiver                     string
	rate                                        float64
	begin, known, shown, true, firing, notified time.Time
}

// It takes 48 minutes, so `make page-speed` sets where the results go.
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
	pages := measure(t, "15s", healthy, longest, asShipped, all)
	writeBetween(t, report, speedBegins, speedEnds, table(pages))
}

// Whatever takes how long, each stage of the way is found.
func TestAPageIsFollowedFromTheFailureOn(t *testing.T) {
	t.Parallel()
	quick := slices.DeleteFunc(kiesim.DefaultModels(), func(m kiesim.Model) bool { return m.Median > 10*time.Second })
	pages := measure(t, "2s", 10*time.Second, 5*time.Minute, hasten, []*traffic{startTraffic(t, single(), 1, quick)})
	if len(pages) != singles {
		t.Errorf("%d tasks failed, want %d", len(pages), singles)
	}
	for _, p := range pages {
		if p.begin.IsZero() || p.known.IsZero() || p.shown.IsZero() || p.true.IsZero() || p.firing.IsZero() || p.notified.IsZero() || p.receiver != "tasks" {
			t.Errorf("not the whole way: %+v", p)
		}
		if inAll := p.notified.Sub(p.begin); inAll <= 0 {
			t.Errorf("told %v after the failure", inAll)
		}
	}
	if rows := strings.Count(table(pages), "\n"); rows != 3 {
		t.Errorf("a table of %d lines", rows)
	}
}

// measure has each traffic go wrong after some time, waits for what comes of it, and follows that.
func measure(t *testing.T, interval string, after, within time.Duration, edit func(route map[string]any), all []*traffic) (pages []page) {
	t.Helper()
	started, data, r := time.Now(), t.TempDir(), startReceiver(t)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var addresses []string
	for i, w := range all {
		w.begin = started.Add(after + time.Duration(i)*stagger)
		addresses = append(addresses, w.address)
		running.Go(func() {
			if err := w.run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	backfill(t, data, all)
	p := startPrometheusOn(t, composeConfig(t, interval, strings.Join(addresses, ", "), startAlertmanager(t, r.URL, edit)), data)
	p.waitUp(t)
	for time.Since(started) < after+within && !r.told(all) {
		time.Sleep(time.Second)
	}
	time.Sleep(2 * time.Second) // until the last evaluation is stored
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
				if at, _ := r.first(a, group); at.IsZero() {
					return false
				}
			}
		}
	}
	return true
}

// first returns when the first notification of an alert came, and to which receiver of Alertmanager's.
func (r *receiver) first(a watched, value string) (time.Time, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, d := range r.got {
		for _, alert := range d.Alerts {
			if alert.Labels["alertname"] == a.name && alert.Labels[a.label] == value && alert.Status == "firing" {
				return r.at[i], d.Receiver
			}
		}
	}
	return time.Time{}, ""
}

// follow looks up what happened on the way to a notification. What a scrape shows has the time at which it began, though it waits for what is
// due to be asked; so no moment is taken to be before the one that led to it.
func (w *traffic) follow(t *testing.T, p *prometheus, r *receiver, a watched, group string, begin time.Time) page {
	t.Helper()
	g := page{outage: w.means, rate: w.rate, alert: a.name, begin: begin, known: a.known(w, t, p, group)}
	g.known = notBefore(g.known, begin)
	of := fmt.Sprintf("%s=%q", a.label, group)
	g.notified, g.receiver = r.first(a, group)
	alerts := fmt.Sprintf("ALERTS{alertname=%q,%s,alertstate=", a.name, of)
	moved := func(v float64) bool { return v > a.beyond || a.orZero && v == 0 }
	g.shown = notBefore(first(p.samples(t, a.shown+"{"+of+"}"), begin, moved), g.known)
	g.firing = first(p.samples(t, alerts+`"firing"}`), begin, func(float64) bool { return true })
	g.true = g.firing
	// Back to where it became pending for the last time before that.
	for _, s := range slices.Backward(p.samples(t, alerts+`"pending"}`)) {
		if at := s.Timestamp.Time(); at.After(begin) && at.Before(g.true) && g.true.Sub(at) < time.Minute {
			g.true = at
		}
	}
	g.true = notBefore(g.true, g.shown)
	g.firing = notBefore(g.firing, g.true)
	g.notified = notBefore(g.notified, g.firing)
	return g
}

// notBefore returns a time, or the one that must have been before if that is later. A time that is not known stays so.
func notBefore(at, earlier time.Time) time.Time {
	if at.IsZero() || at.After(earlier) {
		return at
	}
	return earlier
}

// samples returns the samples of all series of a selector, by time.
func (p *prometheus) samples(t *testing.T, selector string) (all []model.SamplePair) {
	t.Helper()
	value, _, _, err := p.Query(t.Context(), selector+"[2h]", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	matrix, _ := value.(model.Matrix)
	for _, series := range matrix {
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

// table returns how many seconds each stage took, in the mean of the pages of an outage, a rate and an alert.
func table(pages []page) string {
	var text strings.Builder
	text.WriteString("| what fails | tasks a second | alert | receiver | detection | scrape | rule | `for` | Alertmanager | in all | longest |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for len(pages) > 0 {
		head := pages[0]
		same := slices.IndexFunc(pages, func(p page) bool { return p.outage != head.outage || p.rate != head.rate || p.alert != head.alert })
		if same < 0 {
			same = len(pages)
		}
		mean := func(from, to func(page) time.Time) string {
			var all time.Duration
			for _, p := range pages[:same] {
				if from(p).IsZero() || to(p).IsZero() {
					return "?"
				}
				all += to(p).Sub(from(p))
			}
			return strconv.FormatFloat((all / time.Duration(same)).Seconds(), 'f', 0, 64)
		}
		moments := []func(page) time.Time{
			func(p page) time.Time { return p.begin }, func(p page) time.Time { return p.known }, func(p page) time.Time { return p.shown },
			func(p page) time.Time { return p.true }, func(p page) time.Time { return p.firing }, func(p page) time.Time { return p.notified },
		}
		fmt.Fprintf(&text, "| %s | %g | %s | %s |", head.outage, head.rate, head.alert, head.receiver)
		for i := range len(moments) - 1 {
			fmt.Fprintf(&text, " %s |", mean(moments[i], moments[i+1]))
		}
		var most time.Duration
		for _, p := range pages[:same] {
			most = max(most, p.notified.Sub(p.begin))
		}
		fmt.Fprintf(&text, " %s | %.0f |\n", mean(moments[0], moments[5]), most.Seconds())
		pages = pages[same:]
	}
	return text.String()
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
