// What is wrong with a configuration, and where.

package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Errors are all problems of a configuration, in the order of their lines.
type Errors []Problem

// Error implements error: a line for each problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err returns the problems sorted, or nil if there are none.
func (e Errors) err() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return e
}

// Problem is one thing wrong with a configuration.
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
