package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
	built "github.com/kie-exporter/kie_exporter/test/kit/program"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func (p *program) reload(want int) string {
	p.t.Helper()
	status, body := p.send(http.MethodPost, "/-/reload", nil)
	if status != want {
		p.t.Fatalf("the reload answers %d, want %d: %s", status, want, body)
	}
	return body
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAReloadTakesOverWhatIsNewAndKeepsWhatIsKnown(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{Credits: 10})
	for _, id := range []string{"a", "b", "c"} {
		sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-time.Hour)}) // no news
	}
	config := func(rate int, groups string) string {
		return fmt.Sprintf("accounts: [{base_url: %q, requests_per_second: %d}]\ngroups: %s\npolling: {background: true}\n", url, rate, groups)
	}
	path := filepath.Join(t.TempDir(), "kie.yml")
	rewrite(t, path, config(100, "[{name: g, tasks: [a, b]}]"))
	p := start(t, "--web.enable-lifecycle", "--config.file="+path)
	p.until(10*time.Second, `kie_tasks{group="g",model="m",state="success"} 2`)

	rewrite(t, path, config(50, "[{name: g, tasks: [b], labels: {team: film}}, {name: h, tasks: [c]}]"))
	p.reload(http.StatusOK)
	body := p.until(10*time.Second,
		`kie_tasks{group="g",model="m",state="success"} 1`,
		`kie_tasks{group="h",model="m",state="success"} 1`,
		`kie_task_info{account="default",group="g",label_team="film",model="m",task_id="b"} 1`,
		`kie_api_pace_requests_per_second{account="default"} 50`,
		`kie_api_requests_total{account="default",class="ok",endpoint="recordInfo"} 3`,
		`kie_exporter_uncounted_tasks_total{group="g"} 2`,
		`kie_exporter_config_last_reload_successful 1`,
	)
	if strings.Contains(body, `task_id="a"`) {
		t.Error("an inline id that is no more is still shown")
	}
	rewrite(t, path, config(50, "[{name: h, tasks: [c, a, b]}]"))
	p.reload(http.StatusOK)
	p.until(10*time.Second, `kie_tasks{group="h",model="m",state="success"} 3`)
	for _, id := range []string{"a", "b", "c"} {
		if n := sim.Queries(id); n != 1 {
			t.Errorf("%s was asked %d times, want once", id, n)
		}
	}
}

func TestAReloadChoosesOtherSeriesOfTasks(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "a", Model: "m"})
	path := configFile(t, url, "groups: [{tasks: [a]}]")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "--web.enable-lifecycle", "--config.file="+path)
	series := func() int { return len(regexp.MustCompile(`(?m)^kie_task_.*`).FindAllString(p.scrape(), -1)) }
	p.until(10*time.Second, `kie_task_state{group="default",model="m",state="success",task_id="a"} 1`)
	before := series()
	for _, step := range []struct {
		series string
		left   int // of the states
		all    bool
	}{{"{task_states: current}", 1, true}, {"{task_states: current, task_metrics: [kie_task_state]}", 1, false}, {"{}", len(kie.States()), true}} {
		rewrite(t, path, string(good)+"\nseries: "+step.series+"\n")
		p.reload(http.StatusOK)
		p.until(10*time.Second, `kie_task_state{group="default",model="m",state="success",task_id="a"} 1`)
		want := step.left
		if step.all {
			want += before - len(kie.States())
		}
		if got := series(); got != want {
			t.Errorf("%s: %d series of the task, want %d", step.series, got, want)
		}
	}
	rewrite(t, path, string(good)+"\nseries: {task_metrics: [kie_task_colour]}\n")
	if body := p.reload(http.StatusInternalServerError); !strings.Contains(body, "kie_task_colour") || series() != before {
		t.Errorf("%d series after %s", series(), body)
	}
}

