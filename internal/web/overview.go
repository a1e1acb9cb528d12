// An overview goes through all tasks once and keeps what one page shows.

package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// How many tasks the page shows at the most: of the latest failures, of those that need a look, of those that the API does not know.
const (
	shownFailures = 10
	shownUrgent   = 10
	shownMissing  = 20
)

// overview is what one pass over the tasks came to. Its size does not depend on how many tasks there are.
type overview struct {
	query *query
	at    time.Time

	tracked  int
	matching int
	earlier  int // of the matching ones, before the first of the page
	tasks    []view.Task
	failures []view.Task // in scope, latest first
	urgent   []view.Task // in scope: overdue ones, then those whose queries fail
	missing  []view.Task // in scope: those that the API does not know
	rows     []*row      // by group, then model, empty ones too
}

// pass gathers what an overview is made of, from tasks one by one, or from what passes of other replicas came to.
type pass struct {
	query *query

	tracked  int
	matching int
	ahead    int // of the matching ones, on the near side of the place where the page begins or ends

	page, failures, urgent, missing topTasks

	rows map[rowKey]*row
}

type rowKey struct{ group, model string }

// row sums up the tasks in scope of one group and model.
type row struct {
	rowKey
	tasks   int
	states  [statesCount]int
	overdue int
	failing int // of those that are not overdue
	missing int
	oldest  kie.Time // creation of the oldest unfinished one
	latency latencies
}

func newPass(q *query) *pass {
	return &pass{
		query: q, rows: make(map[rowKey]*row), page: topTasks{most: q.limit, backwards: q.before != nil},
		failures: topTasks{most: shownFailures}, urgent: topTasks{most: shownUrgent}, missing: topTasks{most: shownMissing},
	}
}

// add takes a task into account.
func (p *pass) add(k *view.Task) {
	q := p.query
	p.tracked++
	r := p.row(rowKey{k.Group, k.Model})
	if !q.inScope(k) {
		return
	}
	r.add(k)
	place := rankOf(k)
	switch {
	case k.State == kie.StateFail:
		p.failures.add(place, k)
	case place.class <= rankFailing:
		p.urgent.add(place, k)
	case place.class == rankMissing:
		p.missing.add(place, k)
	}
	if !q.matches(k) {
		return
	}
	p.matching++
	if q.byID {
		place = placeByID(k)
	}
	switch {
	case q.after != nil && place.compare(*q.after) <= 0:
		p.ahead++
		return
	case q.before != nil && place.compare(*q.before) >= 0:
		return
	case q.before != nil:
		p.ahead++
	}
	p.page.add(place, k)
}

// overview returns what the pass came to.
func (p *pass) overview(now time.Time) *overview {
	s := &overview{
		query: p.query, at: now, tracked: p.tracked, matching: p.matching, earlier: p.ahead, rows: slices.Collect(maps.Values(p.rows)),
		tasks: p.page.tasks(), failures: p.failures.tasks(), urgent: p.urgent.tasks(), missing: p.missing.tasks(),
	}
	if p.query.before != nil {
		s.earlier -= len(s.tasks)
	}
	slices.SortFunc(s.rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.model, b.model))
	})
	return s
}

func (p *pass) row(key rowKey) *row {
	r, ok := p.rows[key]
	if !ok {
		r = &row{rowKey: key}
		p.rows[key] = r
	}
	return r
}

func (r *row) add(k *view.Task) {
	r.tasks++
	r.states[k.State]++
	switch {
	case k.Overdue:
		r.overdue++
	case isMissing(k):
		r.missing++
	case isFailing(k):
		r.failing++
	}
	if took, ok := k.Latency(); ok && k.State == kie.StateSuccess {
		r.latency.add(took)
	}
	if !k.State.Finished() && !k.GivenUp && !k.Created.IsZero() && (r.oldest.IsZero() || k.Created < r.oldest) {
		r.oldest = k.Created
	}
}

// next and previous return the query strings of the neighbouring pages, "" where there is none.
func (s *overview) next() string {
	if n := len(s.tasks); n > 0 && s.earlier+n < s.matching {
		return s.query.with("after", s.query.placeOf(&s.tasks[n-1]).String())
	}
	return ""
}

func (s *overview) previous() string {
	switch {
	case s.earlier == 0:
		return ""
	case len(s.tasks) == 0:
		return s.query.with()
	}
	return s.query.with("before", s.query.placeOf(&s.tasks[0]).String())
}

