// Reloads while the exporter is scraped.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/process"
)

const (
	every   = 20 * time.Millisecond // a scrape
	watched = 3 * time.Second       // is scraped without a reload, before and after each; and for longer than lists are left unread after it
	aFew    = 1000                  // ids that come with a change of a list
)

// reloaded is a running exporter whose configuration and list are changed.
type reloaded struct {
	*begun
	cold *cold
	from start
	list string
	text string // of the list, as it was at first
}

// change is what becomes another before a reload.
type change struct {
	name   string
	signal bool
	apply  func(r *reloaded) error
}

func changes() []change {
	settings := func(limits, more, list string) func(r *reloaded) error {
		return func(r *reloaded) error { return r.configure(limits, more, list) }
	}
	return []change{
		{"POST, nothing changed", false, settings("", "", "")},
		{"SIGHUP, nothing changed", true, settings("", "", "")},
		{"POST, fewer tasks with series", false, settings("task_series: 500", "", "")},
		{"SIGHUP, other labels of the group", true, settings("task_series: 500", "labels: {team: red}", "")},
		{"POST, the group is another one", false, settings("task_series: 500", "name: other", "")},
		{"POST, a group beside it", false, settings("", "tasks: [task_1, task_2]", "")},
		{"POST, nothing changed, 1000 ids appended", false, func(r *reloaded) error {
			return errors.Join(r.configure("", "", ""), r.append())
		}},
		{"SIGHUP, other labels, the list is rewritten", true, func(r *reloaded) error {
			return errors.Join(r.configure("", "labels: {team: blue}", ""), r.rewrite())
		}},
		{"POST, another list of the same ids", false, func(r *reloaded) error {
			return errors.Join(r.copyList(), r.configure("", "", "copy"))
		}},
		{"POST, other limits of lists, so that all are read again", false, settings("list_bytes: 200MiB", "", "copy")},
	}
}

// reloads prints a row for each way to reload.
func (c *cold) reloads(ctx context.Context, ids int, only string) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	s := start{from: "jsonl", ids: ids}
	b, err := c.begin(ctx, s)
	if err != nil {
		return err
	}
	defer b.end()
	r := &reloaded{begun: b, cold: c, from: s, list: filepath.Join(b.dir, s.list())}
	text, err := os.ReadFile(filepath.Join(b.known, s.list()))
	if err == nil {
		r.text = string(text)
		err = errors.Join(write(b.dir, map[string]string{s.list(): r.text}), r.awaitReady(ctx), r.configure("", "", ""), r.reload(ctx, false))
	}
	if err != nil {
		return err
	}
	fmt.Printf("\n%d ids, a scrape each %v\n\n| reload | took | slowest scrape without | slowest scrape with | later by | CPU |\n|---|---|---|---|---|---|\n", ids, every)
	for _, ch := range changes() {
		if !strings.Contains(ch.name, only) {
			continue
		}
		if err := r.measure(ctx, ch); err != nil {
			return fmt.Errorf("%s: %w", ch.name, err)
		}
	}
	return nil
}

func (r *reloaded) measure(ctx context.Context, ch change) error {
	without, err := r.scrapeDuring(ctx, func() error { time.Sleep(watched); return nil })
	if err != nil {
		return err
	}
	if err := ch.apply(r); err != nil {
		return err
	}
	var took, cpu time.Duration
	with, err := r.scrapeDuring(ctx, func() error {
		began, before := time.Now(), r.Processor()
		if err := r.reload(ctx, ch.signal); err != nil {
			return err
		}
		took, cpu = time.Since(began), r.Processor()-before
		time.Sleep(watched)
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("| %s | %.0f ms | %.0f ms | %.0f ms | %.0f ms | %.0f ms |\n", ch.name, ms(took), ms(without), ms(with), ms(max(0, with-without)), ms(cpu))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// reload has the configuration loaded, and waits until it is.
func (r *reloaded) reload(ctx context.Context, signal bool) error {
	if !signal {
		_, err := r.Post(ctx, "/-/reload")
		return err
	}
	before, err := r.loadedAt(ctx)
	if err == nil {
		err = r.Signal(syscall.SIGHUP)
	}
	for now := before; err == nil && now == before; now, err = r.loadedAt(ctx) {
		time.Sleep(between)
	}
	return err
}

func (r *reloaded) loadedAt(ctx context.Context) (float64, error) {
	text, err := r.Get(ctx, "/metrics?name[]=kie_exporter_config_last_reload_success_timestamp_seconds")
	return process.Sum(text, "kie_exporter_config_last_reload_success_timestamp_seconds "), err
}

// scrapeDuring scrapes while something is done, and returns what the slowest scrape took. Each begins when it is time for it, whatever became
// of those before.
func (r *reloaded) scrapeDuring(ctx context.Context, do func() error) (slowest time.Duration, err error) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	var mu sync.Mutex // guards slowest and failed
	var failed error
	var scrapes sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			scrapes.Wait()
			return slowest, errors.Join(err, failed)
		case <-tick.C:
		}
		scrapes.Go(func() {
			began := time.Now()
			_, err := r.Get(ctx, "/metrics")
			mu.Lock()
			defer mu.Unlock()
			slowest, failed = max(slowest, time.Since(began)), errors.Join(failed, err)
		})
	}
}

// configure writes a configuration with limits, more of the group, and a copy of the list beside the list, or in place of it.
func (r *reloaded) configure(limits, more, list string) error {
	name := group
	if other, is := strings.CutPrefix(more, "name: "); is {
		name, more = other, ""
	}
	path := r.list
	if list != "" {
		path = filepath.Join(r.dir, list+filepath.Ext(r.list))
	}
	groups := []string{}
	if strings.HasPrefix(more, "tasks: ") {
		groups, more = append(groups, "- {name: beside, "+more+"}\n"), ""
	}
	if more != "" {
		more = ", " + more
	}
	groups = append(groups, fmt.Sprintf("- {name: %s, files: ['%s']%s}\n", name, path, more))
	return write(r.dir, map[string]string{"kie.yml": r.cold.settings(r.key(), limits, groups...)})
}

// append appends ids to the list.
func (r *reloaded) append() error {
	f, err := os.OpenFile(r.list, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(r.more())
	return errors.Join(err, f.Close())
}

// rewrite has the list be another file, with some ids more.
func (r *reloaded) rewrite() error {
	return errors.Join(write(r.dir, map[string]string{"new": r.text + r.more()}), os.Rename(filepath.Join(r.dir, "new"), r.list))
}

func (r *reloaded) copyList() error {
	return write(r.dir, map[string]string{"copy" + filepath.Ext(r.list): r.text})
}

// more returns lines of ids that are new.
func (r *reloaded) more() string {
	var text strings.Builder
	for i := range aFew {
		text.WriteString(r.from.line(fmt.Sprintf("new-%d-%d", time.Now().UnixMilli(), i)))
	}
	return text.String()
}
