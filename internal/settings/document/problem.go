// What is wrong with a file, and where.

package document

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Problems are all problems of a file, in the order of their lines.
type Problems []Problem

// Error implements error: a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// err returns the problems sorted, or nil if there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return p
}

// Problem is one thing wrong with a file.
type Problem struct {
	File    string // empty: the command line
	Line    int    // 0: not of any one line
	Field   string // the path of the setting, such as accounts[0].timeout, or the flag; empty: the whole file
	Message string // holds no secret
}

// String returns file.yml:12: accounts[0].timeout: message, without the parts that are not known.
func (p Problem) String() string {
	var place []string
	if p.File != "" {
		at := p.File
		if p.Line > 0 {
			at += ":" + strconv.Itoa(p.Line)
		}
		place = append(place, at)
	}
	if p.Field != "" {
		place = append(place, p.Field)
	}
	return strings.Join(append(place, p.Message), ": ")
}

// Letters and Digits are those of ASCII.
const (
	Letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Digits  = "0123456789"
)

// Only reports whether s consists of these characters and of at least one.
func Only(s, characters string) bool { return s != "" && strings.Trim(s, characters) == "" }

// Quote returns what a user wrote, readable, and cut short.
func Quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return Readable(s)
}

// Readable returns s, quoted if it would not stand out or not be safe to print. A backslash is, as in the paths of Windows.
func Readable(s string) string {
	plain := strings.ReplaceAll(s, `\`, "/")
	if strconv.Quote(plain) != `"`+plain+`"` || s == "" || strings.ContainsRune(s, ' ') {
		return strconv.Quote(s)
	}
	return s
}
