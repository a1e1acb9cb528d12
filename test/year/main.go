// Command year measures how long the built exporter takes to be ready where one list names the tasks of a year: 30,000 a day, all but the last 300
// finished. docs/performance.md has what it says.
//
//	go build -o /tmp/kie_exporter . && go run ./test/year -program /tmp/kie_exporter
//
// A first start finds no storage, a second one a record of every finished task. The list and the storage take 4 GB below -dir and are used again.
//
// What it costs that a list grows: with -append 1m an id is appended each 2.5 s for a minute, after a minute of rest.
//
//	go run ./test/year -program /tmp/kie_exporter -days 30 -tasks 1000000 -starts second -append 1m
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/process"
)

const (
	aDay       = 30_000
	unfinished = 300
	patience   = 5 * time.Minute // for a start
	between    = 20 * time.Millisecond
	account    = "default"
	group      = "video"
)

func main() {
	program := flag.String("program", "kie_exporter", "the built exporter")
	dir := flag.String("dir", filepath.Join(os.TempDir(), "kie_exporter-year"), "where list and storage are")
	days := flag.Int("days", 365, "how many days the list names tasks of")
	limits := flag.String("tasks", "100000,1000000", "limits.tasks")
	starts := flag.String("starts", "second,first", "which")
	appending := flag.Duration("append", 0, "for how long the list is left alone, and then grows")
	flag.Parse()
	y := &year{program: *program, dir: *dir, ids: *days * aDay, appending: *appending}
	if err := y.run(context.Background(), strings.Split(*starts, ","), strings.Split(*limits, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "year:", err)
		os.Exit(1)
	}
}

// year is a list of tasks and what is known of them.
type year struct {
	program, dir string
	ids          int
	appending    time.Duration
}

func (y *year) run(ctx context.Context, starts, limits []string) error {
	if err := os.MkdirAll(y.dir, 0o700); err != nil {
		return err
	}
	if err := y.writeList(); err != nil {
		return err
	}
	if slices.Contains(starts, "second") {
		if err := y.writeRecords(ctx); err != nil {
			return err
		}
	}
	fmt.Println("| start | limits.tasks | until ready | CPU until then | VmHWM | most RssAnon | listed, refused |\n|---|---|---|---|---|---|---|")
	for _, start := range starts {
		for _, most := range limits {
			f, err := y.measure(ctx, start == "first", most)
			if err != nil {
				return fmt.Errorf("%s start, limits.tasks %s: %w", start, most, err)
			}
			fmt.Printf("| %s | %s | %.1f s | %.1f s | %d MB | %d MB | %s |\n", start, most, f.ready.Seconds(), f.cpu.Seconds(), f.peak/1000, f.anonymous/1000, f.said)
		}
	}
	return nil
}

// id returns the id of a task: in no order, as most are.
func id(i int) string { return fmt.Sprintf("%08x%024x", uint32(i)*2654435761, i) } //nolint:gosec // any number will do

func (y *year) listPath() string { return filepath.Join(y.dir, fmt.Sprintf("ids-%d.jsonl", y.ids)) }

// writeList writes answers of createTask, a line each.
func (y *year) writeList() error {
	return y.once(y.listPath(), func(path string) error {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<20)
		for i := range y.ids {
			if _, err := fmt.Fprintf(w, `{"code":200,"msg":"success","data":{"taskId":"%s","recordId":"%s"}}`+"\n", id(i), id(i)); err != nil {
				return errors.Join(err, f.Close())
			}
		}
		return errors.Join(w.Flush(), f.Close())
	})
}

// once has something made that is not there yet.
func (y *year) once(path string, write func(path string) error) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := write(path + ".unfinished"); err != nil {
		return err
	}
	return os.Rename(path+".unfinished", path)
}

func (y *year) recordsPath() string { return filepath.Join(y.dir, fmt.Sprintf("records-%d", y.ids)) }

