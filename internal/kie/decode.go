// What a reply says about a task or a balance, read with as few expectations as possible.

package kie

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record reads the reply to a question about one task, by the names that the endpoint has for what it tells.
func (r reply) record(f *fields, id string) (Answer, error) {
	e := openEnvelope(r.body)
	class := classify(r.status, e)
	if class != ClassOK && class != ClassTaskFailed {
		return Answer{}, r.refuse(class, e)
	}
	var data object
	malformed := json.Unmarshal(e.data, &data) != nil
	switch told := text(data.member(f.id)); {
	case told != "" && told != id:
		return Answer{}, r.refuse(ClassMismatch, e)
	case class == ClassTaskFailed:
		return data.failed(f, e).answer(f, id, r), r.refuse(class, e)
	case isNull(e.data):
		return Answer{}, r.refuse(ClassNotFound, e)
	case malformed:
		return Answer{}, r.refuse(ClassDecode, e)
	}
	return data.answer(f, id, r), nil
}

// credit reads the reply to the question for the balance.
func (r reply) credit() (float64, error) {
	e := openEnvelope(r.body)
	class := classify(r.status, e)
	if class == ClassTaskFailed {
		class = ClassServer // there is no task here that could have failed
	}
	if class != ClassOK {
		return 0, r.refuse(class, e)
	}
	left, ok := balance(e.data)
	if !ok {
		return 0, r.refuse(ClassDecode, e)
	}
	return left, nil
}

// failed makes o, which may be nil, say that its task failed as the envelope says.
func (o object) failed(f *fields, e envelope) object {
	if o == nil {
		o = object{}
	}
	if text(o.member(f.message)) == "" {
		if msg, err := json.Marshal(e.text); err == nil { // there is no string that can't be
			o[f.message] = msg
		}
	}
	o[f.state[0]] = json.RawMessage(`"fail"`)
	o[f.code] = json.RawMessage(strconv.Itoa(e.code))
	return o
}

// answer reads a task's data. The state wins over everything that contradicts it.
func (o object) answer(f *fields, id string, r reply) Answer {
	latest := TimeOf(r.likelyNow()).Add(24 * time.Hour)
	at := func(name key) Time { return f.instant(o.member(name), latest) }
	word := o.first(f.state)
	a := Answer{
		Task: Task{
			ID:      id,
			Model:   CleanLabel(text(o.member(f.model))),
			State:   f.stateOf(word),
			Created: at(f.created),
			Updated: at(f.updated),
		},
		Clock: r.clock,
	}
	a.Credits, a.HasCredits = amount(o.member(f.credits))
	if a.State.Finished() {
		a.Completed = at(f.completed)
		a.HasResult = slices.ContainsFunc(f.results, func(name key) bool { return hasResult(o.member(name)) })
	}
	switch a.State {
	case StateFail:
		a.FailCode, a.Reason = failure(o.member(f.code), text(o.member(f.message)))
	case StateUnknown:
		a.Word = cleanWord(word)
	default:
	}
	return a
}

// instant reads a time as the endpoint tells it; a text without a zone is no instant.
func (f *fields) instant(raw json.RawMessage, latest Time) Time {
	if f.text {
		if t, err := time.Parse(time.RFC3339, text(raw)); err == nil && TimeOf(t).Valid() && TimeOf(t) <= latest {
			return TimeOf(t)
		}
	}
	return instant(raw, latest)
}

// instant reads a time of ten digits as seconds and one of thirteen as milliseconds. Anything else is absent, as is
// a time after latest: no task can have it.
func instant(raw json.RawMessage, latest Time) Time {
	f, ok := number(raw)
	if !ok || f != math.Trunc(f) {
		return 0
	}
	if f >= 1e9 && f < 1e10 {
		f *= 1000
	}
	if f < float64(startOfTime) || f >= float64(EndOfTime) || Time(f) > latest {
		return 0
	}
	return Time(f)
}

// failure returns the code and the reason of a failed task.
func failure(raw json.RawMessage, message string) (code string, reason Reason) {
	code = failCode(raw)
	return code, reasonOf(code, text(raw), message)
}

// failCode returns a number or an upper-case word of up to 32 characters, "other" for anything else, "" for none.
func failCode(raw json.RawMessage) string {
	code := strings.TrimSpace(text(raw))
	if f, ok := number(raw); ok && f == math.Trunc(f) {
		code = strconv.FormatFloat(f, 'f', -1, 64) // 500.0 and 5e2 are 500
	}
	if !ValidCode(code) {
		return Other
	}
	return code
}

// ValidCode reports whether an answer may have such a fail code.
func ValidCode(code string) bool {
	strange := strings.ContainsFunc(code, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && r != '_'
	})
	return !strange && len(code) <= 32 || code == Other
}
