// Which list lists which id, and so whose each id is.

package source

import (
	"cmp"
	"hash/maphash"
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
	limit   int
	groups  int // with a place in the order of changes
	tasks   map[string]*task
	touched []*task // the claims on which may have changed since the last settle
	refused int     // ids of all lists for which there was no room
	seed    maphash.Seed
}

// task is a tracked id. There are a million of them, so it holds no more than it must.
type task struct {
	id     string
	claims []claim // at least one, except while being settled
	told   *traits // what the sink was told last; nil: nothing yet
}

// claim is a list's claim on an id.
type claim struct {
	list    *list
	traits  *traits
	round   uint32 // the list's round that had the id last
	counted bool   // as a duplicate
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
	faults                    faults
}

// item is an id in a list, or a line that is none.
type item struct {
	line   int
	text   string // the id; in a faulty line, what is there
	traits *traits
	err    error // what is wrong with the line; it does not quote the text
}

func newLedger(limit int) *ledger {
	return &ledger{limit: limit, tasks: make(map[string]*task), seed: maphash.MakeSeed()}
}

// replace makes the items that parse visits the content of l, and returns what is wrong with lines that it did not
// return before. Parse visits nothing if it fails, and then nothing changes.
func (g *ledger) replace(l *list, parse func(visit func(item)) error) (report, error) {
	r := reading{ledger: g, list: l, round: l.round + 1, tasks: make([]*task, 0, len(l.tasks))}
	if err := parse(r.visit); err != nil {
		return report{}, err
	}
	for _, t := range l.tasks {
		if t.claim(l).round != r.round {
			if l.missing == nil {
				l.missing = make(map[*task]time.Time)
			}
			l.missing[t] = time.Time{}
			g.touched = append(g.touched, t)
		}
	}
	src := l.source
	src.listed += r.listed - l.listed
	src.rejected[RejectedDuplicate] += more(r.repeated, l.repeated)
	src.rejected[RejectedLimit] += more(r.refused, l.refused)
	src.rejected[RejectedInvalid] += more(r.report.count, 0)
	g.refused += r.refused - l.refused
	l.round, l.tasks, l.faults = r.round, slices.Clip(r.tasks), r.faults
	l.listed, l.repeated, l.refused = r.listed, r.repeated, r.refused
	return r.report, nil
}

// wants reports whether l should be read again though it did not change: there is room now for ids refused before.
// Refused ids are not kept, for there may be any number of them.
func (g *ledger) wants(l *list) bool { return l.refused > 0 && len(g.tasks) < g.limit }

// more returns by how much a count grew: what a content repeats or was refused once is not counted at each read.
func more(now, before int) uint64 { return uint64(max(0, now-before)) }

// expire drops the claims of src on ids that its successful reads have lacked for long enough. The read that ended now
// was successful.
func (g *ledger) expire(src *source, now time.Time) {
	for l := range src.feed.lists() {
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
	t.claims = slices.DeleteFunc(t.claims, func(c claim) bool { return c.list == l })
	g.touched = append(g.touched, t)
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
		l.tasks, l.refused = nil, 0
	}
}

// rebase puts the labels that a group has now into the claims of one of its sources.
func (g *ledger) rebase(src *source, base *traits) {
	moved := make(map[*traits]*traits)
	move := func(l *list, t *task) {
		c := t.claim(l)
		if moved[c.traits] == nil {
			moved[c.traits] = c.traits.over(base)
		}
		c.traits = moved[c.traits]
		g.touched = append(g.touched, t)
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
	for _, t := range g.tasks {
		if len(t.claims) > 1 {
			g.touched = append(g.touched, t)
		}
	}
}

// settle decides anew whose the touched ids are, and returns what changed, group by group.
func (g *ledger) settle() []Change {
	if len(g.touched) == 0 {
		return nil
	}
	changes := make([]Change, g.groups)
	for _, t := range g.touched {
		g.settleTask(t, changes)
	}
	g.touched = nil
	return slices.DeleteFunc(changes, func(c Change) bool { return len(c.Added)+len(c.Removed) == 0 })
}

func (g *ledger) settleTask(t *task, changes []Change) {
	told := t.told
	if len(t.claims) == 0 {
		if told != nil { // else the id was touched twice
			c := told.group.in(changes)
			c.Removed = append(c.Removed, t.id)
			t.told = nil
			delete(g.tasks, t.id)
		}
		return
	}
	owner := t.owner()
	for i := range t.claims {
		c := &t.claims[i]
		// An id on its way from one list to another is not listed twice.
		if c != owner && !c.counted && c.live() && owner.live() {
			c.counted = true
			c.list.source.rejected[RejectedDuplicate]++
		}
	}
	t.told = owner.traits
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

// claim returns l's claim on t; nil: it has none.
func (t *task) claim(l *list) *claim {
	for i := range t.claims {
		if t.claims[i].list == l {
			return &t.claims[i]
		}
	}
	return nil
}

// owner returns the claim that counts.
func (t *task) owner() *claim {
	first := &t.claims[0]
	for i := range t.claims {
		if t.claims[i].compare(first) < 0 {
			first = &t.claims[i]
		}
	}
	return first
}

// live reports whether the list's content has the id.
func (c *claim) live() bool { return c.round == c.list.round }

// compare orders claims by precedence. Within a source a file that lists the id goes before one that did.
func (c *claim) compare(d *claim) int {
	if order := cmp.Compare(c.list.source.rank, d.list.source.rank); order != 0 {
		return order
	}
	if c.live() != d.live() {
		if c.live() {
			return -1
		}
		return 1
	}
	return strings.Compare(c.list.name, d.list.name)
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
	faults                    faults
	report                    report
}

func (r *reading) visit(it item) {
	if it.err != nil {
		if r.faults.add(maphash.String(r.ledger.seed, it.text), &r.list.faults) {
			r.report.add(it)
		}
		return
	}
	r.listed++
	g, l := r.ledger, r.list
	t := g.tasks[it.text]
	if t == nil {
		if len(g.tasks) >= g.limit {
			r.refused++
			return
		}
		t = &task{id: strings.Clone(it.text)} // so that an id does not keep the whole content in memory
		g.tasks[t.id] = t
	}
	c := t.claim(l)
	switch {
	case c == nil:
		t.claims = append(t.claims, claim{list: l, traits: it.traits, round: r.round})
		g.touched = append(g.touched, t)
	case c.round == r.round:
		r.repeated++
		return
	default:
		if c.traits != it.traits || c.round != l.round {
			g.touched = append(g.touched, t)
		}
		c.traits, c.round = it.traits, r.round
		delete(l.missing, t)
	}
	r.tasks = append(r.tasks, t)
}
