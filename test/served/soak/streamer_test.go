// The program that takes the results out: a stream of all tasks, and the finished ones since it was there last.

package soak_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const streamPause = time.Second

// streamer streams all the time.
type streamer struct {
	w *world

	mu       sync.Mutex
	cursor   string          // after the last finished task, over all processes
	last     time.Time       // when the last whole stream of finished tasks began
	came     map[string]bool // finished tasks
	tracked  int             // whole streams of all tasks
	finished int             // whole streams of finished tasks
	cut      int             // by the end of a process
}

func newStreamer(w *world) *streamer {
	return &streamer{w: w, cursor: "0", came: map[string]bool{}}
}

func (s *streamer) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.stream(ctx, "?format=ndjson", false)
		s.stream(ctx, "?format=ndjson&finished_after="+url.QueryEscape(s.cursor), true)
		s.w.pause(ctx, streamPause)
	}
}

// stream takes one stream, all of it or, when its process ends, none.
func (s *streamer) stream(ctx context.Context, query string, finished bool) {
	p, began := s.w.current(), time.Now()
	if p == nil || p.isEnding() {
		return
	}
	status, _, body, err := get(ctx, p.base+"/api/v1/tasks"+query, patience, patience, format{accept: "*/*"})
	if err != nil || status != http.StatusOK {
		ended := p.isEnding() || ctx.Err() != nil
		s.w.verdict.check(streamsWhole, ended, "a stream: status %d, %v", status, err)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut++
		return
	}
	secret := findSecret(string(body))
	s.w.verdict.check(nothingSecret, secret == "", "a stream says %q", secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range bytes.Lines(body) {
		var row struct {
			record
			Cursor string `json:"cursor"`
		}
		err := json.Unmarshal(line, &row)
		s.w.verdict.check(streamsWhole, err == nil, "a line of a stream: %v", err)
		s.w.looker.check(row.record)
		if finished && err == nil {
			s.w.verdict.check(streamsWhole, !s.came[row.ID], "%s comes again in what has finished since", row.ID)
			s.came[row.ID], s.cursor = true, row.Cursor
		}
	}
	if finished {
		s.finished++
		s.last = began
	} else {
		s.tracked++
	}
}

// check looks in the end, in what is on disk, for tasks that were passed over. Those of a group that comes and goes may be.
func (s *streamer) check(final kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range final {
		f, known := s.w.book.fact(id)
		if !known || f.group == guestGroup || !r.State.Finished() || s.last.Sub(r.Learned.Time()) < 2*onDiskAfter {
			continue
		}
		s.w.verdict.check(streamsWhole, s.came[id], "%s has finished and was in no stream", id)
	}
}

// counts returns how often what was streamed.
func (s *streamer) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]int{"all tasks": s.tracked, "what has finished since": s.finished}
}
