// What an entry may say of its tasks, and what is wrong with a list of entries.

package parsed

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	maxLabels    = 32 // of an entry
	maxLabelName = 64 // bytes
)

// What is wrong with a list as a whole.
var (
	ErrNotEntries = errors.New("want a list of {tasks: […], labels: {…}}, of task ids, or of objects with a taskId")
	ErrSecond     = errors.New("more than one document")
	ErrNoLabels   = errors.New("want labels as names with values")
	ErrNoTasks    = errors.New("want a list of task ids")
	ErrEndpoint   = errors.New("no endpoint is called so; want one of " + strings.Join(kie.EndpointWords(), ", "))
	ErrInner      = errors.New("an endpoint of one task amid the tasks of an entry; name it beside tasks")
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// AddLabel adds a label of an entry, if it may be one.
func AddLabel(labels map[string]string, name, value string) error {
	_, twice := labels[name]
	switch {
	case twice:
		return fmt.Errorf("label %s is there twice", Quoted(name))
	case len(name) > maxLabelName || !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
		return fmt.Errorf("%s can't be the name of a label", Quoted(name))
	case value != "" && !kie.ValidID(value):
		return fmt.Errorf("label %s: value over 128 bytes or with control characters", Quoted(name))
	case len(labels) >= maxLabels:
		return fmt.Errorf("more than %d labels", maxLabels)
	}
	labels[name] = value
	return nil
}

// ErrUnknownKey returns the error of a key that an entry has not.
func ErrUnknownKey(key string) error {
	return fmt.Errorf("unknown key %s: %w", Quoted(key), ErrNotEntries)
}

// ErrKeyTwice returns the error of a key that an object has twice.
func ErrKeyTwice(key string) error { return fmt.Errorf("key %s is there twice", Quoted(key)) }

// At returns an error with its line.
func At(line int, err error) error { return &located{line, err} }

// HasLine reports whether an error has a line.
func HasLine(err error) bool {
	_, ok := errors.AsType[*located](err)
	return ok
}

// located is an error with its line.
type located struct {
	line int
	err  error
}

func (e *located) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

func (e *located) Unwrap() error { return e.err }
