// What a reply says about a task or a balance, read with as few expectations as possible.

package kie

import (
	"cmp"
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
	word, state := o.state(f)
	a := Answer{
		Task: Task{
			ID:      id,
			Model:   CleanLabel(o.model(f)),
			State:   state,
			Created: at(f.created),
			Updated: at(f.updated),
		},
		Clock: r.clock,
	}
	a.Credits, a.HasCredits = amount(o.member(f.credits))
	if a.State.Finished() {
		a.Completed, a.Took = at(f.completed), f.took(o.member(f.created), o.member(f.completed))
		a.HasResult = o.hasResult(f)
	}
	switch a.State {
	case StateFail:
		a.FailCode, a.Reason = o.failure(f, word)
	case StateUnknown:
		a.Word = cleanWord(word)
	default:
	}
	return a
}

// state returns the state, and the word that tells it: the first that is known, or else the first.
func (o object) state(f *fields) (word string, state State) {
	for _, name := range f.state {
		w := text(o.member(name))
		if f.over != "" && plainWord(w) == f.over {
			return w, o.end(f)
		}
		if state = f.stateOf(w); state != StateUnknown {
			return w, state
		}
		word = cmp.Or(word, w)
	}
	return word, StateUnknown
}

// end returns how a task ended of which only its result tells that.
func (o object) end(f *fields) State {
	if o.hasResult(f) {
		return StateSuccess
	}
	return StateFail
}

// model returns the model that the data names, or the request in it. Nothing else of that is looked at.
func (o object) model(f *fields) string {
	if f.param == "" {
		return text(o.member(f.model))
	}
	var asked object
	raw := o.member(f.param)
	if inner := text(raw); inner != "" {
		raw = json.RawMessage(inner)
	}
	_ = json.Unmarshal(raw, &asked) // what is no JSON names no model
	return cmp.Or(text(o.member(f.model)), text(asked.member(modelMember)))
}

// hasResult reports whether one of the places for results holds something.
func (o object) hasResult(f *fields) bool {
	return slices.ContainsFunc(f.results, func(p path) bool { return p.holds(o.member(p[0])) })
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

// took returns how long it was from one time to another, of which neither has a zone; 0: that is not told.
func (f *fields) took(created, completed json.RawMessage) time.Duration {
	if !f.text {
		return 0
	}
	from, ok := zoneless(created)
	to, too := zoneless(completed)
	if took := to.Sub(from); ok && too && took > 0 && took <= longestTook {
		return took
	}
	return 0
}

// longestTook is the longest that a task is believed to have taken where no time says when that was.
const longestTook = 30 * 24 * time.Hour

// zoneless reads a time that has no zone.
func zoneless(raw json.RawMessage) (time.Time, bool) {
	s := strings.TrimSpace(text(raw))
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
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

// failure returns the code and the reason of a task that has failed by this word. A word of the endpoint's own is a code where there is none.
func (o object) failure(f *fields, word string) (code string, reason Reason) {
	raw := o.member(f.code)
	plain := plainWord(word)
	if _, own := f.states[plain]; text(raw) == "" && (own || plain == f.over) && plain != "" && !isNumber(plain) {
		code = failCode([]byte(strconv.Quote(strings.ToUpper(strings.TrimSpace(word)))))
		return code, reasonOf(code, code, text(o.member(f.message)))
	}
	code = failCode(raw)
	return code, reasonOf(code, text(raw), text(o.member(f.message)))
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
	if len(code) > 32 {
		return false
	}
	for i := range len(code) {
		if c := code[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && c != '_' {
			return code == Other
		}
	}
	return true
}
