// What a reply says about a task or a balance, read with as few expectations as possible.

package kie

import (
	"bytes"
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
		return data.failed(e.code).answer(id, r), r.refuse(class, e)
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
	balance, ok := amount(e.data)
	if !ok {
		return 0, r.refuse(ClassDecode, e)
	}
	return balance, nil
}

// failed makes o, which may be nil, say that its task failed with the envelope's code.
func (o object) failed(code int) object {
	if o == nil {
		o = object{}
	}
	o["state"] = json.RawMessage(`"fail"`)
	o["failCode"] = json.RawMessage(strconv.Itoa(code))
	return o
}

// answer reads a task's data. The state wins over everything that contradicts it.
func (o object) answer(id string, r reply) Answer {
	latest := TimeOf(r.likelyNow()).Add(24 * time.Hour)
	a := Answer{
		ID:      id,
		Model:   CleanLabel(text(o["model"])),
		State:   stateOf(text(o["state"])),
		Created: instant(o["createTime"], latest),
		Updated: instant(o["updateTime"], latest),
		Clock:   r.clock,
	}
	a.Credits, a.HasCredits = amount(o["creditsConsumed"])
	if a.State.Finished() {
		a.Completed = instant(o["completeTime"], latest)
		a.HasResult = hasResult(o["resultJson"])
	}
	if a.State == StateFail {
		a.FailCode = failCode(o["failCode"])
		a.Reason = reasonOf(a.FailCode, text(o["failMsg"]))
	}
	return a
}

// stateOf knows the API's words and those of gateways that are compatible with it.
func stateOf(word string) State {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "waiting":
		return StateWaiting
	case "queuing", "queueing", "queued", "pending", "wait":
		return StateQueuing
	case "generating", "processing", "running":
		return StateGenerating
	case "success", "succeeded", "completed":
		return StateSuccess
	case "fail", "failed", "error", "cancelled":
		return StateFail
	}
	return StateUnknown
}

// instant reads a time of ten digits as seconds and one of thirteen as milliseconds. Anything else is absent, as is
// a time after latest: no task can have it.
func instant(raw json.RawMessage, latest Time) Time {
	f, ok := number(raw)
	if !ok || f != math.Trunc(f) {
		return 0
	}
	var t Time
	switch {
	case f >= 1e9 && f < 1e10:
		t = Time(f) * 1000
	case f >= 1e12 && f < 1e13:
		t = Time(f)
	}
	if t > latest {
		return 0
	}
	return t
}

// failCode returns a number or an upper-case word of up to 32 characters, "other" for anything else, "" for none.
func failCode(raw json.RawMessage) string {
	code := strings.TrimSpace(text(raw))
	if f, ok := number(raw); ok && f == math.Trunc(f) {
		code = strconv.FormatFloat(f, 'f', -1, 64) // 500.0 and 5e2 are 500
	}
	strange := strings.ContainsFunc(code, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && r != '_'
	})
	if strange || len(code) > 32 {
		return "other"
	}
	return code
}

// hasResult reports whether there is a result, in whatever form. Only what is certainly empty is none.
func hasResult(raw json.RawMessage) bool {
	result := []byte(raw)
	if s := strings.TrimSpace(text(raw)); s != "" {
		result = []byte(s) // JSON in a string, or a string that is the result itself
	}
	var o object
	if json.Unmarshal(result, &o) != nil {
		return filled(result)
	}
	for k, v := range o {
		if (k != "resultUrls" && k != "resultObject") || filled(v) {
			return true
		}
	}
	return false
}

// filled reports whether JSON holds anything but null, empty strings, and lists and objects without any content.
func filled(raw []byte) bool {
	rest := bytes.ReplaceAll(raw, []byte("null"), nil)
	return len(bytes.Trim(rest, "\"[]{}, \t\r\n")) > 0
}
