// What kind of outcome a request had.

package kie

import (
	"errors"
	"fmt"
	"time"
)

// Class is the kind of outcome that a request to the API had.
type Class uint8

// The classes of outcome.
const (
	ClassOK          Class = iota
	ClassTaskFailed        // 408 or 501 in the envelope: this task is over and failed, if a second answer says so too
	ClassNotFound          // no such task, not yet, or no longer
	ClassBadRequest        // the request is not acceptable
	ClassAuth              // no or wrong key
	ClassKeyLimit          // the key's daily or total cap is reached
	ClassCredits           // the account has no credits left
	ClassDisabled          // the feature is switched off
	ClassMaintenance       // the API is under maintenance
	ClassRateLimited       // asked too often
	ClassServer            // the API's own fault
	ClassTransport         // no answer: DNS, refused, reset, TLS
	ClassTimeout           // no answer in our time
	ClassDecode            // the body is not the JSON expected
	ClassTooLarge          // the body is over the limit
	ClassRedirect          // 3xx, never followed
	ClassMismatch          // the answer is about another task
	ClassOther             // anything else
)

// Classes returns every class.
func Classes() []Class {
	all := make([]Class, 0, ClassOther+1)
	for c := ClassOK; c <= ClassOther; c++ {
		all = append(all, c)
	}
	return all
}

// String returns the label value of the class.
func (c Class) String() string {
	switch c {
	case ClassOK:
		return "ok"
	case ClassTaskFailed:
		return "task_failed"
	case ClassNotFound:
		return "not_found"
	case ClassBadRequest:
		return "bad_request"
	case ClassAuth:
		return "auth"
	case ClassKeyLimit:
		return "key_limit"
	case ClassCredits:
		return "credits"
	case ClassDisabled:
		return "disabled"
	case ClassMaintenance:
		return "maintenance"
	case ClassRateLimited:
		return "rate_limited"
	case ClassServer:
		return "server"
	case ClassTransport:
		return "transport"
	case ClassTimeout:
		return "timeout"
	case ClassDecode:
		return "decode"
	case ClassTooLarge:
		return "too_large"
	case ClassRedirect:
		return "redirect"
	case ClassMismatch:
		return "mismatch"
	case ClassOther:
	}
	return "other"
}

// Error is an outcome other than ok. Its text names class, status and code, and never what the API or the user wrote.
type Error struct {
	Class      Class
	Status     int           // HTTP status; 0 if there was no answer
	Code       int           // the envelope's code; 0 if there was no envelope
	RetryAfter time.Duration // what the answer asks for, not negative; 0 if it asks for nothing
	Foreign    bool          // it has no envelope, so something that is not the API gave it, which knows nothing of any task
	Err        error         // the cause, if there is one; holds no secret
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Class.String()
	if e.Code != 0 {
		s += fmt.Sprintf(", code %d", e.Code)
	} else if e.Status != 0 {
		s += fmt.Sprintf(", HTTP status %d", e.Status)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of a request's outcome: ok for nil, other for an error that is not an *Error.
func ClassOf(err error) Class {
	if err == nil {
		return ClassOK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ClassOther
}

// IsForeign reports whether an outcome is the answer of something that is not the API.
func IsForeign(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Foreign
}

// Cancelled reports whether a request was given up by its caller: such an error has no class and tells nothing about the API.
func Cancelled(err error) bool {
	_, classified := errors.AsType[*Error](err)
	return err != nil && !classified
}
