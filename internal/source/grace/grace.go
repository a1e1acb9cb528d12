// Package grace holds what a list lacks until its source's reads have lacked it for long enough.
package grace

import (
	"iter"
	"maps"
	"time"
)

// Period is for how long the successful reads of a source must lack an id until it is dropped.
const Period = 30 * time.Second

// Missing is what is lacked, with the first successful read of the source that lacked it; zero: there was none yet.
type Missing[T comparable] struct{ since map[T]time.Time }

// Len returns how many there are.
func (m *Missing[T]) Len() int { return len(m.since) }

// Put notes since when something is lacked.
func (m *Missing[T]) Put(t T, since time.Time) {
	if m.since == nil {
		m.since = make(map[T]time.Time)
	}
	m.since[t] = since
}

// Take takes something out, and reports whether it was lacked.
func (m *Missing[T]) Take(t T) bool {
	_, missed := m.since[t]
	delete(m.since, t)
	return missed
}

// All yields all, which may be taken out meanwhile.
func (m *Missing[T]) All() iter.Seq2[T, time.Time] { return maps.All(m.since) }

// Clear takes all out, and gives memory back, which a map never does by itself.
func (m *Missing[T]) Clear() { m.since = nil }

// Expire takes out what was lacked for long enough by now, at the end of a successful read.
func (m *Missing[T]) Expire(now time.Time, gone func(T)) {
	for t, since := range m.since {
		switch {
		case since.IsZero():
			m.since[t] = now
		case now.Sub(since) >= Period:
			delete(m.since, t)
			gone(t)
		}
	}
	if len(m.since) == 0 {
		m.Clear()
	}
}
