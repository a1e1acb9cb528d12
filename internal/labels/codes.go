// Fail codes, in a byte each.

package labels

import (
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const maxCodes = 50

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

// Codes says of each code whether something uses it.
type Codes [1 << 8]bool

// Has reports whether a code is used, or is there from the start.
func (u *Codes) Has(c Code) bool { return c < firstCode || u[c] }