func TestAFailedReloadChangesNothing(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "a", Model: "m"})
	path := configFile(t, url, "groups: [{tasks: [a]}]")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "--web.enable-lifecycle", "--config.file="+path)
	since := regexp.MustCompile(`(?m)^kie_exporter_config_last_reload_success_timestamp_seconds .*$`)
	want := since.FindString(p.until(10*time.Second, `kie_tasks{group="default",model="m",state="success"} 1`))
	for name, bad := range map[string]string{
		"not YAML":        "groups: [",
		"several":         "groups: [{tasks: [null], unknown: 1}]\nlimits: {tasks: -1}\n",
		"no key file":     "accounts: [{credentials_file: /no/such/file}]\ngroups: [{tasks: [a]}]\n",
		"no certificate":  "accounts: [{http_client: {tls_config: {ca_file: no/such.pem}}}]\ngroups: [{tasks: [a]}]\n",
		"no task":         "",
		"the key in it":   "accounts: [{credentials_file: " + canary + "}]\ngroups: [{tasks: [a]}]\n",
		"pattern is none": "groups: [{files: ['[']}]\n",
	} {
		rewrite(t, path, bad)
		body := p.reload(http.StatusInternalServerError)
		if name == "several" && strings.Count(body, path+":") < 3 {
			t.Errorf("not every problem is told: %s", body)
		}
		got := p.until(5*time.Second, "kie_exporter_config_last_reload_successful 0", `kie_tasks{group="default",model="m",state="success"} 1`)
		if at := since.FindString(got); at != want {
			t.Errorf("%s: %s, want %s", name, at, want)
		}
	}
	rewrite(t, path, string(good))
	p.reload(http.StatusOK)
	got := p.until(5*time.Second, "kie_exporter_config_last_reload_successful 1")
	if at := since.FindString(got); at == want {
		t.Errorf("after a successful reload still %s", at)
	}
}

func TestWhoMayReload(t *testing.T) {
	crossSite := http.Header{"Sec-Fetch-Site": {"cross-site"}}
	origin := http.Header{"Origin": {"https://elsewhere.example"}}
	for _, flags := range [][]string{nil, {"--web.enable-lifecycle"}} {
		p := start(t, append(flags, "--task.id=a")...)
		allowed := http.StatusForbidden
		if flags != nil {
			allowed = http.StatusOK
		}
		for name, test := range map[string]struct {
			header http.Header
			want   int
		}{
			"POST":                             {nil, allowed},
			"PUT":                              {nil, allowed},
			"POST from the same":               {http.Header{"Sec-Fetch-Site": {"same-origin"}}, allowed},
			"GET":                              {nil, http.StatusMethodNotAllowed},
			"DELETE":                           {nil, http.StatusMethodNotAllowed},
			"POST from a page of another site": {crossSite, http.StatusForbidden},
			"PUT from another origin":          {origin, http.StatusForbidden},
		} {
			t.Run(fmt.Sprint(name, " ", flags), func(t *testing.T) {
				method, _, _ := strings.Cut(name, " ")
				if status, _ := p.send(method, "/-/reload", test.header); status != test.want {
					t.Errorf("%d, want %d", status, test.want)
				}
			})
		}
		if status, _ := p.send(http.MethodGet, "/-/healthy", crossSite); status != http.StatusOK {
			t.Errorf("a link to a page answers %d", status)
		}
	}
}

// reloading is the program at work on lists that grow while its configuration changes at random.
type reloading struct {
	*program
	sim    *kiesim.Server
	url    string
	dir    string
	listed int
}

// list adds tasks that are finished when first asked to both lists.
func (r *reloading) list(n int) {
	r.t.Helper()
	for _, name := range []string{"one.txt", "two.txt"} {
		f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			r.t.Fatal(err)
		}
		for i := range n {
			id := fmt.Sprint(name, r.listed+i)
			r.sim.Put(kiesim.Task{ID: id, Model: "m"})
			fmt.Fprintln(f, id)
		}
		if err := f.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	r.listed += n
}

// configure writes a configuration. The lists keep being listed, in groups whose names, order and settings change; another
// account and its group come and go.
func (r *reloading) configure(random *rand.Rand) {
	r.t.Helper()
	var text strings.Builder
	extra := random.IntN(2) == 0
	fmt.Fprintf(&text, "accounts:\n  - {name: main, base_url: %q, credentials_file: main.key, timeout: 5m, requests_per_second: 100000, max_concurrent: %d}\n",
		r.url, 4+random.IntN(3))
	if extra {
		fmt.Fprintf(&text, "  - {name: extra, base_url: %q, credentials_file: extra.key}\n", r.url)
	}
	fmt.Fprintf(&text, "groups:\n  - {name: g%d, account: main, files: [one.txt], overdue: %dm}\n", random.IntN(3), 1+random.IntN(2))
	fmt.Fprintf(&text, "  - {name: h%d, account: main, files: ['two.*'], labels: {n: n%d}}\n", random.IntN(3), random.IntN(3))
	if extra {
		fmt.Fprint(&text, "  - {name: extra, account: extra, tasks: [x, y]}\n")
	}
	fmt.Fprint(&text, "polling: {background: true}\n")
	rewrite(r.t, filepath.Join(r.dir, "kie.yml"), text.String())
}

