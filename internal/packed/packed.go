// Package packed holds the facts of a task in 48 bytes where kie.Task takes 112: what many tasks have in common, model and fail code, is held once for
// all of them. The tracker's table and the blocks of tasks with series hold them so; Pack and Unpack are the ways from and to kie.Task.
package packed

import (
	"encoding/binary"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Kind is what many tasks have in common. Whoever holds tasks decides what belongs to it beside the names.
type Kind interface {
	comparable
	// Names returns the model and the fail code as they are shown; empty: there is none.
	Names() (model, failCode string)
}

// Task is the facts of a task, without what does not outlive the answer (Updated, Took, HasResult of kie.Task).
type Task[K Kind] struct {
	ID      string
	Kind    K
	credits float64 // if creditsTold
	created Time
	ended   Time // completion; if guessed, a guess that is no fact
	State   kie.State
	reason  kie.Reason
	flags   flags
}

// flags are what is true of the facts.
type flags uint8

const (
	creditsTold flags = 1 << iota // the API told the credits
	guessed                       // it did not tell when the task ended
)

// Pack returns the facts of a task of a kind, whose names stand for those of the facts.
func Pack[K Kind](f *kie.Task, kind K) Task[K] {
	t := Task[K]{
		ID: f.ID, Kind: kind, State: f.State, created: PackTime(f.Created), ended: PackTime(f.Completed), credits: f.Credits, reason: f.Reason,
	}
	if f.HasCredits {
		t.flags |= creditsTold
	}
	return t
}

// Unpack makes f the facts of the task.
func (t *Task[K]) Unpack(f *kie.Task) {
	f.Model, f.FailCode = t.Kind.Names()
	f.ID, f.State, f.Reason, f.Created, f.Completed = t.ID, t.State, t.reason, t.Created(), t.Completed()
	f.Credits, f.HasCredits = t.credits, t.flags&creditsTold != 0
	f.Updated, f.Took, f.HasResult = 0, 0, false
}

// Created returns when the task was created; absent: that is not known.
func (t *Task[K]) Created() kie.Time { return t.created.Unpack() }

// Completed returns when the task ended, as the API told; absent: it did not.
func (t *Task[K]) Completed() kie.Time {
	if t.flags&guessed != 0 {
		return 0
	}
	return t.ended.Unpack()
}

// Ended returns when the task ended, as the API told, or else the guess; absent: there is neither.
func (t *Task[K]) Ended() kie.Time { return t.ended.Unpack() }

// Guess has a task of which the API does not tell when it ended have ended then; absent: there is no guess.
func (t *Task[K]) Guess(ended kie.Time) {
	t.ended = PackTime(ended)
	t.flags |= guessed
}

// Time is a kie.Time in six bytes, which reach to the year 6429.
type Time [6]byte

const (
	latest   = 1<<47 - 1
	earliest = -1 << 47
)

// PackTime returns a time in six bytes. One beyond them is the last, or the first, of them.
func PackTime(t kie.Time) (p Time) {
	t = max(min(t, latest), earliest)
	binary.LittleEndian.PutUint32(p[:4], uint32(t)) //nolint:gosec // the lower bits
	binary.LittleEndian.PutUint16(p[4:], uint16(t>>32))
	return p
}

// Unpack returns the time.
func (t Time) Unpack() kie.Time {
	upper := int16(binary.LittleEndian.Uint16(t[4:])) //nolint:gosec // with the sign
	return kie.Time(upper)<<32 | kie.Time(binary.LittleEndian.Uint32(t[:4]))
}
