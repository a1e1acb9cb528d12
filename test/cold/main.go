// Command cold measures starts of the built exporter with many ids that it knows, and reloads while it is scraped. docs/performance.md has
// what it says.
//
//	go build -o /tmp/kie_exporter . && go run ./test/cold -program /tmp/kie_exporter
//
// A start finds a record of every task on disk, and the ids in a list or among those pushed. The API is a simulated one. Lists and storage
// take 300 MB below -dir for each kind of start, and are used again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

const patience = 3 * time.Minute // for a start, and for all its reloads

func main() {
	program := flag.String("program", "kie_exporter", "the built exporter")
	dir := flag.String("dir", filepath.Join(os.TempDir(), "kie_exporter-cold"), "where lists and storage are")
	ids := flag.Int("ids", 1_000_000, "how many ids a start knows; 0: no start is measured")
	starts := flag.String("starts", "finished text,finished jsonl,finished push,pending text,pending jsonl,pending push", "which")
	reloading := flag.Int("reloading", 100_000, "how many ids a reload finds; 0: no reload is measured")
	reloads := flag.String("reloads", "", "only those whose names have this in them")
	args := flag.String("args", "", "more arguments for the exporter, with spaces between")
	flag.Parse()
	c := &cold{program: *program, dir: *dir, args: strings.Fields(*args)}
	if err := c.run(context.Background(), strings.Split(*starts, ","), *ids, *reloading, *reloads); err != nil {
		fmt.Fprintln(os.Stderr, "cold:", err)
		os.Exit(1)
	}
}

func (c *cold) run(ctx context.Context, starts []string, ids, reloading int, only string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	c.api = httptest.NewServer(unfinished(kiesim.New(kiesim.Options{Credits: 1000})))
	defer c.api.Close()
	if ids > 0 {
		if err := c.starts(ctx, starts, ids); err != nil {
			return err
		}
	}
	if reloading > 0 {
		return c.reloads(ctx, reloading, only)
	}
	return nil
}

// unfinished has a simulated API know every task that it is asked about, and that it never ends.
func unfinished(sim *kiesim.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.URL.Query().Get("taskId"); id != "" {
			sim.Put(kiesim.Task{ID: id, Model: "vendor/model-1", Duration: -1})
		}
		sim.ServeHTTP(w, r)
	})
}

// cold measures one program.
type cold struct {
	program, dir string
	args         []string
	api          *httptest.Server
}

// start is what a program finds when it starts.
type start struct {
	pending bool   // of no task an answer is known; else all have finished
	from    string // where the ids are: text, jsonl, push
	ids     int
}

func parseStart(s string, ids int) (start, error) {
	state, from, _ := strings.Cut(strings.TrimSpace(s), " ")
	if state != "finished" && state != "pending" || from != "text" && from != "jsonl" && from != "push" {
		return start{}, fmt.Errorf("no such start: %q", s)
	}
	return start{pending: state == "pending", from: from, ids: ids}, nil
}

// settings returns a configuration. Scrapes wait for no answers: how fast the API is asked is not what is measured.
func (c *cold) settings(key string, limits string, groups ...string) string {
	return fmt.Sprintf("accounts: [{name: %s, base_url: '%s', credentials_file: %s}]\npolling: {max_wait: 0s}\nlimits: {%s}\ngroups:\n%s",
		account, c.api.URL, key, limits, strings.Join(groups, ""))
}

// starts prints a row for each start.
func (c *cold) starts(ctx context.Context, which []string, ids int) error {
	fmt.Printf("%d ids\n\n| ids are | listens after | first scrape, since it listens | it shows | ready | CPU until then | VmHWM until then | VmHWM 7 s later |\n"+
		"|---|---|---|---|---|---|---|---|\n", ids)
	for _, name := range which {
		s, err := parseStart(name, ids)
		if err != nil {
			return err
		}
		f, err := c.measure(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s | %.2f s | %.2f s | %.0f tasks | %.2f s | %.1f s | %d MB | %d MB |\n", name, f.listens.Seconds(), f.scrape.Seconds(), f.shown,
			f.ready.Seconds(), f.cpu.Seconds(), f.peak/1000, f.later/1000)
	}
	return nil
}

// write writes files below a folder, by name.
func write(dir string, files map[string]string) error {
	var errs []error
	for name, content := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return errors.Join(errs...)
}
