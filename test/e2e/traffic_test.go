// Traffic as a program makes it: tasks are created, listed and watched by an exporter with all settings at their defaults, until something fails.

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

const (
	keptFor  = 15 * time.Minute // a finished task stays on its list
	learning = 3 * time.Minute  // before a stall; until then there are many tasks, that teach how long they take
	apart    = 17 * time.Second // at least, between tasks that fail alone
	singles  = 5                // tasks that fail alone
	credits  = 1e6
	// Hardly any answer of the simulated API takes longer.
	answering = time.Second
)

// outage is a way in which things go wrong, and the alerts that tell of it.
type outage struct {
	name, means string
	alerts      []watched
	begins      func(*kiesim.Server) // what happens at its beginning
	spoils      func(*kiesim.Task)   // what becomes of tasks that would end after that
	single      bool                 // instead some tasks fail, each in a group of its own
	stall       bool
}

// traffic is an exporter with an account, the API that it asks, and a program that creates tasks there.
type traffic struct {
	process
	outage
	label  string  // of the account, and of the group
	rate   float64 // tasks a second
	models []kiesim.Model
	api    *kiesim.Server
	dir    string
	random *rand.Rand
	begin  time.Time // of the outage

	mu      sync.Mutex
	tasks   []kiesim.Task
	alone   []kiesim.Task // that fail alone
	balance float64
}

// startTraffic starts an exporter with all settings at their defaults.
func startTraffic(t *testing.T, o outage, rate float64, models []kiesim.Model) *traffic {
	t.Helper()
	w := &traffic{
		outage: o, rate: rate, models: models, dir: t.TempDir(), label: o.name + "-" + strconv.FormatFloat(rate, 'g', -1, 64), balance: credits,
		api:    kiesim.New(kiesim.Options{Credits: credits, RealisticLatency: true, Record: true}),
		random: rand.New(rand.NewPCG(uint64(1000*rate), 1)), // the same tasks each time
	}
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	groups := ""
	for _, name := range w.groups() {
		write(t, w.list(name), "")
		groups += fmt.Sprintf("- {name: %q, files: [%q]}\n", name, w.list(name))
	}
	config := filepath.Join(w.dir, "kie_exporter.yml")
	write(t, config, fmt.Sprintf("accounts: [{name: %q, base_url: %q}]\ngroups:\n%s", w.label, server.URL, groups))
	w.env = []string{"KIE_API_KEY=no-secret"}
	w.start(t, "kie_exporter", "--config.file="+config, "--web.listen-address=127.0.0.1:0")
	return w
}

// groups returns the group of all tasks, and then those of tasks that fail alone.
func (w *traffic) groups() []string {
	all := []string{w.label}
	for i := 0; w.single && i < singles; i++ {
		all = append(all, fmt.Sprint(w.label, "-", i))
	}
	return all
}

func (w *traffic) list(group string) string { return filepath.Join(w.dir, group+".txt") }

// run creates tasks until ctx ends, and has the outage begin in time.
func (w *traffic) run(ctx context.Context) error {
	begins := time.NewTimer(time.Until(w.begin))
	defer begins.Stop()
	for n := 0; ; n++ {
		next := time.NewTimer(w.pause())
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				next.Stop()
				return nil
			case <-begins.C:
				if w.begins != nil {
					w.begins(w.api)
				}
			case <-next.C:
				waiting = false
			}
		}
		if err := w.create(n); err != nil {
			return err
		}
	}
}

// pause returns the time until the next task, which comes by chance.
func (w *traffic) pause() time.Duration {
	rate := w.rate
	if w.stall && time.Until(w.begin) > learning {
		rate = max(rate, 1)
	}
	return time.Duration(w.random.ExpFloat64() / rate * float64(time.Second))
}

// weights returns the sum of all models' weights.
func weights(models []kiesim.Model) (all float64) {
	for _, m := range models {
		all += m.Weight
	}
	return all
}

// pick returns a model by weight.
func (w *traffic) pick() kiesim.Model {
	at := w.random.Float64() * weights(w.models)
	i := slices.IndexFunc(w.models, func(m kiesim.Model) bool { at -= m.Weight; return at < 0 })
	return w.models[max(i, 0)]
}

