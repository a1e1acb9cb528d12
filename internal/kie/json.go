// JSON values of which nothing is certain.

package kie

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// object is a JSON object with the members that are wanted; all others share one entry, so that a million of them cost nothing.
// Unlike the fields of a struct its keys are exact: STATE is not state.
type object map[key]json.RawMessage

// key is the name of a wanted member, or empty.
type key string

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *key) UnmarshalText(name []byte) error {
	*k = members[string(name)]
	return nil
}

// member returns the value of a member; nil if it is absent, or has no name.
func (o object) member(name key) json.RawMessage {
	if name == "" { // which all others share
		return nil
	}
	return o[name]
}

// isNull reports whether a value is null or absent.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// text returns the content of a string or the literal of a number; anything else has none.
func text(raw json.RawMessage) string {
	if isNumber(string(raw)) {
		return string(raw)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// number reads a number, also one in a string.
func number(raw json.RawMessage) (float64, bool) {
	s := strings.TrimSpace(text(raw))
	if !isNumber(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// isNumber keeps out what only strconv takes for a number: NaN, Inf, 0x10, 1_000.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

// mostCredits is more than any task costs and any account has; what is beyond would spoil a sum for good.
const mostCredits = 1e9

// amount reads a number of credits that were consumed: not negative, and not absurd.
func amount(raw json.RawMessage) (float64, bool) {
	f, ok := number(raw)
	if f == 0 {
		return 0, ok // −0 is 0
	}
	if !ok || !ValidCredits(f) {
		return 0, false
	}
	return f, true
}

// ValidCredits reports whether a task may have consumed so much.
func ValidCredits(credits float64) bool { return !math.Signbit(credits) && credits <= mostCredits }

// balance reads a number of credits that are left: any that there is, for an account can be overdrawn.
func balance(raw json.RawMessage) (float64, bool) {
	f, ok := number(raw)
	if !ok || f == 0 {
		return 0, ok // −0 is 0
	}
	return f, true
}
