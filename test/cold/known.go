// What is known before a start: lists, records, pushed ids.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	account = "default"
	group   = "video"
)

// id returns the id of a task: 32 digits in no order, as most are.
func id(i int) string { return fmt.Sprintf("%08x%024x", uint32(i)*2654435761, i) } //nolint:gosec // any number will do

func (s start) String() string {
	if s.pending {
		return fmt.Sprintf("pending-%s-%d", s.from, s.ids)
	}
	return fmt.Sprintf("finished-%s-%d", s.from, s.ids)
}

// prepare writes what a start finds, unless it is there, and returns the folder, with a list of ids, and below it a storage.
func (s start) prepare(ctx context.Context, dir string) (string, error) {
	dir = filepath.Join(dir, s.String())
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	making := dir + ".unfinished"
	if err := errors.Join(os.RemoveAll(making), os.MkdirAll(making, 0o700)); err != nil {
		return "", err
	}
	if s.from != "push" {
		if err := s.writeList(filepath.Join(making, s.list())); err != nil {
			return "", err
		}
	}
	if err := s.writeRecords(ctx, filepath.Join(making, "storage")); err != nil {
		return "", err
	}
	return dir, os.Rename(making, dir)
}

// list returns the name of the list.
func (s start) list() string {
	if s.from == "text" {
		return "ids.txt"
	}
	return "ids.jsonl"
}

// line returns a line of the list.
func (s start) line(id string) string {
	if s.from == "text" {
		return id + "\n"
	}
	return `{"code":200,"msg":"success","data":{"taskId":"` + id + `","recordId":"` + id + `"}}` + "\n"
}

func (s start) writeList(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range s.ids {
		if _, err := io.WriteString(w, s.line(id(i))); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// writeRecords has a storage keep a record of each task, and each as pushed where ids are.
func (s start) writeRecords(ctx context.Context, path string) error {
	kept, err := store.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer kept.Close()
	if s.from == "push" {
		pushed := make([]source.Pushed, s.ids)
		for i := range pushed {
			pushed[i] = source.Pushed{Group: group, Task: source.Task{ID: id(i), Model: "vendor/model-1"}}
		}
		if err := kept.SavePushes(pushed); err != nil {
			return err
		}
	}
	kept.Renew()
	ctx, stop := context.WithCancel(ctx)
	stop() // what it writes at the end is everything
	kept.Run(ctx, known{s, kie.TimeOf(time.Now())})
	if n := kept.Stats().Tasks; n != s.ids {
		return fmt.Errorf("%d records of %d", n, s.ids)
	}
	return nil
}

// known implements store.Tasks: what is known of the tasks of a start.
type known struct {
	start
	at kie.Time
}

func (known) Accounts() []string                { return []string{account} }
func (known) Listed(string, string) bool        { return true }
func (known) Owner(store.Record) (string, bool) { return account, true }
func (known) TakesPushes(string) bool           { return true }

func (k known) IDs(string) []string {
	all := make([]string, k.ids)
	for i := range all {
		all[i] = id(i)
	}
	return all
}

func (k known) Records(_ string, ids []string) []store.Record {
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

// atOnce is how many ids of a list's first read have the same time of their first sight.
const atOnce = 1 << 17

// record returns what is known of a task. Those that have finished did so one after the other in the last twelve hours, so that pushed ones are
// kept for hours still. Those that are pending came with their list's first read, or were pushed at any time, and were never asked.
func (k known) record(i int) store.Record {
	ago := 12 * time.Hour * time.Duration(k.ids-i) / time.Duration(k.ids)
	created := kie.TimeOf(k.at.Time().Add(-ago - 2*time.Minute))
	r := store.Record{Group: group, Seen: created + 5_000, Watched: true}
	if k.pending {
		if k.from != "push" {
			r.Seen, r.Backlog, r.Watched = k.at-kie.Time(i/atOnce), true, false
		}
		return r
	}
	r.State, r.Model, r.Created = kie.StateSuccess, fmt.Sprintf("vendor/model-%d", i%10), created
	if i%20 == 0 {
		r.State, r.FailCode, r.Reason, r.FailedAt = kie.StateFail, "500", kie.ReasonServer, created+60_000
	}
	r.Completed, r.Learned, r.Credits, r.HasCredits, r.Counted = created+60_000, created+62_000, float64(i%80)/2, true, true
	return r
}