// create makes a task, pays for it and lists it.
func (w *traffic) create(n int) error {
	m := w.pick()
	t := kiesim.Task{
		ID: fmt.Sprintf("%s-%06d", w.label, n), Model: m.Name, Created: time.Now(), InFlight: m.InFlight, Credits: m.Credits,
		Duration: time.Duration(float64(m.Median) * math.Exp(m.Sigma*min(max(w.random.NormFloat64(), -2), 2))),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.single && len(w.alone) < singles && t.Created.After(w.begin.Add(time.Duration(len(w.alone))*apart)) {
		t.Fail = serverError()
		w.alone = append(w.alone, t)
		w.api.Put(t)
		return replace(w.list(w.groups()[len(w.alone)]), t.ID+"\n")
	}
	if w.spoils != nil && end(t).After(w.begin) {
		w.spoils(&t)
	}
	w.api.Put(t)
	if w.balance -= t.Credits; time.Now().Before(w.begin) {
		w.api.SetCredits(w.balance)
	}
	w.tasks = append(w.tasks, t)
	var text []byte
	for _, t := range w.tasks {
		if t.Duration < 0 || time.Since(end(t)) < keptFor {
			text = append(text, t.ID+"\n"...)
		}
	}
	return replace(w.list(w.label), string(text))
}

func serverError() *kiesim.Failure {
	return &kiesim.Failure{Code: "500", Msg: "Internal Error, Please try again later."}
}

// end returns when a task ends that does.
func end(t kiesim.Task) time.Time { return t.Created.Add(t.Duration) }

// replace replaces a list as a whole, as careful programs do.
func replace(path, text string) error {
	return errors.Join(os.WriteFile(path+"~", []byte(text), 0o600), os.Rename(path+"~", path))
}

// affected returns the groups that the outage concerns, and when it began for each: with the end of the first task that failed, where tasks fail.
func (w *traffic) affected() map[string]time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.single {
		all := map[string]time.Time{}
		for i, t := range w.alone {
			all[w.groups()[i+1]] = end(t)
		}
		return all
	}
	begin := w.begin
	failed := slices.DeleteFunc(slices.Clone(w.tasks), func(t kiesim.Task) bool { return t.Fail == nil })
	if len(failed) > 0 {
		begin = end(slices.MinFunc(failed, func(a, b kiesim.Task) int { return end(a).Compare(end(b)) }))
	}
	return map[string]time.Time{w.label: begin}
}

// The moments at which an exporter knew of an outage, each zero if it did not.

var notAsking = regexp.MustCompile(`(?m)^time=(\S+) .*msg="Not asking for now"`)

// closed returns when the exporter closed the account.
func (w *traffic) closed(*testing.T, *prometheus, string) time.Time {
	for _, m := range notAsking.FindAllSubmatch(w.logged(), -1) {
		if at, err := time.Parse(time.RFC3339Nano, string(m[1])); err == nil && at.After(w.begin) {
			return at
		}
	}
	return time.Time{}
}

// failureSeen returns when the exporter first asked about a task of a group that had failed.
func (w *traffic) failureSeen(_ *testing.T, _ *prometheus, group string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	ends := map[string]time.Time{}
	for _, t := range w.tasks {
		if t.Fail != nil {
			ends[t.ID] = end(t)
		}
	}
	if i := slices.Index(w.groups(), group); i > 0 {
		ends[w.alone[i-1].ID] = end(w.alone[i-1])
	}
	// A request that is under way at the end may be answered with it.
	return w.asked(func(q kiesim.Request) bool { ended, ok := ends[q.ID]; return ok && q.At.After(ended.Add(-answering)) })
}

// balanceSeen returns when the exporter first asked for the balance.
func (w *traffic) balanceSeen(*testing.T, *prometheus, string) time.Time {
	return w.asked(func(q kiesim.Request) bool { return q.Endpoint == kiesim.Credit && q.At.After(w.begin) })
}

// asked returns when the first request came for which something holds.
func (w *traffic) asked(holds func(kiesim.Request) bool) time.Time {
	all := w.api.Requests()
	if i := slices.IndexFunc(all, holds); i >= 0 {
		return all[i].At
	}
	return time.Time{}
}

// overdue returns when the exporter first asked about a task that had been unfinished for longer than its model's tasks may be.
func (w *traffic) overdue(t *testing.T, p *prometheus, group string) time.Time {
	t.Helper()
	thresholds, err := p.ask(t.Context(), fmt.Sprintf("last_over_time(kie_tasks_overdue_threshold_seconds{group=%q}[1h])", group))
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	from := map[string]time.Time{}
	for _, s := range thresholds {
		for _, task := range w.tasks {
			if task.Duration < 0 && task.Model == string(s.Metric["model"]) {
				from[task.ID] = task.Created.Add(time.Duration(float64(s.Value) * float64(time.Second)))
			}
		}
	}
	return w.asked(func(q kiesim.Request) bool { at, ok := from[q.ID]; return ok && q.At.After(at) })
}
