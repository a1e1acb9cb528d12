// Package claim says which lists name an id, and so whose of an account's groups it is. What is alike for many ids is held once, and
// never written to: an id has another listing when something changes.
package claim

import (
	"cmp"
	"iter"
	"log/slog"
	"maps"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// Group is a group and the room that it has.
type Group struct {
	Name  string
	Index int // in the order of changes
	Most  int // ids that it may have; 0: as many as there may be in all

	Tasks   int  // ids reported to the sink as the group's
	Coming  int  // that will be, as soon as that is settled
	Refused int  // ids of its lists for which it has no room
	limited bool // that is so, and the log says it
}

// Left returns how many more ids the group may have, if it has a limit of its own.
func (gr *Group) Left() int { return gr.Most - gr.Tasks - gr.Coming }

// IsFull reports whether the group may have no more ids.
func (gr *Group) IsFull() bool { return gr.Most > 0 && gr.Left() <= 0 }

// Takes reports whether an id with these claims would become one of the group's if a list of its claims it.
func (gr *Group) Takes(claims *Claim, l *List) bool {
	if claims == nil {
		return true
	}
	owner := claims.Owner().List.Source
	return owner.Group != gr && l.Source.Rank < owner.Rank
}

// ChangeIn returns the group's change.
func (gr *Group) ChangeIn(changes []source.Change) *source.Change {
	c := &changes[gr.Index]
	c.Group = gr.Name
	return c
}

// NoteLimit logs once that a group has no room for ids of its lists, until it had.
func (gr *Group) NoteLimit(log *slog.Logger) {
	if gr.Refused > 0 && !gr.limited {
		log.Warn("max_tasks of the group reached, ids are refused, the oldest first", "group", gr.Name, "max_tasks", gr.Most, "refused", gr.Refused)
	}
	gr.limited = gr.Refused > 0
}

// Source is a source by its precedence: an id belongs to the lowest rank that lists it.
type Source struct {
	Group *Group
	Rank  int
	Lost  int // claims of its lists on ids that another group has
}

// List is a list of a source.
type List struct {
	Source *Source
	Name   string // a file's path
	Round  uint32 // counts the whole contents
}

// Attrs is what a list and its group say of an id.
type Attrs struct {
	Group    *Group
	Model    string
	Endpoint string // that the list names; empty: that of the group
	Labels   map[string]string
	own      map[string]string // those of the labels that the list gives, and not the group
}

// On returns attrs as they are where the group says what base does.
func (t *Attrs) On(base *Attrs) *Attrs { return base.with(t.Model, t.Endpoint, t.own) }

// Listed returns the attrs of ids of a list whose group says what t does; nil: the list says nothing.
func (t *Attrs) Listed(own *parsed.Attrs) *Attrs {
	if own == nil {
		return t
	}
	return t.with(own.Model, own.Endpoint, own.Labels)
}

// Own returns the labels that the list gives, and not the group.
func (t *Attrs) Own() map[string]string { return t.own }

// with returns attrs with what a list says over what the group does.
func (t *Attrs) with(model, endpoint string, labels map[string]string) *Attrs {
	merged := t.Labels
	switch {
	case len(labels) == 0:
	case len(t.Labels) == 0:
		merged = labels
	default:
		merged = maps.Clone(t.Labels)
		maps.Copy(merged, labels)
	}
	return &Attrs{Group: t.Group, Model: model, Endpoint: endpoint, Labels: merged, own: labels}
}

// Listing is which lists name an id.
type Listing struct {
	Claims   *Claim // nil only while being settled
	Reported *Attrs // what was last reported to the sink; nil: nothing yet
}

// Claim is a list's claim on an id, and those of other lists.
type Claim struct {
	List    *List
	Attrs   *Attrs
	Round   uint32 // the list's round that had the id last
	Counted bool   // as a duplicate
	Lost    bool   // to another group
	Next    *Claim
}

// All yields c and those after it.
func (c *Claim) All() iter.Seq[*Claim] {
	return func(yield func(*Claim) bool) {
		for c := c; c != nil; c = c.Next {
			if !yield(c) {
				return
			}
		}
	}
}

// By returns a list's claim; nil: it has none.
func (c *Claim) By(l *List) *Claim {
	for c != nil && c.List != l {
		c = c.Next
	}
	return c
}

// Owner returns the claim that counts.
func (c *Claim) Owner() *Claim {
	first := c
	for other := range c.All() {
		if other.compare(first) < 0 {
			first = other
		}
	}
	return first
}

// IsLive reports whether the list's content has the id.
func (c *Claim) IsLive() bool { return c.Round == c.List.Round }

// Before reports whether an id that c claims goes before that of another list.
func (c *Claim) Before(l *List) bool {
	return c.IsLive() && c.List != l &&
		(c.List.Source.Rank < l.Source.Rank || c.List.Source == l.Source && c.List.Name < l.Name)
}

// compare orders claims by precedence. Within a source a file that lists the id goes before one that did.
func (c *Claim) compare(d *Claim) int {
	if order := cmp.Compare(c.List.Source.Rank, d.List.Source.Rank); order != 0 {
		return order
	}
	if c.IsLive() != d.IsLive() {
		if c.IsLive() {
			return -1
		}
		return 1
	}
	return strings.Compare(c.List.Name, d.List.Name)
}
