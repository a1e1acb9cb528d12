// What is alike for ids that come one by one, held once.

package claim

import "github.com/kie-exporter/kie_exporter/internal/source/parsed"

const maxModels = 1024 // of a list, that are found again in what comes next

// Known is what a list said of its ids, by model, so that what it says again of ids that come later is held once.
type Known struct {
	base   *Attrs
	models map[string]*Attrs
}

// Listed returns the attrs of ids of which a list says own, in a group of which base is said.
func (k *Known) Listed(base *Attrs, own *parsed.Attrs) *Attrs {
	if own == nil || len(own.Labels) > 0 || own.Endpoint != "" {
		return base.Listed(own)
	}
	if k.base != base || len(k.models) >= maxModels {
		k.base, k.models = base, make(map[string]*Attrs)
	}
	attrs := k.models[own.Model]
	if attrs == nil {
		attrs = base.Listed(own)
		k.models[own.Model] = attrs
	}
	return attrs
}
