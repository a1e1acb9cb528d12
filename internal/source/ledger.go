// Which list lists which id, and so whose each id is.

package source

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// grace is how long the successful reads of a source must lack an id until it is dropped.
const grace = 30 * time.Second

// ledger knows the claims of all lists on all tracked ids. Replace and expire change claims; settle draws the
// conclusions.
type ledger struct {
	limit    int
	lists    listLimits
	groups   int // with a place in the order of changes
	accounts map[string]*account
	count    int    // ids of all of them
	shared   shared // what was made since the last settle
	guard    *guard
	refused  int    // ids of all lists for which there was no room
	round    uint32 // changes when all lists are to be read again, whether they changed or not
	seed     maphash.Seed

	outside func(slow func()) // calls slow without the set's lock, while nobody else reads or replaces sources
}

// task is a tracked id. There are a million of them, so what is alike for many is held once.
type task struct {
	id string
	*standing
}

// traits is what a list says of an id besides that it exists. It is shared between ids and never written to.
type traits struct {
	group  *group
	model  string
	labels map[string]string
	own    map[string]string // those of the labels that the list gives, and not the group
}

// list is what the ledger knows of one inline list or file.
type list struct {
	source *source
	name   string // a file's path
	round  uint32 // counts the contents
	tasks  []*task
	// missing holds the ids that the content lacks and that are not dropped yet, with the first successful read of the
	// source that lacked them; zero: there was none yet.
	missing map[*task]time.Time

	listed, repeated, refused int // ids of the content; of these, listed above in it already; without room
	crowded                   int // ids for which the group has no room
	noTask                    int // answers in the content that created no task
	beyond                    int // ids beyond those that a list may have
	faults                    faults

	firsts map[Rejection]int // the lines of the content where something was rejected first

	held bool // its file can't be read now, so that nobody knows what it lacks
}

func newLedger(limits Limits) *ledger {
	return &ledger{
		limit: limits.Tasks, lists: listLimits{limits.Bytes, limits.IDs}, accounts: make(map[string]*account),
		shared: newShared(), guard: &guard{}, seed: maphash.MakeSeed(),
		outside: func(slow func()) { slow() },
	}
}

// listLimits bound one list.
type listLimits struct {
	bytes int64
	ids   int
}

// bound puts other limits in force, and reports whether all lists are to be read again.
func (g *ledger) bound(limits Limits) bool {
	lists := listLimits{limits.Bytes, limits.IDs}
	changed := lists != g.lists
	g.limit, g.lists = limits.Tasks, lists
	if changed {
		g.round++
	}
	return changed
}

// replace makes what was harvested the content of l, and returns what is wrong with lines that it did not return before.
func (g *ledger) replace(l *list, h *harvest) report {
	r := reading{ledger: g, list: l, round: l.round + 1, tasks: make([]*task, 0, len(l.tasks)), harvest: h}
	h.each(l.source.base, r.visit)
	for _, t := range l.tasks {
		if c := t.claims.of(l); c != nil && c.round != r.round {
			l.miss(t, time.Time{})
			g.touch(l, t)
		}
	}
	if l.beyond == 0 {
		h.report.beyond, h.report.most = h.beyond, h.most
	}
	src := l.source
	r.listed += h.beyond
	src.listed += r.listed - l.listed
	src.rejected[RejectedDuplicate] += more(r.repeated, l.repeated)
	src.rejected[RejectedLimit] += more(r.refused, l.refused)
	src.rejected[RejectedMaxTasks] += more(r.crowded, l.crowded)
	src.rejected[RejectedListIDs] += more(h.beyond, l.beyond)
	src.rejected[RejectedNoTask] += more(h.noTask, l.noTask)
	src.rejected[RejectedInvalid] += more(h.report.count-h.secrets, 0)
	src.rejected[RejectedSecret] += more(h.secrets, 0)
	g.refused += r.refused - l.refused
	src.group.refused += r.crowded - l.crowded
	l.round, l.tasks, l.faults = r.round, slices.Clone(r.tasks), h.faults // a clone, to give back what was too much
	l.listed, l.repeated, l.refused, l.noTask, l.beyond, l.firsts = r.listed, r.repeated, r.refused, h.noTask, h.beyond, h.firsts
	l.crowded = r.crowded
	return h.report
}

