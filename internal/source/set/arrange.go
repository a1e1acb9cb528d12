// Which sources the groups of a configuration make: here a source of each kind is made, and kept for the files that ask one kind for more
// than source.Source says: reconfigure.go lists by HTTP, push.go pushes.

package set

import (
	"log/slog"
	"maps"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/inline"
	"github.com/kie-exporter/kie_exporter/internal/source/ledger"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/pushed"
	"github.com/kie-exporter/kie_exporter/internal/source/remote"
)

// kinds are the sources that may be given other settings, by kind and group.
type kinds struct {
	inline map[string]*inline.Source
	remote map[string]*remote.Source
	pushed map[string]*pushed.Source
}

func newKinds() kinds {
	return kinds{
		inline: make(map[string]*inline.Source), remote: make(map[string]*remote.Source), pushed: make(map[string]*pushed.Source),
	}
}

// arrangement is the sources of groups, made out of those that there were.
type arrangement struct {
	set     *Set
	servers map[string]*remote.Server
	before  map[key]*member // those that were not taken over
	kinds   kinds           // those before

	added   []*member // to be read for the first time
	changed []*member // whose ids are written down anew
	moved   []*member // that are at another server
	gone    []*member // that are no more: they come last in precedence as long as they still have claims
}

// arrangeLocked makes the sources of groups out of those that there are.
func (s *Set) arrangeLocked(p *Prepared) *arrangement {
	a := &arrangement{set: s, servers: p.servers, before: make(map[key]*member, len(s.members)), kinds: s.kinds}
	for _, m := range s.members {
		a.before[m.key] = m
	}
	again := s.ledger.Arrange(ledgerGroups(p.groups))
	s.members, s.kinds = nil, newKinds()
	for _, g := range p.groups {
		a.addGroup(g)
	}
	a.gone = slices.Collect(maps.Values(a.before))
	for i, m := range a.gone {
		m.claims.Rank = len(s.members) + i
	}
	if len(a.gone) > 0 || len(a.added) < len(s.members) {
		s.ledger.TouchShared() // precedence may have changed
	}
	for _, m := range s.members {
		m.soon = m.soon || again[m.key.group]
	}
	shown := s.members
	s.shown.Store(&shown)
	return a
}

func ledgerGroups(given []groups.Group) []ledger.GroupOptions {
	all := make([]ledger.GroupOptions, len(given))
	for i, g := range given {
		all[i] = ledger.GroupOptions{Name: g.Name, Account: g.Account, MaxTasks: g.MaxTasks, Has: g.Has}
	}
	return all
}

// addGroup adds the sources of a group. A new kind of source is added here.
func (a *arrangement) addGroup(g groups.Group) {
	if len(g.Inline) > 0 {
		a.addInline(g)
	}
	for _, p := range g.Files {
		a.add(g, key{g.Name, p.Written, p.Path}, func(claims *list.Source, log *slog.Logger) source.Source {
			return files.New(claims, p, log)
		})
	}
	if g.HTTP != nil {
		a.addRemote(g)
	}
	if g.Push != nil {
		a.addPushed(g)
	}
}

func (a *arrangement) addPushed(g groups.Group) {
	own := a.kinds.pushed[g.Name]
	a.add(g, key{g.Name, groups.PushLabel, ""}, func(claims *list.Source, _ *slog.Logger) source.Source {
		own = pushed.New(g.Name, claims, &a.set.beyond)
		return own
	})
	own.Keep(g.Push.Keep)
	own.Hold(g.Parts)
	a.set.kinds.pushed[g.Name] = own
}

func (a *arrangement) addInline(g groups.Group) {
	own := a.kinds.inline[g.Name]
	m, added := a.add(g, key{g.Name, groups.InlineLabel, ""}, func(claims *list.Source, log *slog.Logger) source.Source {
		own = inline.New(claims, log)
		return own
	})
	a.set.kinds.inline[g.Name] = own
	if own.Put(g.Inline) && !added {
		a.changed = append(a.changed, m)
	}
}

func (a *arrangement) addRemote(g groups.Group) {
	r := a.kinds.remote[g.Name]
	m, added := a.add(g, key{g.Name, groups.HTTPLabel, ""}, func(claims *list.Source, log *slog.Logger) source.Source {
		r = remote.New(claims, log)
		return r
	})
	a.set.kinds.remote[g.Name] = r
	if server := a.servers[g.Name]; server != nil {
		elsewhere := r.Move(server)
		m.reads.Owed = m.reads.Owed || elsewhere || added // a new one's first read is a backlog whenever it is
		m.fetching = false                                // what is still fetched is for nobody
		a.moved = append(a.moved, m)
	}
	r.Every(g.HTTP.Interval)
}

// add appends the source of that key to the set: the one that was there, or a new one.
func (a *arrangement) add(g groups.Group, k key, open func(*list.Source, *slog.Logger) source.Source) (m *member, added bool) {
	s := a.set
	m, known := a.before[k]
	if known {
		delete(a.before, k)
		m.claims.Label(g.Labels)
	} else {
		m = &member{key: k, claims: s.ledger.NewSource(g.Name, g.Labels), log: s.log.With("group", k.group, "source", k.label)}
		m.source = open(m.claims, m.log)
		m.publishLocked()
		a.added = append(a.added, m)
	}
	m.claims.Rank = len(s.members)
	s.members = append(s.members, m)
	return m, !known
}
