// What is alike for ids that come one by one, held once.

package ledger

import (
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

const (
	alike     = 64   // ids of a list whose listings those that come next may share
	maxModels = 1024 // of a list, that are found again in what comes next
)

// known is what a list said of its ids, by model, so that what it says again of ids that come later is held once.
type known struct {
	base   *claim.Attrs
	models map[string]*claim.Attrs
}

// listed returns the attrs of ids of which a list says own, in a group of which base is said.
func (k *known) listed(base *claim.Attrs, own *parsed.Attrs) *claim.Attrs {
	if own == nil || len(own.Labels) > 0 || own.Endpoint != "" {
		return base.Listed(own)
	}
	if k.base != base || len(k.models) >= maxModels {
		k.base, k.models = base, make(map[string]*claim.Attrs)
	}
	attrs := k.models[own.Model]
	if attrs == nil {
		attrs = base.Listed(own)
		k.models[own.Model] = attrs
	}
	return attrs
}