// wants reports whether l should be read again though it did not change: there is room now for ids refused before.
// Refused ids are not kept, for there may be any number of them.
func (g *ledger) wants(l *list) bool {
	return l.refused > 0 && g.count < g.limit || l.crowded > 0 && !l.source.group.isFull()
}

// touch notes that the claims on an id of a list may have changed.
func (g *ledger) touch(l *list, t *task) {
	a := l.source.group.account
	a.touched = append(a.touched, t)
}

// more returns by how much a count grew: what a content repeats or was refused once is not counted at each read.
func more(now, before int) uint64 { return uint64(max(0, now-before)) }

// expire drops the claims of src on ids that its successful reads have lacked for long enough. The read that ended now
// was successful, but for the lists that are held.
func (g *ledger) expire(src *source, now time.Time) {
	for l := range src.feed.lists() {
		if l.held {
			continue
		}
		for t, since := range l.missing {
			switch {
			case since.IsZero():
				l.missing[t] = now
			case now.Sub(since) >= grace:
				delete(l.missing, t)
				g.release(l, t)
			}
		}
		if len(l.missing) == 0 {
			l.missing = nil // a map never gives memory back
		}
	}
}

// release takes back a list's claim on an id.
func (g *ledger) release(l *list, t *task) {
	t.standing = g.shared.standing(g.shared.given(t.claims, l), t.told)
	g.touch(l, t)
}

// releaseMissing takes back a list's claims on what its content lacks, without the grace that files have.
func (g *ledger) releaseMissing(l *list) {
	for t := range l.missing {
		g.release(l, t)
	}
	l.missing = nil
}

// retire takes back all claims of a source.
func (g *ledger) retire(src *source) {
	for l := range src.feed.lists() {
		g.releaseMissing(l)
		for _, t := range l.tasks {
			g.release(l, t)
		}
		g.refused -= l.refused
		src.group.refused -= l.crowded
		l.tasks, l.refused, l.crowded = nil, 0, 0
	}
}

// rebase puts the labels that a group has now into the claims of one of its sources.
func (g *ledger) rebase(src *source, base *traits) {
	moved := make(map[*traits]*traits)
	move := func(l *list, t *task) {
		claimed := t.claims.of(l)
		if claimed == nil { // it was given up
			return
		}
		c := *claimed
		if moved[c.traits] == nil {
			moved[c.traits] = c.traits.over(base)
		}
		c.traits = moved[c.traits]
		t.standing = g.shared.standing(g.shared.with(t.claims, c), t.told)
		g.touch(l, t)
	}
	for l := range src.feed.lists() {
		for _, t := range l.tasks {
			move(l, t)
		}
		for t := range l.missing {
			move(l, t)
		}
	}
}

// touchShared has it decided anew whose the ids are that are listed more than once.
func (g *ledger) touchShared() {
	for _, a := range g.accounts {
		for t := range a.tasks.All() {
			if t.claims != nil && t.claims.next != nil {
				a.touched = append(a.touched, t)
			}
		}
	}
}

// settleAtATime is how many ids a change has at the most, so that a list of a million is handed on in parts.
const settleAtATime = 1 << 17

// settle decides anew whose the touched ids are, and yields what changed, some ids at a time and group by group.
func (g *ledger) settle() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		defer func() { g.shared = newShared() }()
		for _, a := range g.inOrder() {
			all := a.touched
			a.touched = nil
			for touched := range slices.Chunk(all, settleAtATime) {
				for _, c := range g.settleSome(a, touched) {
					if len(c.Added)+len(c.Removed) > 0 && !yield(c) {
						return
					}
				}
			}
		}
	}
}

