// Fail codes, in a byte each.

package labels

import (
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Code is a fail code that was admitted.
type Code uint8

// The codes that are there from the start. They stay.
const (
	CodeAbsent Code = iota // of tasks that have not failed
	CodeNone
	CodeOther
	firstCode // of those that come from outside
)

// codes are the texts of the codes. One that was forgotten is empty.
type codes []string

func newCodes() codes { return codes{CodeAbsent: "", CodeNone: kie.NoCode, CodeOther: kie.Other} }

// Code returns the code to show of a failed task whose code the API gave so. One that is not admitted counts as an overflow.
func (l *Limits) Code(text string) Code {
	if text == "" {
		return CodeNone
	}
	if at := slices.Index(l.codes, text); at >= 0 {
		return Code(at) //nolint:gosec // there are at most maxCodes more than firstCode
	}
	at := l.codes.room()
	if at < 0 {
		l.Overflows.Code++
		return CodeOther
	}
	l.codes[at] = strings.Clone(text) // the answer it is from is not to be kept for it
	return Code(at)                   //nolint:gosec // likewise
}

// Text returns how a code reads.
func (l *Limits) Text(c Code) string { return l.codes[c] }

// room returns a place for another code; negative: there is none.
func (c *codes) room() int {
	for at := int(firstCode); at < len(*c); at++ {
		if (*c)[at] == "" {
			return at
		}
	}
	if len(*c) == maxCodes+int(firstCode) {
		return -1
	}
	*c = append(*c, "")
	return len(*c) - 1
}

// IsFull reports whether no other fail code would be admitted.
func (l *Limits) IsFull() bool { return l.codes.room() < 0 }

// Codes says of each code whether something uses it.
type Codes [1 << 8]bool

// Has reports whether a code is used, or is there from the start.
func (u *Codes) Has(c Code) bool { return c < firstCode || u[c] }

// AddText notes that the code is used that reads so, if it is one.
func (u *Codes) AddText(l *Limits, text string) {
	if at := slices.Index(l.codes, text); at >= 0 {
		u[at] = true
	}
}

// KeepCodes forgets every code but those that are used. Whoever had one must have another now.
func (l *Limits) KeepCodes(used *Codes) {
	for at := int(firstCode); at < len(l.codes); at++ {
		if !used[at] {
			l.codes[at] = "" // for the next one
		}
	}
}
