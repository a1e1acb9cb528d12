package parsed

import (
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Object is what an object of JSON or YAML tells of a task: one of the producer's own, or an answer to createTask as it came.
type Object struct {
	ID, Inner Span // Inner: under data
	Model     string
	Variant   string // of the model
	Endpoint  string // as it is written
	Keyed     bool   // it has a key for an id
	Wrong     bool   // the value of which is no text
	Refused   bool   // it has a code other than 200
}

// HasID reports whether the object names a task.
func (o *Object) HasID() bool { return o.ID.Text+o.Inner.Text != "" }

// Hint returns what the object says of its task's kind.
func (o *Object) Hint() string { return source.Hint(o.Model, o.Variant) }

// TaskID returns the id that counts.
func (o *Object) TaskID() Span {
	if o.ID.Text == "" {
		return o.Inner
	}
	return o.ID
}

// HasEndpoint reports whether the object names an endpoint that there is, or none.
func (o *Object) HasEndpoint() bool {
	_, ok := kie.EndpointNamed(o.Endpoint)
	return ok || o.Endpoint == ""
}

// IsIDKey reports whether a key names a task, in either spelling.
func IsIDKey(key string) bool {
	return len(key) == len("taskId") && strings.EqualFold(key, "taskId") ||
		len(key) == len("task_id") && strings.EqualFold(key, "task_id")
}

// IsRefusal reports whether a code is that of an answer that created no task.
func IsRefusal(code string) bool { return IsNumber(code) && code != "200" }

// IsNumber reports whether a word is a number of JSON.
func IsNumber(word string) bool {
	word = strings.TrimPrefix(word, "-")
	whole := digits(word)
	if whole == 0 || whole > 1 && word[0] == '0' {
		return false
	}
	word = word[whole:]
	if fraction, ok := strings.CutPrefix(word, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		word = fraction[n:]
	}
	if word == "" || word[0] != 'e' && word[0] != 'E' {
		return word == ""
	}
	word = word[1:]
	if word != "" && (word[0] == '+' || word[0] == '-') {
		word = word[1:]
	}
	n := digits(word)
	return n > 0 && n == len(word)
}

// digits returns how many digits word begins with.
func digits(word string) int {
	n := 0
	for n < len(word) && word[n] >= '0' && word[n] <= '9' {
		n++
	}
	return n
}
