// The programs that take part, and how each is set up.

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// exporter is a running kie_exporter, the simulated API that it asks, and the list of its tasks.
type exporter struct {
	process
	api  *kiesim.Server
	list string
	ids  []string // on the list
}

// startExporter starts an exporter whose list is empty, and whose budget is no limit here.
func startExporter(t *testing.T, o kiesim.Options) *exporter {
	t.Helper()
	e := &exporter{api: kiesim.New(o), list: filepath.Join(t.TempDir(), "tasks.txt")}
	server := httptest.NewServer(e.api)
	t.Cleanup(server.Close)
	e.setList(t)
	config := filepath.Join(t.TempDir(), "kie_exporter.yml")
	write(t, config, fmt.Sprintf(`
accounts: [{name: main, base_url: %q, requests_per_second: 100, max_concurrent: 20, credits_interval: 10s}]
groups: [{name: shop, files: [%q]}]
polling: {min_interval: 1s, max_interval: 1s}
`, server.URL, e.list))
	e.env = []string{"KIE_API_KEY=no-secret"}
	e.start(t, "kie_exporter", "--config.file="+config, "--web.listen-address=127.0.0.1:0")
	return e
}

// create makes tasks and lists them.
func (e *exporter) create(t *testing.T, tasks ...kiesim.Task) {
	t.Helper()
	for _, task := range tasks {
		e.api.Put(task)
		e.ids = append(e.ids, task.ID)
	}
	e.setList(t, e.ids...)
}

// setList replaces the list as a whole, as careful programs do.
func (e *exporter) setList(t *testing.T, ids ...string) {
	t.Helper()
	write(t, e.list+"~", "# ids of tasks\n"+strings.Join(ids, "\n")+"\n")
	if err := os.Rename(e.list+"~", e.list); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tool returns the path of a program that the Makefile builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(repo, ".cache", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// prometheus is a running Prometheus.
type prometheus struct {
	process
	v1.API
}

// startPrometheus starts a Prometheus with a configuration in its own folder.
func startPrometheus(t *testing.T, configFile string) *prometheus {
	t.Helper()
	return startPrometheusOn(t, configFile, t.TempDir())
}

// startPrometheusOn starts a Prometheus with samples that are there already.
func startPrometheusOn(t *testing.T, configFile, data string) *prometheus {
	t.Helper()
	p := &prometheus{}
	p.start(t, tool(t, "prometheus"), "--config.file="+configFile, "--storage.tsdb.path="+data,
		"--web.listen-address=127.0.0.1:0", "--enable-feature=exemplar-storage")
	client, err := api.NewClient(api.Config{Address: "http://" + p.address})
	if err != nil {
		t.Fatal(err)
	}
	p.API = v1.NewAPI(client)
	return p
}

// scrape starts a Prometheus with the given scrape_configs and waits until every target is up.
func scrape(t *testing.T, jobs string) *prometheus {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	write(t, config, "global: {scrape_interval: 2s}\nscrape_configs: "+jobs+"\n")
	p := startPrometheus(t, config)
	p.waitUp(t)
	return p
}

func (p *prometheus) waitUp(t *testing.T) {
	t.Helper()
	wait.Until(t, 2*time.Minute, 100*time.Millisecond, func() error { return p.expect(t.Context(), "min(up)", 1, 0) })
}

// ask returns what an expression yields now.
func (p *prometheus) ask(ctx context.Context, expr string) (model.Vector, error) {
	value, _, _, err := p.Query(ctx, expr, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("%s: not a vector: %v", expr, value)
	}
	return vector, nil
}

// expect finds fault with an expression that does not yield one sample of about the wanted value. Tolerance is relative.
func (p *prometheus) expect(ctx context.Context, expr string, want, tolerance float64) error {
	got, err := p.ask(ctx, expr)
	switch {
	case err != nil:
		return err
	case len(got) != 1:
		return fmt.Errorf("%s: %d samples, want 1 of %v", expr, len(got), want)
	case math.Abs(float64(got[0].Value)-want) > tolerance*want:
		return fmt.Errorf("%s: %v, want %v", expr, got[0].Value, want)
	}
	return nil
}

// receiver is where Alertmanager sends notifications to; the path is the name of Alertmanager's receiver.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got []template.Data
	at  []time.Time // when each came
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var d template.Data
		if err := json.NewDecoder(q.Body).Decode(&d); err != nil {
			t.Errorf("a notification: %v", err)
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.at = append(r.got, d), append(r.at, time.Now())
	}))
	t.Cleanup(r.Close)
	return r
}

// notifications returns those so far that have alerts of a name and status, with these alerts only.
func (r *receiver) notifications(name, status string) (found []template.Data) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.got {
		d.Alerts = slices.DeleteFunc(slices.Clone(d.Alerts), func(a template.Alert) bool {
			return a.Labels["alertname"] != name || a.Status != status
		})
		if len(d.Alerts) > 0 {
			found = append(found, d)
		}
	}
	return found
}
