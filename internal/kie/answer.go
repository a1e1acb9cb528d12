// The values that the facts of a task are made of.

package kie

import "time"

// Time is a Unix time in milliseconds, as the API gives it. Zero means absent.
type Time int64

// TimeOf returns t in milliseconds; the zero time.Time is absent.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// The times of answers are of 10 digits as seconds, from 2001 to 2286. EndOfTime is after all of them.
const (
	startOfTime Time = 1e12
	EndOfTime   Time = 1e13
)

// Valid reports whether an answer may tell such a time.
func (t Time) Valid() bool { return t >= startOfTime && t < EndOfTime }

// IsZero reports whether the time is absent.
func (t Time) IsZero() bool { return t == 0 }

// Time returns t as a time.Time, the zero one if t is absent.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t))
}

// Seconds returns t in Unix seconds.
func (t Time) Seconds() float64 { return float64(t) / 1e3 }

// Sub returns t − u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Add returns t + d.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// FirstTime returns the first of some times that is there.
func FirstTime(times ...Time) Time {
	for _, at := range times {
		if !at.IsZero() {
			return at
		}
	}
	return 0
}

// State is where a task is in its life.
type State uint8

// The states of a task. StateUnknown stands for a word the API has not documented, or none; no answer tells StatePending.
const (
	StateUnknown State = iota
	StateWaiting
	StateQueuing
	StateGenerating
	StateSuccess
	StateFail
	StatePending // never answered
)

// States returns every state, in the order in which a task goes through them.
func States() []State {
	return append([]State{StatePending}, AnsweredStates()...)
}

// AnsweredStates returns every state that an answer can tell, in the same order.
func AnsweredStates() []State {
	return []State{StateWaiting, StateQueuing, StateGenerating, StateSuccess, StateFail, StateUnknown}
}

// Finished reports whether the state is terminal: a finished task never changes again.
func (s State) Finished() bool { return s == StateSuccess || s == StateFail }

// String returns the API's word for the state, or ours where it has none.
func (s State) String() string {
	switch s {
	case StateWaiting:
		return "waiting"
	case StateQueuing:
		return "queuing"
	case StateGenerating:
		return "generating"
	case StateSuccess:
		return "success"
	case StateFail:
		return "fail"
	case StatePending:
		return "pending"
	case StateUnknown:
	}
	return "unknown"
}

// Reason is what a failed task's code and message mean, taken together.
type Reason uint8

// The reasons of failures. ReasonNone is a failure that names neither a code nor a message.
const (
	ReasonNone Reason = iota
	ReasonServer
	ReasonTimeout
	ReasonUpstream
	ReasonContentPolicy
	ReasonBadRequest
	ReasonCredits
	ReasonOther
)

// Reasons returns every reason.
func Reasons() []Reason {
	return []Reason{
		ReasonServer, ReasonTimeout, ReasonUpstream, ReasonContentPolicy,
		ReasonBadRequest, ReasonCredits, ReasonOther, ReasonNone,
	}
}

// String returns the label value of the reason.
func (r Reason) String() string {
	switch r {
	case ReasonServer:
		return "server"
	case ReasonTimeout:
		return "timeout"
	case ReasonUpstream:
		return "upstream"
	case ReasonContentPolicy:
		return "content_policy"
	case ReasonBadRequest:
		return "bad_request"
	case ReasonCredits:
		return "credits"
	case ReasonOther:
		return "other"
	case ReasonNone:
	}
	return "none"
}

// Answer is what one query told of a task. It holds nothing of the prompt, the result or the failure's text.
type Answer struct {
	Task

	Word  string // of an unknown state: what the API called it, fit to be logged; empty if it did not
	Clock Time   // the API's Date header, to whole seconds; absent if it sent none
}
