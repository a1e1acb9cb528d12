// Package inline is sources of ids that are written into the configuration.
package inline

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// Source is the list of a group's own ids. It has no lock: the set's guards it.
type Source struct {
	ids    []string
	stale  bool // the ids are others than those in the list
	claims *list.Source
	list   *list.List
	round  uint32 // the source's when it was read
	log    *slog.Logger
}

// New returns a source that has no ids yet.
func New(claims *list.Source, log *slog.Logger) *Source {
	return &Source{claims: claims, list: claims.NewList(""), log: log}
}

// Put has the source have other ids, and reports whether they are others.
func (s *Source) Put(ids []string) (changed bool) {
	if slices.Equal(s.ids, ids) {
		return s.stale
	}
	s.ids, s.stale = ids, true
	return true
}

// Due returns the zero time: the ids are looked at at every look, for there may be room for more of them.
func (s *Source) Due() time.Time { return time.Time{} }

// Fetch returns nil: there is nothing to wait for.
func (s *Source) Fetch() source.Fetch { return nil }

// Refresh makes the ids all that the list names. It can't fail.
func (s *Source) Refresh(context.Context) error {
	if !s.stale && !s.list.Wants() && s.round == s.claims.Round() {
		return nil
	}
	s.stale, s.round = false, s.claims.Round()
	p := s.list.Content(nil)
	for i, id := range s.ids {
		p.ID(parsed.Span{Text: id, At: -1}, 0, i+1)
	}
	s.list.Replace(p).Log(s.log)
	return nil
}

// Retire does nothing.
func (s *Source) Retire() {}
