// What comes of calls, and how many of each.

package redis

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

// Result is what came of a call.
type Result string

// The results.
const (
	OK          Result = "ok"
	Timeout     Result = "timeout"
	Unreachable Result = "unreachable"
	Refused     Result = "refused"    // password, user or rights
	ReadOnly    Result = "read_only"  // a copy, or a server without enough copies
	Loading     Result = "loading"    // its memory from disk
	Full        Result = "full"       // maxmemory
	Unsaved     Result = "unsaved"    // it can't write its disk, and takes no changes for that
	NoCluster   Result = "no_cluster" // slots without a node
	WrongType   Result = "wrong_type" // a key holds what we did not put there
	Other       Result = "other"
	skipped     Result = "skipped" // not tried, as others failed
)

// Results returns every result.
func Results() []Result {
	return []Result{OK, Timeout, Unreachable, Refused, ReadOnly, Loading, Full, Unsaved, NoCluster, WrongType, Other, skipped}
}

// Error is why a call failed.
type Error struct {
	Result Result
	cause  error
}

func (e *Error) Error() string { return "redis: " + e.cause.Error() }

func (e *Error) Unwrap() error { return e.cause }

// signs are the words by which a server's errors are known. In an error of a script they are not the first.
func signs() []sign {
	return []sign{
		{"READONLY", ReadOnly},
		{"NOREPLICAS", ReadOnly},
		{"LOADING", Loading},
		{"MASTERDOWN", ReadOnly},
		{"OOM ", Full},
		{"MISCONF", Unsaved},
		{"CLUSTERDOWN", NoCluster},
		{"WRONGTYPE", WrongType},
		{"NOAUTH", Refused},
		{"WRONGPASS", Refused},
		{"NOPERM", Refused},
		{"invalid password", Refused},
		{"without any password configured", Refused},
		{"ACL failure", Refused},
		{"can't run this command", Refused},
	}
}

type sign struct {
	word   string
	result Result
}

// IsWrongType reports whether an error that a script passed on says that a key holds what we did not put there.
func IsWrongType(err error) bool { return classify(err) == WrongType }

// IsPassing reports whether an error says that the server was not there, or not ready, which another call may find otherwise.
func IsPassing(err error) bool {
	return errors.Is(err, ErrDown) || slices.Contains([]Result{Timeout, Unreachable, Loading, ReadOnly, NoCluster}, classify(err))
}

func classify(err error) Result {
	if err == nil {
		return OK
	}
	if _, ok := errors.AsType[net.Error](err); ok && isTimeout(err) || errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	text := err.Error()
	for _, s := range signs() {
		if strings.Contains(text, s.word) {
			return s.result
		}
	}
	if isReply(err) {
		return Other
	}
	return Unreachable
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// Stats is how the calls went so far.
type Stats struct {
	Up        bool // the last call succeeded
	Calls     map[Count]uint64
	Durations map[string]histogram.Histogram // by operation
}

// Count is what calls are counted by.
type Count struct {
	Operation string
	Result    Result
}

// stats counts.
type stats struct {
	histograms histogram.New

	mu        sync.Mutex // guards what follows
	up        bool
	calls     map[Count]uint64
	durations map[string]histogram.Recorder
}

func newStats(n histogram.New, operations []string) *stats {
	s := &stats{histograms: n, calls: make(map[Count]uint64), durations: make(map[string]histogram.Recorder)}
	for _, op := range operations {
		s.durations[op] = s.newDuration()
		for _, r := range Results() {
			s.calls[Count{op, r}] = 0
		}
	}
	return s
}

func (s *stats) newDuration() histogram.Recorder {
	return s.histograms.Make(histogram.Options{Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, MostNative: 100})
}

func (s *stats) count(operation string, r Result, took time.Duration) {
	s.countOnly(operation, r)
	if r == skipped {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.durations[operation] == nil {
		s.durations[operation] = s.newDuration()
	}
	s.durations[operation].Observe(max(took, 0), "")
}

// countOnly counts a call whose duration says nothing.
func (s *stats) countOnly(operation string, r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[Count{operation, r}]++
	if r != skipped {
		s.up = r == OK || r == WrongType
	}
}

func (s *stats) isUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

func (s *stats) read() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	read := Stats{Up: s.up, Calls: make(map[Count]uint64), Durations: make(map[string]histogram.Histogram)}
	maps.Copy(read.Calls, s.calls)
	for op, d := range s.durations {
		read.Durations[op] = d.Read()
	}
	return read
}
