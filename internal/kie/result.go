// Whether there is a result.

package kie

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// deepestText is how often JSON may be found in a string in JSON.
const deepestText = 8

// hasResult reports whether there is any text in a result, in whatever form it comes: a URL, or what a model has written. The
// text of an envelope that tells of an error is none, nor is anything beside it.
func hasResult(raw json.RawMessage) bool {
	if isNull(raw) {
		return false
	}
	return holdsText(string(raw), deepestText)
}

// holds reports whether what is at the rest of a path, below its first member whose value this is, holds any text. A value may be JSON in a
// text. Neither a list nor anything beside the path is held at once.
func (p path) holds(raw json.RawMessage) bool {
	if len(p) == 1 {
		return hasResult(raw)
	}
	if inner := text(raw); inner != "" {
		raw = json.RawMessage(inner)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) {
		_, _ = d.Token()
	}
	for d.More() {
		var o object
		err := d.Decode(&o)
		if o != nil && p[1:].holds(o.member(p[1])) {
			return true
		}
		if _, wrong := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !wrong {
			return false
		}
	}
	return false
}

// holdsText reads JSON token by token, so that a result of any size takes no more memory than it is long.
func holdsText(text string, depth int) bool {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	levels := []level{{}}
	for {
		token, err := d.Token()
		if err != nil {
			return levels[0].found // what is in strings may be cut off
		}
		top := &levels[len(levels)-1]
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				levels = append(levels, level{isObject: v == '{', atKey: v == '{'})
				continue
			}
			levels = levels[:len(levels)-1]
			levels[len(levels)-1].take(top.yields(), top.filled, "")
		case string:
			if top.isObject && top.atKey {
				top.key, top.atKey = v, false
				continue
			}
			top.take(isText(v, depth), strings.TrimSpace(v) != "", v)
		case json.Number:
			f, err := v.Float64()
			top.take(false, err != nil || f != 0, v.String())
		case bool:
			top.take(false, v, strconv.FormatBool(v))
		default:
			top.take(false, false, "")
		}
	}
}

// isText reports whether a string holds any text: it may be JSON itself.
func isText(s string, depth int) bool {
	s = strings.TrimSpace(s)
	if s == "" || s == "null" {
		return false
	}
	if depth > 0 && strings.ContainsRune(`{["`, rune(s[0])) && json.Valid([]byte(s)) {
		return holdsText(s, depth-1)
	}
	return true
}

// level is an object or list that is being read.
type level struct {
	isObject, atKey bool
	key             string // of the next value

	filled  bool // there is any value but nothing, zero and false
	found   bool // there is text in it
	message bool // there is a text for people
	coded   bool // there is a code that is a number
	worded  bool // there is a code that is a text
	failed  bool // there is what only errors have
}

// take notes a value: whether it holds text, whether it is more than nothing, zero or false, and what a plain one says.
func (l *level) take(holds, present bool, value string) {
	l.atKey = l.isObject
	l.filled = l.filled || present
	if !l.isObject {
		l.found = l.found || holds
		return
	}
	switch plainWord(l.key) {
	case "msg", "message":
		l.message = l.message || holds
	case "code", "statuscode":
		code, err := strconv.ParseFloat(value, 64)
		l.coded, l.worded = l.coded || err == nil, l.worded || err != nil && holds && !saysNoError(value)
		l.failed = l.failed || err == nil && code != 0 && (code < 200 || code > 299)
	case "error", "errors", "err", "exception", "errormessage", "errormsg", "errmessage", "errmsg", "errorcode", "errcode",
		"failmsg", "failmessage", "failcode", "failreason":
		l.failed = l.failed || present && !saysNoError(value)
	case "status", "state":
		l.failed = l.failed || stateOf(value) == StateFail
		l.found = l.found || holds
	case "success":
		l.failed = l.failed || value == "false"
	default:
		l.found = l.found || holds
	}
}

// yields reports whether there is text that is not an error's. A message beside a code is an envelope's; each alone may be what
// was asked for.
func (l *level) yields() bool {
	if l.failed || l.worded && l.message {
		return false
	}
	return l.found || l.worded || l.message && !l.coded
}

// saysNoError reports whether the value of a key for errors says that there is none.
func saysNoError(value string) bool {
	switch plainWord(value) {
	case "0", "200", "false", "none", "null", "no", "ok", "success", "noerror":
		return true
	}
	return false
}
