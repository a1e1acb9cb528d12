// Command heads measures what the series of single tasks are to a Prometheus: samples a scrape, series in its head and bytes of its heap,
// for each way to show a task's state. docs/performance.md has what it says.
//
//	go run ./test/heads -prometheus .cache/bin/prometheus -tasks 10000
//	go run ./test/heads -prometheus .cache/bin/prometheus -tasks 50000 -interval 5s
//
// The tasks are shown by the exporter's own exposition. In the life "whole" each goes through all states under the eyes of Prometheus; in "over" all
// have finished before the first scrape. The way "number" is none that the exporter has: one series whose value stands for the state.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/internal/exposition"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

// How a life goes, in scrapes: tasks begin one after the other, and each is in a state for so long.
const (
	beginnings = 8
	perState   = 2
	scrapes    = beginnings + 4*perState + 4
)

func main() {
	program := flag.String("prometheus", ".cache/bin/prometheus", "the program")
	tasks := flag.Int("tasks", 10_000, "how many")
	lives := flag.String("lives", "over,whole", "which")
	ways := flag.String("ways", "all,current,number", "which")
	interval := flag.Duration("interval", time.Second, "between scrapes; more for many tasks")
	flag.Parse()
	if err := run(context.Background(), scraper{*program, *interval}, *tasks, strings.Split(*lives, ","), strings.Split(*ways, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "heads:", err)
		os.Exit(1)
	}
}

// scraper is a Prometheus, and how often it scrapes.
type scraper struct {
	program  string
	interval time.Duration
}

func run(ctx context.Context, s scraper, tasks int, lives, ways []string) error {
	empty, err := s.measure(ctx, &world{})
	if err != nil {
		return err
	}
	fmt.Println("| life | way | samples a scrape | series in the head | MB of heap | bytes of heap a task |\n|---|---|---|---|---|---|")
	for _, life := range lives {
		for _, way := range ways {
			got, err := s.measure(ctx, &world{tasks: tasks, over: life == "over", way: way})
			if err != nil {
				return fmt.Errorf("%s, %s: %w", life, way, err)
			}
			heap := got.heap - empty.heap
			fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.0f |\n", life, way, got.samples-empty.samples, got.series-empty.series, heap/1e6, heap/float64(tasks))
		}
	}
	return nil
}

// world is tasks whose time goes on from scrape to scrape.
type world struct {
	snapshots.Still
	tasks int
	over  bool
	way   string
	seen  atomic.Int64 // scrapes
}

// at returns the tasks as a scrape finds them.
func (w *world) at(scrape int) view.Shown {
	var blocks []*view.Block
	for first := 0; first < w.tasks; first += 1024 {
		var some []view.Task
		for i := first; i < min(first+1024, w.tasks); i++ {
			if k, ok := w.task(i, scrape); ok {
				some = append(some, k)
			}
		}
		blocks = append(blocks, view.NewBlock(some...))
	}
	return view.Shown{Blocks: blocks, Number: uint64(scrape + 1)} //nolint:gosec // no scrape is before the first
}

// task returns a task as a scrape finds it; false: it is not listed yet.
func (w *world) task(i, scrape int) (view.Task, bool) {
	age := scrape - i%beginnings
	if w.over {
		age = scrapes
	}
	created := 1_767_323_045_000 + kie.Time(i)*37
	k := view.Task{
		Task:  kie.Task{ID: fmt.Sprintf("%08x%024x", uint32(i)*2654435761, i), Model: fmt.Sprintf("vendor/model-%d/image-to-video", i%10)}, //nolint:gosec // any number will do
		Group: "video", Account: "default",
	}
	if age >= perState {
		k.Created, k.LastAnswer = created, time.Now()
	}
	switch age / perState {
	case 0:
	case 1:
		k.State = kie.StateWaiting
	case 2:
		k.State = kie.StateQueuing
	case 3:
		k.State = kie.StateGenerating
	default:
		k.State, k.Completed, k.Credits, k.HasCredits = kie.StateSuccess, created+40_000+kie.Time(i), float64(i%80)/2, true
		if i%20 == 0 {
			k.Task, k.FailedAt = snapshots.Failed(k.Task, "500", kie.ReasonServer), k.Completed
		}
	}
	return k, age >= 0
}

