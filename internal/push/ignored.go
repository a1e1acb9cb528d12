// What a producer says and nobody reads, such as a key that is misspelt. It is no reason to refuse a task, and none to be silent.

package push

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// maxIgnored is how many different keys are named in an answer.
const maxIgnored = 100

// keys are those of an object that are read, or belong to an answer of createTask.
var keys = keysOf(reflect.TypeFor[object]())

func keysOf(of reflect.Type) (names []string) {
	for field := range of.Fields() {
		names = append(names, field.Tag.Get("json"))
	}
	return names
}

// ignoreUnknown counts the keys of an object that nobody reads.
func (b *body) ignoreUnknown(raw json.RawMessage) {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return
	}
	for key := range all {
		if !slices.ContainsFunc(keys, func(known string) bool { return strings.EqualFold(known, key) }) {
			b.ignore(key)
		}
	}
}

// ignore counts a key of an object whose value is not read.
func (b *body) ignore(key string) {
	key = kie.CleanLabel(key)
	if b.ignored == nil {
		b.ignored = make(map[string]int)
	}
	if _, named := b.ignored[key]; named || len(b.ignored) < maxIgnored {
		b.ignored[key]++
	}
}