// settleSome returns what changed of some ids of an account, by group.
func (g *ledger) settleSome(a *account, touched []*task) []Change {
	changes := make([]Change, g.groups)
	for _, t := range touched {
		g.settleTask(a, t, changes)
	}
	return changes
}

func (g *ledger) settleTask(a *account, t *task, changes []Change) {
	told, owner := t.told, g.ownerOf(t)
	if owner == nil {
		if told != nil { // else it was touched twice, or went to another account
			c := told.group.in(changes)
			c.Removed = append(c.Removed, t.id)
		}
		g.tell(t, nil, nil)
		g.untrack(a, t)
		return
	}
	claims := t.claims
	for c := range t.claims.all() {
		// An id on its way from one list to another is not listed twice.
		if c != owner && !c.counted && c.live() && owner.live() {
			counted := *c
			counted.counted = true
			claims = g.shared.with(claims, counted)
			c.list.source.rejected[RejectedDuplicate]++
		}
	}
	g.tell(t, g.shared.settled(claims, owner.traits.group), owner.traits)
	if told == nil || told.group != t.told.group || !maps.Equal(told.labels, t.told.labels) {
		c := t.told.group.in(changes)
		c.Added = append(c.Added, Task{ID: t.id, Model: t.told.model, Labels: t.told.labels})
	}
}

// in returns the group's change.
func (g *group) in(changes []Change) *Change {
	c := &changes[g.index]
	c.Group = g.name
	return c
}

// empty reports whether l lists nothing and has nothing to drop.
func (l *list) empty() bool { return l.listed+len(l.missing) == 0 }

// reading is the content of a list while it is visited.
type reading struct {
	ledger                    *ledger
	list                      *list
	round                     uint32
	tasks                     []*task
	listed, repeated, refused int
	crowded                   int
	harvest                   *harvest

	// What became of the standing of the id before, which is what becomes of that of the next one, nearly always.
	before, after *standing
	traits        *traits
}

func (r *reading) visit(f found, id string, of *traits) {
	if r.ledger.guard.refuses(id) {
		r.harvest.secret(f, id)
		return
	}
	r.listed++
	g, l, a := r.ledger, r.list, r.list.source.group.account
	t := a.tasks.Get(id)
	if (t == nil || t.claims.of(l) == nil) && r.noRoom(f, t) {
		return
	}
	if t == nil {
		t = g.track(a, strings.Clone(id)) // a clone, so that an id does not keep the whole content in memory
	}
	c := t.claims.of(l)
	switch {
	case c == nil:
		g.touch(l, t)
	case c.round == r.round:
		r.repeated++
		r.harvest.first(RejectedDuplicate, f)
		return
	default:
		if c.traits != of || c.round != l.round {
			g.touch(l, t)
		}
		delete(l.missing, t)
	}
	if t.claims != nil && (c == nil || t.claims.next != nil) && t.claims.owner().before(l) {
		r.harvest.first(RejectedDuplicate, f)
	}
	t.standing = r.claimed(t.standing, of)
	r.tasks = append(r.tasks, t)
}

// noRoom reports whether there is no room for an id that the list does not claim yet, and counts it then.
func (r *reading) noRoom(f found, t *task) bool {
	reason := r.ledger.refuses(t, r.list)
	switch reason {
	case RejectedLimit:
		r.refused++
	case RejectedMaxTasks:
		r.crowded++
	default:
		return false
	}
	r.harvest.first(reason, f)
	return true
}

// claimed returns the standing of an id that the list has.
func (r *reading) claimed(s *standing, of *traits) *standing {
	if s != r.before || of != r.traits {
		c := claim{list: r.list, traits: of, round: r.round}
		if before := s.claims.of(r.list); before != nil {
			c.counted, c.lost = before.counted, before.lost
		}
		shared := &r.ledger.shared
		r.before, r.traits, r.after = s, of, shared.standing(shared.with(s.claims, c), s.told)
	}
	return r.after
}