// writeRecords has the storage keep a record of each task, in the order in which a first start would.
func (y *year) writeRecords(ctx context.Context) error {
	return y.once(y.recordsPath(), func(path string) error {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		s, err := store.Open(path, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		s.Renew()
		ctx, stop := context.WithCancel(ctx)
		stop() // what it writes at the end is everything
		s.Run(ctx, (*known)(y))
		if st := s.Stats(); st.Tasks != y.ids {
			err = fmt.Errorf("%d records of %d", st.Tasks, y.ids)
		}
		s.Close()
		return err
	})
}

// known implements store.Tasks: what is known of the tasks of a year.
type known year

func (*known) Accounts() []string                { return []string{account} }
func (*known) Listed(string, string) bool        { return true }
func (*known) Owner(store.Record) (string, bool) { return account, true }
func (*known) TakesPushes(string) bool           { return false }

func (k *known) IDs(string) []string {
	all := make([]string, k.ids)
	for i := range all {
		all[i] = id(i)
	}
	return all
}

func (k *known) Records(_ string, ids []string) []store.Record {
	all := make([]store.Record, len(ids))
	for at, id := range ids {
		i, err := strconv.ParseUint(id[8:], 16, 32)
		if err != nil {
			panic(err) // it is one of ours
		}
		all[at] = k.record(int(i))
	}
	return all
}

func (k *known) record(i int) store.Record {
	ago := time.Duration(k.ids-i) * (24 * time.Hour / aDay)
	created := kie.TimeOf(time.Now().Add(-ago - 2*time.Minute))
	r := store.Record{Group: group, Seen: created + 5_000, Watched: true}
	r.State, r.Model, r.Created = kie.StateSuccess, fmt.Sprintf("vendor/model-%d", i%10), created
	switch {
	case i >= k.ids-unfinished:
		r.State = kie.StateGenerating
		return r
	case i%20 == 0:
		r.State, r.FailCode, r.Reason, r.FailedAt = kie.StateFail, "500", kie.ReasonServer, created+60_000
	}
	r.Completed, r.Learned, r.Credits, r.HasCredits, r.Counted = created+60_000, created+62_000, float64(i%80)/2, true, true
	return r
}

// figures are what a start took.
type figures struct {
	ready, cpu      time.Duration
	peak, anonymous int // kB
	said            string
}

func (y *year) measure(ctx context.Context, first bool, most string) (f figures, err error) {
	dir, err := os.MkdirTemp(y.dir, "start-")
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kept := y.recordsPath()
	if first {
		kept = filepath.Join(dir, "data")
	}
	key := filepath.Join(dir, "key")
	text := fmt.Sprintf("accounts: [{name: %s, base_url: 'http://127.0.0.1:1', credentials_file: %s, credits_interval: 0s}]\nlimits: {tasks: %s}\ngroups: [{name: %s, files: [%s]}]\n",
		account, key, most, group, y.listPath())
	config := filepath.Join(dir, "kie.yml")
	if err := errors.Join(os.WriteFile(key, []byte("nobody's"), 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return f, err
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	p, err := process.Start(ctx, y.program, "--config.file="+config, "--storage.path="+kept, "--log.level=error")
	if err != nil {
		return f, err
	}
	defer p.Kill()
	go func() { <-p.Ended(); stop() }()
	for f.ready == 0 {
		time.Sleep(between)
		f.anonymous = max(f.anonymous, p.Memory("RssAnon"))
		if _, err := p.Get(ctx, "/-/ready"); err == nil {
			f.ready = time.Since(p.Began)
		} else if ctx.Err() != nil {
			return f, ctx.Err()
		}
	}
	f.cpu, f.peak = p.Processor(), p.Memory("VmHWM")
	metrics, err := p.Get(ctx, "/metrics")
	f.said = fmt.Sprintf("%.0f, %.0f", process.Sum(metrics, "kie_exporter_source_tasks{"), process.Sum(metrics, "kie_exporter_source_refused_tasks{"))
	if err == nil && y.appending > 0 {
		err = y.grow(p)
	}
	return f, err
}

// grow leaves the list alone, and then appends an id now and then, and tells what either costs.
func (y *year) grow(p *process.Process) error {
	const every = 2500 * time.Millisecond
	for _, what := range []string{"at rest", "growing"} {
		began, before, most := time.Now(), p.Processor(), 0
		for i := 0; time.Since(began) < y.appending; i++ {
			if what == "growing" {
				if err := appendTo(y.listPath(), fmt.Sprintf(`{"code":200,"msg":"success","data":{"taskId":"%s-%d"}}`+"\n", began.Format("150405"), i)); err != nil {
					return err
				}
			}
			time.Sleep(every)
			most = max(most, p.Memory("VmRSS"))
		}
		used := p.Processor() - before
		fmt.Printf("%s for %v: %.2f %% of a core, %d MB resident at most, %d MB in the end\n",
			what, y.appending, 100*used.Seconds()/time.Since(began).Seconds(), most/1000, p.Memory("VmRSS")/1000)
	}
	return nil
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
