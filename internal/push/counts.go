// What becomes of pushes, for metrics and for the log.

package push

import (
	"net/http"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// quiet is for how long no push to a group came without its token when the next one that does is worth a line in the log.
const quiet = 10 * time.Minute

// tally is what became of the pushes to a group.
type tally struct {
	counts       source.PushCounts
	unauthorized time.Time // the last one; zero: there was none
}

// Stat returns what became of the pushes to a group so far.
func (r *Receiver) Stat(group string) source.PushStat {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := source.PushStat{Group: group}
	if t := r.tallies[group]; t != nil {
		s.Counts = t.counts
	}
	return s
}

// count counts a push to a group that takes some, so the map is bounded by what was ever configured.
func (r *Receiver) count(group string, status int) {
	result := resultOf(status)
	if r.tallied(group, result, time.Now()) {
		r.options.Log.Warn("A push came without the token of its group; more of them are counted only", "group", group)
	}
}

// tallied counts a push, and reports whether pushes without the token begin with it.
func (r *Receiver) tallied(group string, result source.PushResult, now time.Time) (begins bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tallies[group]
	if t == nil {
		t = &tally{}
		r.tallies[group] = t
	}
	t.counts[result]++
	if result != source.PushUnauthorized {
		return false
	}
	begins = now.Sub(t.unauthorized) >= quiet
	t.unauthorized = now
	return begins
}

// resultOf returns what a push came to that is answered with a status.
func resultOf(status int) source.PushResult {
	switch status {
	case http.StatusOK:
		return source.PushOK
	case http.StatusTooManyRequests:
		return source.PushNoRoom
	case http.StatusMisdirectedRequest:
		return source.PushElsewhere
	case http.StatusUnauthorized:
		return source.PushUnauthorized
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return source.PushMalformed
	case http.StatusRequestEntityTooLarge:
		return source.PushTooLarge
	case http.StatusRequestTimeout:
		return source.PushSlow
	default:
		return source.PushUnavailable
	}
}
