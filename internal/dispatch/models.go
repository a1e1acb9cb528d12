// How models fare with all users of the API, asked for with what the tasks leave of the budget.

package dispatch

import (
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// mostModels is of how many models an account asks how they fare: at one a second, that many in a minute.
	mostModels = 50
	// betweenModels is the least time from one such request to the next. The API allows one a second.
	betweenModels = 1100 * time.Millisecond
	// afterTooFast is how long none is sent after one was refused as too fast: somebody else asks, too.
	afterTooFast = time.Minute
	// afterNone is after how long it is looked again for models where no task has one.
	afterNone = 5 * time.Second
	// afterUnknown is when a model is asked about again that the API does not have in its catalogue.
	afterUnknown = time.Hour
	// mostAge is for how long after their end ten minutes say how a model fares.
	mostAge = time.Hour
)

// models is how an account's models fare, and when that is asked for.
type models struct {
	interval time.Duration // 0: never asked for
	begun    time.Time     // the last round
	queue    []string      // of this round, still to be asked about
	next     time.Time     // when the next request may be sent
	asking   bool
	known    map[string]modelHealth
}

// modelHealth is what is known of how a model fares.
type modelHealth struct {
	kie.Health
	at      time.Time // when the API told that; zero: never
	unknown time.Time // when the API did not know the model; zero: it does
}

// dueAt returns when something is to be asked; false: not before an answer has come, or never.
func (m *models) dueAt() (time.Time, bool) {
	at := m.next
	if len(m.queue) == 0 {
		at = later(at, m.begun.Add(m.interval))
	}
	return at, m.interval > 0 && !m.asking
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// begin begins a round over the models that are tracked now. What is known of others is forgotten.
func (m *models) begin(tracked []string, now time.Time) {
	m.begun = now
	known := make(map[string]modelHealth)
	for _, name := range tracked {
		if len(known) == mostModels {
			break
		}
		if !kie.IsCatalogued(name) || name == kie.Other {
			continue
		}
		known[name] = m.known[name]
		if at := known[name].unknown; at.IsZero() || now.Sub(at) >= afterUnknown {
			m.queue = append(m.queue, name)
		}
	}
	if m.known = known; len(known) == 0 { // as at a start, before there are answers
		m.begun = now.Add(afterNone - m.interval)
	}
}

// end takes what became of the question about a model.
func (m *models) end(name string, h kie.Health, err error, now time.Time) {
	m.asking, m.next = false, later(m.next, now)
	of, tracked := m.known[name]
	switch kie.ClassOf(err) {
	case kie.ClassOK:
		of = modelHealth{Health: h, at: now}
	case kie.ClassNotFound:
		of = modelHealth{unknown: now}
	case kie.ClassRateLimited:
		m.next = later(m.next, now.Add(max(afterTooFast, budget.RetryAfter(err))))
	default: // what was told before goes when it is too old
	}
	if tracked {
		m.known[name] = of
	}
}

// view returns how models fare, by name, but for what is too old to say that.
func (m *models) view(now time.Time) (all []view.ModelHealth) {
	for name, of := range m.known {
		if !of.End.IsZero() && now.Sub(of.at) <= 3*m.interval && now.Sub(of.End.Time()) <= mostAge {
			all = append(all, view.ModelHealth{Model: name, Success: of.Success, End: of.End})
		}
	}
	slices.SortFunc(all, func(a, b view.ModelHealth) int { return strings.Compare(a.Model, b.Model) })
	return all
}

// setInterval has models asked about at another interval; 0: no more.
func (m *models) setInterval(interval time.Duration) {
	if m.interval = interval; interval == 0 {
		m.queue, m.known = nil, nil
	}
}

// take takes the next model of the round; false: there is none.
func (m *models) take(now time.Time) (name string, ok bool) {
	if len(m.queue) == 0 {
		return "", false
	}
	name, m.queue = m.queue[0], m.queue[1:]
	m.asking, m.next = true, now.Add(betweenModels)
	return name, true
}
