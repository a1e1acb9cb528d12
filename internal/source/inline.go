// Ids written into the configuration.

package source

import (
	"context"
	"iter"
	"log/slog"
)

// inline is the list of a group's own ids. It never changes.
type inline struct {
	ids  []string
	list *list
	log  *slog.Logger
}

func (s *inline) read(_ context.Context, g *ledger) error {
	if s.list.round > 0 && !g.wants(s.list) {
		return nil
	}
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
