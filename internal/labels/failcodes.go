// Which fail codes are admitted.

package labels

import (
	"slices"
	"strings"
)

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

// IsFull reports whether no other fail code would be admitted.
func (l *Limits) IsFull() bool { return l.codes.room() < 0 }

// AddText notes that the code is used that reads so, if it is one.
func (u *Codes) AddText(l *Limits, text string) {
	if at := slices.Index(l.codes, text); at >= 0 {
		u[at] = true
	}
}

// KeepCodes forgets every code but those that are used. No task may have one of the others: its place may get another text.
func (l *Limits) KeepCodes(used *Codes) {
	for at := int(firstCode); at < len(l.codes); at++ {
		if !used[at] {
			l.codes[at] = "" // for the next one
		}
	}
}