var stateLine = regexp.MustCompile(`^kie_task_state\{(.*),state="(\w+)"(.*)\} 1\n$`)

// handler serves the tasks, each scrape a moment later.
func (w *world) handler() http.Handler {
	choice := taskseries.Choice{CurrentState: w.way != "all"}
	w.Show(view.Shown{})
	h := exposition.New(exposition.Options{
		Tracker: &w.Still, Collector: snapshots.ChosenOf(w.Snapshot, func() taskseries.Choice { return choice }),
		Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.Show(w.at(min(int(w.seen.Load()), scrapes)))
		if w.way != "number" {
			h.Serve(out, r, view.Scrape{})
		} else {
			plain := httptest.NewRecorder()
			r.Header.Set("Accept-Encoding", "identity")
			h.Serve(plain, r, view.Scrape{})
			out.Header().Set("Content-Type", plain.Header().Get("Content-Type"))
			_, _ = out.Write(numbered(plain.Body.Bytes()))
		}
		w.seen.Add(1)
	})
}

// numbered returns text in which a number stands for each task's state, in place of a label.
func numbered(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for line := range bytes.Lines(text) {
		if part := stateLine.FindSubmatch(line); part != nil {
			line = fmt.Appendf(nil, "kie_task_state{%s%s} %d\n", part[1], part[3], len(part[2]))
		}
		out = append(out, line...)
	}
	return out
}

// figures are what a Prometheus tells of itself when all scrapes are done.
type figures struct{ samples, series, heap float64 }

func (s scraper) measure(ctx context.Context, w *world) (f figures, err error) {
	target := httptest.NewServer(w.handler())
	defer target.Close()
	dir, err := os.MkdirTemp("", "heads")
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	address, err := free(ctx)
	if err != nil {
		return f, err
	}
	config := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s}\nscrape_configs: [{job_name: kie, static_configs: [{targets: [%q]}]}]\n",
		s.interval, s.interval, target.Listener.Addr())
	path := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return f, err
	}
	ctx, stop := context.WithCancel(ctx)
	c := exec.CommandContext(ctx, s.program, "--config.file="+path, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error") //nolint:gosec // who runs it says which
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		stop()
		return f, err
	}
	defer func() { stop(); _ = c.Wait() }()
	for int(w.seen.Load()) <= scrapes+1 {
		select {
		case <-ctx.Done():
			return f, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return read(ctx, "http://"+address)
}

// free returns an address that nobody listens at.
func free(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func read(ctx context.Context, base string) (f figures, err error) {
	for range 3 { // what the first leaves to pools, the others take
		if _, err = get(ctx, base+"/debug/pprof/heap?gc=1"); err != nil {
			return f, err
		}
	}
	own, err := get(ctx, base+"/metrics")
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(string(own)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "prometheus_tsdb_head_series":
			f.series, err = strconv.ParseFloat(value, 64)
		case "go_memstats_heap_alloc_bytes":
			f.heap, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return f, err
		}
	}
	if up, err := query(ctx, base, "min_over_time(up[1h])"); err != nil || up != 1 {
		return f, errors.Join(err, errors.New("a scrape failed: the interval is too short for so many tasks"))
	}
	f.samples, err = query(ctx, base, "max_over_time(scrape_samples_scraped[1h])")
	return f, err
}

// query returns the one value that an expression has.
func query(ctx context.Context, base, expression string) (float64, error) {
	answer, err := get(ctx, base+"/api/v1/query?query="+url.QueryEscape(expression))
	if err != nil {
		return 0, err
	}
	var found struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&found); err != nil || len(found.Data.Result) != 1 {
		return 0, fmt.Errorf("%w: %s", err, answer)
	}
	return strconv.ParseFloat(fmt.Sprint(found.Data.Result[0].Value[1]), 64)
}

func get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	return io.ReadAll(answer.Body)
}
