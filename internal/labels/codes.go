// Which fail codes are admitted.

package labels

import "github.com/kie-exporter/kie_exporter/internal/kie"

// Code returns the code to show of a failed task whose code the API gave so. One that is not admitted counts as an overflow.
func (l *Limits) Code(told string) string {
	switch {
	case told == "":
		return kie.NoCode
	case told == kie.NoCode || told == kie.Other || l.codes.admits(told):
		return told
	}
	l.Overflows.Code++
	return kie.Other
}

// CodesAreFull reports whether no other fail code would be admitted.
func (l *Limits) CodesAreFull() bool { return l.codes.isFull() }

// HasCode reports whether a fail code is admitted.
func (l *Limits) HasCode(code string) bool {
	_, ok := l.codes.values[code]
	return ok || code == kie.NoCode || code == kie.Other
}

// KeepCodes forgets every code but those that are used. No task may have one of the others.
func (l *Limits) KeepCodes(used map[string]struct{}) { l.codes.keep(used) }
