// How many answers are sent at a time, and who has to go when there is no room.

package app

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// stalled is how long a client may take for a piece of its answer while somebody else waits for a slot. On a machine without time
// to spare honest ones take long, too.
const stalled = 2 * time.Second

// slots are what answers take while they are made and read. They are lent: when all are taken, one whose reader has stalled, or
// has been reading for as long as is usual at the most, is cut off for somebody else.
type slots struct {
	tokens chan struct{}

	mu      sync.Mutex // guards what follows
	readers map[*reader]struct{}
}

func newSlots(most int) *slots {
	return &slots{tokens: make(chan struct{}, most), readers: make(map[*reader]struct{})}
}

// serve has answer write to a client once there is a slot for it. False: there was none until ctx ended.
func (s *slots) serve(ctx context.Context, w http.ResponseWriter, answer func(http.ResponseWriter)) bool {
	if !s.take(ctx) {
		return false
	}
	r := &reader{ResponseWriter: w, slots: s}
	s.mu.Lock()
	s.readers[r] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.readers, r)
		s.mu.Unlock()
		<-s.tokens
	}()
	answer(r)
	return true
}

// take takes a slot, as soon as there is one.
func (s *slots) take(ctx context.Context) bool {
	select {
	case s.tokens <- struct{}{}: // even if ctx has ended by now
		return true
	default:
	}
	look := time.NewTicker(stalled / 10)
	defer look.Stop()
	for {
		s.cutOff(time.Now())
		select {
		case s.tokens <- struct{}{}:
			return true
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
}

// cutOff takes the connection from the reader that is the first to lose it, if there is one that may.
func (s *slots) cutOff(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *reader
	for r := range s.readers {
		if r.mayGo(now) && (first == nil || first.began.After(r.began)) {
			first = r
		}
	}
	if first != nil {
		first.cut = true
		_ = http.NewResponseController(first.ResponseWriter).SetWriteDeadline(now)
	}
}

// reader is a client that reads an answer. The lock of its slots guards it.
type reader struct {
	http.ResponseWriter
	slots   *slots
	began   time.Time // to read
	waiting time.Time // since when it has been taking a piece; zero: it took all so far
	cut     bool
}

// mayGo reports whether a reader may be cut off.
func (r *reader) mayGo(now time.Time) bool {
	if r.cut || r.began.IsZero() {
		return false
	}
	return now.Sub(r.began) >= writeTimeout || !r.waiting.IsZero() && now.Sub(r.waiting) >= stalled
}

// Write implements http.ResponseWriter.
func (r *reader) Write(p []byte) (int, error) {
	r.note(time.Now())
	defer r.note(time.Time{})
	return r.ResponseWriter.Write(p)
}

func (r *reader) note(waiting time.Time) {
	r.slots.mu.Lock()
	defer r.slots.mu.Unlock()
	r.waiting = waiting
	if r.began.IsZero() {
		r.began = waiting
	}
}

// Unwrap is for http.ResponseController.
func (r *reader) Unwrap() http.ResponseWriter { return r.ResponseWriter }
