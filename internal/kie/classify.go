// The one place that tells what kind of outcome a request had.

package kie

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
)

// envelope is the JSON object around every answer of the API.
type envelope struct {
	coded bool            // it has an integer code, not one of gRPC: without one it is not the API's, whatever else it says
	code  int             // 0 without one
	text  string          // msg and message; never shown
	data  json.RawMessage // nil if absent
}

// classify returns the class of a reply: the envelope's code decides. Without an envelope something in between has answered,
// which knows nothing of any task, id or balance: its status tells no more than whether to ask less, or with another key.
func classify(status int, e envelope) Class {
	switch {
	case isRedirect(status):
		return ClassRedirect
	case e.coded:
		return classOfCode(e.code, strings.ToLower(e.text))
	case status/100 == 2:
		return ClassDecode
	case status == http.StatusTooManyRequests:
		return ClassRateLimited
	case status == http.StatusUnauthorized:
		return ClassAuth
	}
	return ClassServer
}

// classOfCode returns the class of one of the API's codes, with text in lower case.
func classOfCode(code int, text string) Class {
	if code != 200 && saysNoCredits(text) {
		return ClassCredits
	}
	switch code {
	case 200:
		return ClassOK
	case 400:
		return ClassBadRequest
	case 401:
		return ClassAuth
	case 402:
		return ClassCredits
	case 404:
		return ClassNotFound
	case 405, 429, 430: // codes of the API's own, as its documents and answers have them, but for 429
		return ClassRateLimited
	case 408, 501: // nothing came for 10 minutes; the generation failed
		return ClassTaskFailed
	case 422:
		if strings.Contains(text, "record") {
			return ClassNotFound
		}
		return ClassBadRequest
	case 433:
		return ClassKeyLimit
	case 455:
		return ClassMaintenance
	case 500, 502, 503, 504, 550:
		return ClassServer
	case 505:
		return ClassDisabled
	}
	return ClassOther
}

// saysNoCredits reports whether a text in lower case says that credits are insufficient.
func saysNoCredits(text string) bool {
	return strings.Contains(text, "credit") && strings.Contains(text, "insufficient")
}

func isRedirect(status int) bool { return status/100 == 3 }

// openEnvelope reads as much of an envelope as body holds.
func openEnvelope(body []byte) envelope {
	var o object
	if json.Unmarshal(body, &o) != nil {
		return envelope{}
	}
	e := envelope{
		text: text(o["msg"]) + "\n" + text(o["message"]),
		data: o["data"],
	}
	if code, ok := number(o["code"]); ok && code == math.Trunc(code) && math.Abs(code) <= math.MaxInt32 && !isGRPC(code) {
		e.code, e.coded = int(code), true
	}
	return e
}

// isGRPC reports whether a code is one of gRPC's errors, which gateways answer in JSON. The API's codes follow HTTP's.
func isGRPC(code float64) bool { return code >= 1 && code <= 16 }

// refuse returns the error for a reply that came whole.
func (r reply) refuse(class Class, e envelope) *Error {
	return &Error{
		Class: class, Status: r.status, Code: e.code, RetryAfter: r.retryAfter,
		Foreign: !e.coded && class != ClassRedirect,
	}
}

var errTooLarge = errors.New("body over the limit")

// fail returns the error for a reply that did not come whole.
func (r reply) fail(cause error) *Error {
	e := &Error{Status: r.status, RetryAfter: r.retryAfter}
	_, corrupt := errors.AsType[flate.CorruptInputError](cause)
	corrupt = corrupt || errors.Is(cause, gzip.ErrHeader) || errors.Is(cause, gzip.ErrChecksum)
	tooLarge := errors.Is(cause, errTooLarge)
	switch {
	case (corrupt || tooLarge) && r.status/100 != 2:
		return r.refuse(classify(r.status, envelope{}), envelope{}) // a page too long or too broken to be the API's
	case tooLarge:
		e.Class = ClassTooLarge
	case corrupt:
		e.Class = ClassDecode
	case errors.Is(cause, context.DeadlineExceeded):
		e.Class = ClassTimeout
	default:
		e.Class, e.Err = ClassTransport, Tellable(cause)
	}
	return e
}