// rank is a task's place in the list: overdue ones, those whose queries fail, other unfinished ones, those that were never
// answered, each by age, the oldest first; then finished ones, the latest first; last those that the API does not know, by age. A page
// begins after a rank, not at a number, so that it stays where it is when tasks come and go.
type rank struct {
	class   int
	at      kie.Time
	id      string
	account string
}

const (
	rankOverdue = iota - 1
	rankFailing
	rankUnfinished
	rankPending
	rankFinished
	rankMissing
	rankByID // the rank of all in the order of ids, where nothing that becomes of a task moves it
)

// placeOf returns a task's place in the list that is asked for.
func (q *query) placeOf(k *view.Task) rank {
	if q.byID {
		return placeByID(k)
	}
	return rankOf(k)
}

func placeByID(k *view.Task) rank { return rank{class: rankByID, id: k.ID, account: k.Account} }

func rankOf(k *view.Task) rank {
	switch {
	case k.State.Finished():
		return rank{rankFinished, -ended(k), k.ID, k.Account}
	case k.Overdue:
		return rank{rankOverdue, born(k), k.ID, k.Account}
	case isMissing(k):
		return rank{rankMissing, born(k), k.ID, k.Account}
	case isFailing(k):
		return rank{rankFailing, born(k), k.ID, k.Account}
	case k.State == kie.StatePending:
		return rank{rankPending, born(k), k.ID, k.Account}
	}
	return rank{rankUnfinished, born(k), k.ID, k.Account}
}

// born returns when an unfinished task was created, or first seen if that is not known.
func born(k *view.Task) kie.Time { return cmp.Or(k.Created, kie.TimeOf(k.Seen)) }

// ended returns when a finished task finished, or when that was learned.
func ended(k *view.Task) kie.Time { return cmp.Or(k.Completed, k.FailedAt, k.Learned) }

func (r rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(r.class, o.class), cmp.Compare(r.at, o.at), strings.Compare(r.id, o.id), strings.Compare(r.account, o.account))
}

// String returns the rank as parseRank reads it. A line end can be in neither an id nor the name of an account.
func (r rank) String() string {
	text := fmt.Sprintf("%d.%d.%s", r.class, r.at, r.id)
	if r.account != "" {
		text += "\n" + r.account
	}
	return text
}

func parseRank(name, text string) (*rank, error) {
	class, rest, _ := strings.Cut(text, ".")
	at, id, found := strings.Cut(rest, ".")
	c, err := strconv.Atoi(class)
	ms, err2 := strconv.ParseInt(at, 10, 64)
	if !found || err != nil || err2 != nil {
		return nil, fmt.Errorf("%s: %q is not a place in the list; take those of the links to the next and the previous page", name, text)
	}
	id, account, _ := strings.Cut(id, "\n")
	return &rank{c, kie.Time(ms), id, account}, nil
}

// topTasks keeps the tasks of least rank, or of greatest if it goes backwards.
type topTasks struct {
	most      int
	backwards bool
	kept      []ranked // fewer than twice as many as wanted
	bound     *rank    // those beyond it are not wanted; nil: all are
}

type ranked struct {
	rank
	task view.Task
}

func (l *topTasks) add(r rank, k *view.Task) {
	if l.bound != nil && l.compare(r, *l.bound) > 0 {
		return
	}
	l.kept = append(l.kept, ranked{r, *k})
	if len(l.kept) == 2*l.most {
		l.cut()
	}
}

func (l *topTasks) compare(a, b rank) int {
	if l.backwards {
		return b.compare(a)
	}
	return a.compare(b)
}

// cut drops what is beyond the wanted number.
func (l *topTasks) cut() {
	slices.SortFunc(l.kept, func(a, b ranked) int { return l.compare(a.rank, b.rank) })
	if len(l.kept) > l.most {
		l.kept = l.kept[:l.most]
		l.bound = new(l.kept[l.most-1].rank)
	}
}

// tasks returns the tasks in the order of the list.
func (l *topTasks) tasks() []view.Task {
	l.cut()
	if l.backwards {
		slices.Reverse(l.kept)
	}
	all := make([]view.Task, 0, len(l.kept))
	for _, k := range l.kept {
		all = append(all, k.task)
	}
	return all
}