func TestAThousandReloadsUnderLoadLeakAndLoseNothing(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{})
	r := &reloading{sim: sim, url: url, dir: t.TempDir(), program: &program{t: t}}
	rewrite(t, filepath.Join(r.dir, "main.key"), canary)
	rewrite(t, filepath.Join(r.dir, "extra.key"), canary+"-extra")
	for _, id := range []string{"x", "y"} {
		sim.Put(kiesim.Task{ID: id, Model: "m", Duration: time.Hour})
	}
	random := rand.New(rand.NewPCG(1, 2))
	r.configure(random)
	r.list(10)
	r.program = start(t, "--log.level=warn", "--web.enable-lifecycle", "--config.file="+filepath.Join(r.dir, "kie.yml"))
	stopScrapes := r.scrapeOn(2)
	reloads := built.Fewer(100, 1000)
	settled := reloads / 5
	var goroutines int
	var heap int64
	for i := range reloads {
		if i == settled {
			goroutines, heap = footprint()
		}
		if i%10 == 0 {
			r.list(1)
		}
		r.configure(random)
		r.reload(http.StatusOK)
	}
	stopScrapes()
	r.configure(rand.New(rand.NewPCG(0, 0)))
	r.reload(http.StatusOK)
	wait.Until(t, 20*time.Second, 100*time.Millisecond, func() error {
		if n := r.finished(); n != 2*r.listed {
			return fmt.Errorf("%d tasks are known to be finished, want %d", n, 2*r.listed)
		}
		return nil
	})
	r.wantOneQueryEach()
	wait.Until(t, time.Minute, 100*time.Millisecond, func() error { // what is about to end ends
		g, h := footprint()
		if g > goroutines+20 || h > heap+2<<20 {
			return fmt.Errorf("reloads leak: %d goroutines and %d KiB, after the first %d reloads %d and %d KiB", g, h>>10, settled, goroutines, heap>>10)
		}
		t.Logf("%d goroutines and %d KiB, after the first %d reloads %d and %d KiB", g, h>>10, settled, goroutines, heap>>10)
		return nil
	})
}

// scrapeOn keeps some scrapers at work, which see to it that no counter goes back, until the function returned is called.
func (r *reloading) scrapeOn(scrapers int) (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	for range scrapers {
		all.Go(func() {
			for last := 0; ; {
				select {
				case <-done:
					return
				case <-time.After(20 * time.Millisecond):
				}
				answers := 0
				if found := scrape.Find(answered, r.scrape()); found != nil {
					answers, _ = strconv.Atoi(found[0][1])
				}
				if answers < last {
					r.t.Errorf("a reload set a counter back from %d to %d", last, answers)
				}
				last = answers
			}
		})
	}
	return func() {
		close(done)
		all.Wait()
	}
}

func (r *reloading) wantOneQueryEach() {
	r.t.Helper()
	for i := range r.listed {
		for _, name := range []string{"one.txt", "two.txt"} {
			if n := r.sim.Queries(fmt.Sprint(name, i)); n != 1 {
				r.t.Errorf("%s%d was asked %d times, want once", name, i, n)
			}
		}
	}
}

var answered = regexp.MustCompile(`kie_api_requests_total\{account="main",class="ok",endpoint="recordInfo"\} (\d+)$`)

// finished returns how many tasks the metrics say have succeeded.
func (r *reloading) finished() (n int) {
	for _, m := range scrape.Find(regexp.MustCompile(`kie_tasks\{group="[gh].*state="success"\} (\d+)$`), r.scrape()) {
		k, _ := strconv.Atoi(m[1])
		n += k
	}
	return n
}

// footprint returns the goroutines and the bytes in use.
func footprint() (goroutines int, inUse int64) {
	inUse = heap.InUse()
	return runtime.NumGoroutine(), inUse
}
