// Ids written into the configuration.

package source

import (
	"context"
	"iter"
	"log/slog"
)

// inline is the list of a group's own ids.
type inline struct {
	ids   []string
	stale bool // the ids are others than those in the list
	list  *list

	guarded uint32 // the guard's round when it was read
	log     *slog.Logger
}

func (s *inline) read(ctx context.Context, g *ledger) error {
	if !s.stale && !g.wants(s.list) && s.guarded == g.round {
		return nil
	}
	s.stale, s.guarded = false, g.round
	h := newHarvest(ctx, s.list, g)
	for i, id := range s.ids {
		h.id(piece{id, -1}, 0, i+1)
	}
	bad := g.replace(s.list, h)
	bad.log(s.log)
	return nil
}

func (s *inline) lists() iter.Seq[*list] {
	return func(yield func(*list) bool) { yield(s.list) }
}
