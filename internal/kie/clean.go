// What comes from outside, made fit to be a label.

package kie

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLabel is the most bytes of an id or a label.
const maxLabel = 128

// CleanLabel returns s as valid UTF-8 of at most 128 bytes, without control characters and surrounding space.
func CleanLabel(s string) string {
	var b strings.Builder
	for _, r := range s { // a byte that is not UTF-8 comes as U+FFFD
		if unicode.IsControl(r) || b.Len() == 0 && unicode.IsSpace(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxLabel {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimRightFunc(b.String(), unicode.IsSpace)
}

// IsCleanLabel reports whether CleanLabel leaves s as it is.
func IsCleanLabel(s string) bool {
	return s == "" || ValidID(s) && strings.TrimSpace(s) == s
}

// ValidID reports whether id can be a task's: not empty, at most 128 bytes of valid UTF-8, no control characters.
func ValidID(id string) bool {
	return id != "" && len(id) <= maxLabel && (isPrintable(id) || utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl))
}

// isPrintable reports whether s is nothing but printable ASCII, as nearly all ids and labels are.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
