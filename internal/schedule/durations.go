// What is learned of how long tasks take.

package schedule

import (
	"math"
	"slices"
	"time"
)

const (
	// memory is how many tasks are remembered: with each new one the weight of all before shrinks by one in so many.
	memory = 1000
	// enough is from how many tasks on what was learned is used; before, what is learned of more tasks is used instead.
	enough = 10
)

// Durations are learned from finished tasks: all, those of a group, those of a group and model. They form a tree: what is
// observed of a model is observed of its group and of all, and where fewer than enough tasks were seen, those further up decide.
// Beside the tree are those of a model in all groups. Not safe for concurrent use.
type Durations struct {
	parent    *Durations
	children  []*Durations
	elsewhere *Durations // of the same model in all groups; nil: these are not of one model, or it has no name
	variant   bool       // of the parent, a model: no answer tells which

	observations
}

// observations are what was learned from some tasks.
type observations struct {
	weights [buckets]float32 // of the durations in each bucket
	total   float64          // sum of the weights
	seen    int              // tasks observed
	rank    float64          // moving average of the observed ones' ranks among those before; around 0.5 unless something has changed
	share   float64          // of the parent's recent tasks, relative to its other children
	fresh   int              // observed since the tables were made
	tables  *tables          // nil until enough is known
	overdue threshold
}

// NewDurations returns durations of which nothing is known, a part of the parent's. The parent is nil for those of all tasks.
func NewDurations(parent *Durations) *Durations {
	d := &Durations{parent: parent, observations: observations{rank: 0.5}}
	if parent != nil {
		parent.children = append(parent.children, d)
	}
	return d
}

// NewModel returns durations of a model in a group of which nothing is known. Until enough is, they go by those of the model
// in all groups, before they go by the group's.
func NewModel(group, elsewhere *Durations) *Durations {
	d := NewDurations(group)
	d.elsewhere = elsewhere
	return d
}

// NewVariant returns durations of a variant of a model, of which nothing is known. Until enough is, they go by the model's. From which age on
// tasks are overdue is the model's in any case.
func NewVariant(model *Durations) *Durations {
	return &Durations{parent: model, variant: true, observations: observations{rank: 0.5}}
}

// Inherit has d begin with all that is known of other tasks, unless something is known of its own.
func (d *Durations) Inherit(from *Durations) {
	if d.seen == 0 {
		d.observations = from.observations
		d.fresh = d.seen // the tables may rest on children that d does not have
	}
}

// Replace has d be what is known of other tasks.
func (d *Durations) Replace(from *Durations) {
	d.seen = 0
	d.Inherit(from)
}

// Retire takes d out of the tree: its parent no longer goes by it. What the parent has learned through it stays.
func (d *Durations) Retire() {
	if d.parent != nil {
		d.parent.children = slices.DeleteFunc(d.parent.children, func(c *Durations) bool { return c == d })
	}
}

// Observe learns from a finished task how long it took.
func (d *Durations) Observe(took time.Duration) {
	for ; d != nil; d = d.parent {
		d.observe(took)
		if d.elsewhere != nil {
			d.elsewhere.observe(took)
		}
		if d.parent != nil {
			d.parent.shareOut(d)
		}
	}
}

func (d *Durations) observe(took time.Duration) {
	b := bucketOf(took.Seconds())
	d.overdue.observe(took, d.Overdue(), d.noticeChange(b))
	d.total = add(&d.weights, d.total, b)
	d.seen++
	d.fresh++
}

// add adds one to a bucket's weight after all weights have faded, and returns their sum.
func add(weights *[buckets]float32, total float64, b int) float64 {
	const fade = 1 - 1.0/memory
	for i := range weights {
		weights[i] *= fade
	}
	weights[b]++
	return total*fade + 1
}

const (
	// rankMemory is how many tasks the moving average of ranks goes back.
	rankMemory = 12
	// rankLimit is how far it may be off the middle. Without a change it is 4 standard deviations.
	rankLimit = 0.25
	// keptOnChange is the weight that is left of what was learned before a change.
	keptOnChange = 2
)

// noticeChange forgets most of what was learned if the moving average of ranks is off the middle by rankLimit, and reports whether it
// is. Ranks, not durations, are averaged, so that a few tasks that take very long do not look like a change.
func (d *Durations) noticeChange(b int) bool {
	if d.total < enough {
		return false
	}
	below := 0.0
	for _, w := range d.weights[:b] {
		below += float64(w)
	}
	rank := (below + float64(d.weights[b])/2) / d.total
	d.rank += (rank - d.rank) / rankMemory
	if math.Abs(d.rank-0.5) < rankLimit {
		return false
	}
	for i := range d.weights {
		d.weights[i] *= float32(keptOnChange / d.total)
	}
	d.rank, d.total = 0.5, keptOnChange
	return true
}

// shareOut updates the children's shares of the recent tasks: the last one observed was this child's.
func (d *Durations) shareOut(child *Durations) {
	for _, c := range d.children {
		c.share *= 1 - 1.0/memory
	}
	child.share++
}

// quantile returns the seconds below which a part of the weights lies.
func quantile(weights *[buckets]float32, total, part float64) float64 {
	sum := 0.0
	for b, w := range weights {
		if w > 0 && sum+float64(w) >= part*total {
			return edge(b) + (edge(b+1)-edge(b))*(part*total-sum)/float64(w)
		}
		sum += float64(w)
	}
	return edge(buckets)
}

// knownTables returns the tables to go by, of the narrowest set of tasks of which enough is known; nil if there is none.
func (d *Durations) knownTables() *tables {
	if d = d.narrowestKnown(); d == nil {
		return nil
	}
	return d.tables
}

// narrowestKnown returns the narrowest set of tasks of which enough is known; nil if there is none.
func (d *Durations) narrowestKnown() *Durations {
	for ; d != nil; d = d.parent {
		if d.ownTables() != nil {
			return d
		}
		if d.elsewhere != nil && d.elsewhere.ownTables() != nil {
			return d.elsewhere
		}
	}
	return nil
}

// ownTables returns the tables for just these tasks, made again when what they rest on has changed by a sixteenth; nil if not
// enough is known.
func (d *Durations) ownTables() *tables {
	if d.seen >= enough && float64(d.fresh) >= d.total/16 {
		d.fresh = 0
		d.tables = newTables(d)
	}
	return d.tables
}

// Interval returns how long after an answer an unfinished task of this age is asked again if there is budget to spare.
func (d *Durations) Interval(b Bounds, age time.Duration) time.Duration {
	t := d.knownTables()
	if t == nil || age >= OldAge {
		return b.Interval(age)
	}
	row, part := position(age.Seconds())
	wait := t.pays(row, part, 0) - age.Seconds()
	return min(max(time.Duration(wait*float64(time.Second)).Round(100*time.Millisecond), b.Min), b.Max)
}
