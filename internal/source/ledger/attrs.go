// What a list and its group say of an id.

package ledger

import (
	"maps"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// attrs is what a list and its group say of an id. It is shared between ids and never written to.
type attrs struct {
	group  *Group
	model  string
	labels map[string]string
	own    map[string]string // those of the labels that the list gives, and not the group
}

// with returns attrs with what a list says over what the group does.
func (t *attrs) with(model string, labels map[string]string) *attrs {
	merged := t.labels
	switch {
	case len(labels) == 0:
	case len(t.labels) == 0:
		merged = labels
	default:
		merged = maps.Clone(t.labels)
		maps.Copy(merged, labels)
	}
	return &attrs{group: t.group, model: model, labels: merged, own: labels}
}

// say returns what is said of ids of a list whose group says what base does; nil: the list says nothing.
func (t *attrs) say(said *parsed.Said) *attrs {
	if said == nil {
		return t
	}
	return t.with(said.Model, said.Labels)
}
