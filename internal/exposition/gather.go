// What promhttp answers with.

package exposition

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// gathering is promhttp's handler of what there is to gather, which is something else at each scrape. To make a handler takes as long as dozens of
// samples.
type gathering struct {
	handler http.Handler
	from    prometheus.Gatherer
}

// newGathering returns a handler that answers in an encoding.
func (h *Handler) newGathering(encoding promhttp.Compression) *gathering {
	g := &gathering{}
	options := h.options
	options.OfferedCompressions = []promhttp.Compression{encoding}
	g.handler = promhttp.HandlerFor(g, options)
	return g
}

// Gather implements prometheus.Gatherer.
func (g *gathering) Gather() ([]*dto.MetricFamily, error) { return g.from.Gather() }

// merged is gatherers that have no metric in common. Each has checked what it gathers; prometheus.Gatherers would check all of it again.
type merged []prometheus.Gatherer

// Gather implements prometheus.Gatherer.
func (m merged) Gather() (all []*dto.MetricFamily, err error) {
	for _, from := range m {
		families, fault := from.Gather()
		err = errors.Join(err, fault)
		all = append(all, families...)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all, err
}
