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
	log   *slog.Logger
}

func (s *inline) read(_ context.Context, g *ledger) error {
	if !s.stale && !g.wants(s.list) {
		return nil
	}
	s.stale = false
	bad, err := g.replace(s.list, func(visit func(item)) error {
		for i, id := range s.ids {
			visit(check(item{line: i + 1, text: id, traits: s.list.source.base}))
		}
		return nil
	})
	bad.log(s.log)
	return err
}

func (s *inline) lists() iter.Seq[*list] {
	return func(yield func(*list) bool) { yield(s.list) }
}
