// What a reply says about a task or a balance, read with as few expectations as possible.

package kie

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// record reads the reply to a question about one task.
func (r reply) record(id string) (Answer, error) {
	e := openEnvelope(r.body)
	class := classify(r.status, e)
	if class != ClassOK && class != ClassTaskFailed {
		return Answer{}, r.refuse(class, e)
	}
	var data object
	malformed := json.Unmarshal(e.data, &data) != nil
	switch told := text(data["taskId"]); {
	case told != "" && told != id:
		return Answer{}, r.refuse(ClassMismatch, e)
	case class == ClassTaskFailed:
		return data.failed(e).answer(id, r), r.refuse(class, e)
	case isNull(e.data):
		return Answer{}, r.refuse(ClassNotFound, e)
	case malformed:
		return Answer{}, r.refuse(ClassDecode, e)
	}
	return data.answer(id, r), nil
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
func (o object) failed(e envelope) object {
	if o == nil {
		o = object{}
	}
	if text(o["failMsg"]) == "" {
		if msg, err := json.Marshal(e.text); err == nil { // there is no string that can't be
			o["failMsg"] = msg
		}
	}
	o["state"] = json.RawMessage(`"fail"`)
	o["failCode"] = json.RawMessage(strconv.Itoa(e.code))
	return o
}

// answer reads a task's data. The state wins over everything that contradicts it.
func (o object) answer(id string, r reply) Answer {
	latest := TimeOf(r.likelyNow()).Add(24 * time.Hour)
	word := text(o["state"])
	a := Answer{
		Task: Task{
			ID:      id,
			Model:   CleanLabel(text(o["model"])),
			State:   stateOf(word),
			Created: instant(o["createTime"], latest),
			Updated: instant(o["updateTime"], latest),
		},
		Clock: r.clock,
	}
	a.Credits, a.HasCredits = amount(o["creditsConsumed"])
	if a.State.Finished() {
		a.Completed = instant(o["completeTime"], latest)
		a.HasResult = hasResult(o["resultJson"]) || hasResult(o["response"])
	}
	switch a.State {
	case StateFail:
		a.FailCode = failCode(o["failCode"])
		a.Reason = reasonOf(a.FailCode, text(o["failCode"]), text(o["failMsg"]))
	case StateUnknown:
		a.Word = cleanWord(word)
	default:
	}
	return a
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

// failCode returns a number or an upper-case word of up to 32 characters, "other" for anything else, "" for none.
func failCode(raw json.RawMessage) string {
	code := strings.TrimSpace(text(raw))
	if f, ok := number(raw); ok && f == math.Trunc(f) {
		code = strconv.FormatFloat(f, 'f', -1, 64) // 500.0 and 5e2 are 500
	}
	if !ValidFailCode(code) {
		return Other
	}
	return code
}

// ValidFailCode reports whether an answer may have such a fail code.
func ValidFailCode(code string) bool {
	strange := strings.ContainsFunc(code, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && r != '_'
	})
	return !strange && len(code) <= 32 || code == Other
}
