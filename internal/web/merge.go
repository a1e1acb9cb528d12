// How several replicas stand, merged into one.

package web

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ownStatus returns how this replica stands, as far as it concerns accounts of a scope.
func (t *Tasks) ownStatus(of scope) *statusDocument {
	s := t.known.Status()
	d := s.document()
	if of != nil {
		d.limit(of)
		for i := range d.Problems {
			if p := &d.Problems[i]; p.Account == "" && p.Group == "" {
				p.Replica = t.known.Replicas.Name()
			}
		}
	}
	return &d
}

// limit leaves out accounts that are not in a scope.
func (d *statusDocument) limit(of scope) {
	gone := func(account string) bool { _, in := of[account]; return !in }
	groups := make(map[string]bool)
	d.Accounts = slices.DeleteFunc(d.Accounts, func(a accountRecord) bool { return gone(a.Name) })
	d.Groups = slices.DeleteFunc(d.Groups, func(g groupRecord) bool { return gone(g.Account) })
	for _, g := range d.Groups {
		groups[g.Name] = true
	}
	d.Sources = slices.DeleteFunc(d.Sources, func(s sourceRecord) bool { return !groups[s.Group] })
	d.Problems = slices.DeleteFunc(d.Problems, func(p problem) bool {
		return p.Account != "" && gone(p.Account) || p.Group != "" && !groups[p.Group]
	})
}

// complete adds to how this replica stands what others told, and what is missing. The order is that of the configuration.
func (t *Tasks) complete(d *statusDocument, others []answered, missing []Missing) {
	if t.known.Replicas == nil {
		return
	}
	names := []string{t.known.Replicas.Name() + " (this one)"}
	for i := range others {
		names = append(names, others[i].from)
		if s := others[i].Status; s != nil {
			d.add(s)
		}
	}
	slices.Sort(names)
	d.replicas, d.Missing = strings.Join(names, ", "), missing
	d.Well = len(d.Problems) == 0 && len(missing) == 0
	sortProblems(d.Problems)
	accounts, groups := t.known.Replicas.Order()
	slices.SortStableFunc(d.Accounts, func(a, b accountRecord) int {
		return slices.Index(accounts, a.Name) - slices.Index(accounts, b.Name)
	})
	slices.SortStableFunc(d.Groups, func(a, b groupRecord) int { return slices.Index(groups, a.Name) - slices.Index(groups, b.Name) })
	slices.SortStableFunc(d.Sources, func(a, b sourceRecord) int {
		return slices.Index(groups, a.Group) - slices.Index(groups, b.Group)
	})
}

// add adds how another replica stands. An account in parts, its groups and their sources may be told of by several.
func (d *statusDocument) add(o *statusDocument) {
	d.Problems = merged(d.Problems, o.Problems, problem.isSame, (*problem).add)
	d.Accounts = merged(d.Accounts, o.Accounts, func(a, b accountRecord) bool { return a.Name == b.Name }, (*accountRecord).add)
	d.Groups = merged(d.Groups, o.Groups, func(a, b groupRecord) bool { return a.Name == b.Name }, (*groupRecord).add)
	d.Sources = merged(d.Sources, o.Sources, func(a, b sourceRecord) bool { return a.Group == b.Group && a.Source == b.Source }, (*sourceRecord).add)
	d.Callbacks = merged(d.Callbacks, o.Callbacks, func(a, b callbackRecord) bool { return a.Account == b.Account }, (*callbackRecord).add)
	d.Storage.Tasks += o.Storage.Tasks
	worst := []string{storageFails, storedInMemory, storedOnDisk}
	if slices.Index(worst, o.Storage.Mode) < slices.Index(worst, d.Storage.Mode) {
		d.Storage.Mode = o.Storage.Mode
	}
}

// merged adds more to all: to what is the same, or at the end.
func merged[T any](all, more []T, same func(a, b T) bool, add func(to *T, more *T)) []T {
	for i := range more {
		if at := slices.IndexFunc(all, func(v T) bool { return same(v, more[i]) }); at >= 0 {
			add(&all[at], &more[i])
		} else {
			all = append(all, more[i])
		}
	}
	return all
}

// isSame reports whether two problems differ in nothing but when they began and may end.
func (p problem) isSame(o problem) bool {
	o.Since, o.Until = p.Since, p.Until
	return p == o
}

func (p *problem) add(o *problem) {
	p.Since, p.Until = earlier(p.Since, o.Since), later(p.Until, o.Until)
}

func (a *accountRecord) add(o *accountRecord) {
	a.Pace += o.Pace
	switch {
	case a.Up == nil:
		a.Up = o.Up
	case o.Up != nil:
		a.Up = new(*a.Up && *o.Up)
	}
	switch {
	case !a.Gate.Closed:
		a.Gate = o.Gate
	case o.Gate.Closed:
		a.Gate.Since, a.Gate.Until = earlier(a.Gate.Since, o.Gate.Since), later(a.Gate.Until, o.Gate.Until)
	}
	a.Balance, a.PerHour, a.Runway = cmp.Or(a.Balance, o.Balance), cmp.Or(a.PerHour, o.PerHour), cmp.Or(a.Runway, o.Runway) // one asks
}

func (g *groupRecord) add(o *groupRecord) {
	g.Tasks += o.Tasks
	worst := []string{callbacksSilent, callbacksCome, callbacksOff}
	if slices.Index(worst, o.Callbacks) < slices.Index(worst, g.Callbacks) {
		g.Callbacks = o.Callbacks
	}
}

func (s *sourceRecord) add(o *sourceRecord) {
	s.IDs += o.IDs
	s.Errors += o.Errors
	s.LastSuccess, s.FailingSince = earlier(s.LastSuccess, o.LastSuccess), earlier(s.FailingSince, o.FailingSince)
	sumUp(&s.Rejected, o.Rejected)
	sumUp(&s.Refused, o.Refused)
}

func (c *callbackRecord) add(o *callbackRecord) { sumUp(&c.Results, o.Results) }

func sumUp[N int | uint64](to *map[string]N, more map[string]N) {
	if *to == nil {
		*to = make(map[string]N)
	}
	for name, n := range more {
		(*to)[name] += n
	}
}

// earlier returns the earlier one of two times; what is not known is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
