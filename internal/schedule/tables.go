// What follows from learned durations: when it pays to ask a task.

package schedule

import (
	"math"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

// Durations are sorted into buckets of equal ratio: one below a second, then eight an octave up to a day and a half.
const (
	perOctave = 8
	octaves   = 17
	buckets   = octaves*perOctave + 1

	scale = histogram.Octaves(perOctave)
)

// edge returns the lower end of a bucket in seconds.
func edge(b int) float64 { return scale.Edge(float64(b)) }

// position returns the bucket of an age in seconds, and how far into the bucket it is, from 0 to 1.
func position(seconds float64) (b int, part float64) {
	x := scale.Bucket(seconds)
	if x >= buckets {
		return buckets - 1, 1
	}
	return int(x), x - math.Floor(x)
}

func bucketOf(seconds float64) int {
	b, _ := position(seconds)
	return b
}

// The prices of a query for which tables are made: the delay, in seconds, that the query would save if it were spent on
// another task instead. The lowest is the price while there is budget to spare.
const (
	prices       = 14
	idlePrice    = 0.25
	highestPrice = idlePrice * (1 << (prices - 1))
)

// price returns a price: each is twice the one before.
func price(i int) float64 { return idlePrice * float64(int(1)<<i) }

// unasked is the row of tasks that were never asked and whose model is not known.
const unasked = buckets + 1

// tables say, for a task that was unfinished at an age, from what age on the next query is worth which price.
type tables struct {
	survival [buckets + 1]float64 // part of the tasks that are unfinished at a bucket's lower end
	integral [buckets + 1]float64 // of survival, in seconds
	cost     [buckets + 1][prices]float32
	next     [buckets + 3][prices]float32
	unsorted bool // tasks that were never asked are of a model not known yet: their row is the last one of next
}

// spread is the part of the tasks that is expected anywhere, from a sixteenth of the median to 64 times it, because what
// was learned of the past says only so much of the future.
const (
	spread      = 0.005
	spreadBelow = 4 * perOctave
	spreadAbove = 6 * perOctave
)

func newTables(d *Durations) *tables {
	t := &tables{}
	t.survive(&d.weights, d.total)
	s := &solver{tables: t}
	for b := range s.edges {
		s.edges[b] = edge(b)
	}
	for i := range prices {
		s.solve(i)
	}
	s.solveUnasked(d.children)
	return t
}

// survive fills in the part of the tasks that is unfinished at each age.
func (t *tables) survive(weights *[buckets]float32, total float64) {
	anywhere := spread + 1/(total+1)
	middle := bucketOf(quantile(weights, total, 0.5))
	low, high := max(middle-spreadBelow, 0), min(middle+spreadAbove, buckets)
	left := 1.0
	for b := range buckets {
		t.survival[b] = left
		// A task may as well take a little less or more: half of a bucket's weight goes to its neighbours.
		p := float64(weights[b])/2 + float64(weights[max(b-1, 0)])/4 + float64(weights[min(b+1, buckets-1)])/4
		p *= (1 - anywhere) / total
		if b >= low && b < high {
			p += anywhere * 0.9 / float64(high-low)
		}
		left = max(left-p, anywhere/100)
	}
	t.survival[buckets] = left
	for b := range buckets {
		t.integral[b+1] = t.integral[b] + (t.survival[b]+t.survival[b+1])/2*(edge(b+1)-edge(b))
	}
}

// at returns the part of the tasks that is unfinished at an age.
func (t *tables) at(b int, part float64) float64 {
	return t.survival[b] + (t.survival[b+1]-t.survival[b])*part
}

// pays returns from what age on a query is worth a price, for a task that was unfinished at a position.
func (t *tables) pays(b int, part float64, i int) float64 {
	return float64(t.next[b][i]) + float64(t.next[b+1][i]-t.next[b][i])*part
}

// worth returns what asking a task at an age is worth, if it was unfinished at a position.
func (t *tables) worth(b int, part, age float64) float64 {
	low, high := 0, prices // it is worth those below low, and not those from high on
	for low < high {
		if i := (low + high) / 2; t.pays(b, part, i) <= age {
			low = i + 1
		} else {
			high = i
		}
	}
	switch low {
	case 0:
		return idlePrice * age / t.pays(b, part, 0)
	case prices:
		return highestPrice * age / t.pays(b, part, prices-1)
	default:
		from, to := t.pays(b, part, low-1), t.pays(b, part, low)
		return price(low-1) * (1 + (age-from)/(to-from))
	}
}

// A second of delay beyond what is bearable counts for 1 + extraWeight seconds. What is bearable grows with the price: where
// queries are short, everybody waits longer.
const (
	extraWeight  = 12
	bearableUnit = 50 // seconds at a price of 1
	bearableRise = 0.3
)

// solver makes the tables.
type solver struct {
	*tables
	edges    [buckets + 1]float64
	bearable float64              // delay, at the price at hand
	reduced  [buckets + 1]float64 // integral of survival up to each edge but the bearable delay
}

// setPrice prepares the solver for a price.
func (s *solver) setPrice(i int) {
	s.bearable = bearableUnit * math.Pow(price(i), bearableRise)
	for b, x := range s.edges {
		s.reduced[b] = s.area(x - s.bearable)
	}
}

// area returns the integral of survival up to an age.
func (s *solver) area(age float64) float64 {
	if age <= 0 {
		return 0
	}
	b, _ := position(age)
	part := (age - s.edges[b]) / (s.edges[b+1] - s.edges[b])
	return s.integral[b] + (s.survival[b]+s.at(b, part))/2*(age-s.edges[b])
}

// solve finds for each age at which a task was unfinished the next age at which to ask it, for one price. What a task costs
// from some age on is its expected delay, and the price of its queries, times the part of the tasks that reaches the age:
//
//	cost(u) = min over s of  ∫ from u to s of (survival(u) − survival(x)) dx + price·survival(u) + cost(s)
func (s *solver) solve(i int) {
	var cost [buckets + 1]float64
	pays := price(i)
	s.setPrice(i)
	cost[buckets] = s.survival[buckets] * pays
	s.next[buckets][i] = float32(s.edges[buckets] * 1.1)
	for u := buckets - 1; u >= 0; u-- {
		if u+2 <= buckets { // close enough to tell where in the first bucket to ask
			cost[u] = cost[u+1] + (cost[u+1]-cost[u+2])*(s.edges[u+1]-s.edges[u])/(s.edges[u+2]-s.edges[u+1]) //nolint:gosec // u+2 is at most the last index
		}
		c, at := s.best(u, &cost)
		cost[u] = c + pays*s.survival[u]
		s.next[u][i] = float32(at)
	}
	for u, c := range cost {
		s.cost[u][i] = float32(c)
	}
}

// solveUnasked finds when to ask a task first whose model the answer will tell: from then on it costs what a task of that
// model does. That is less than what one costs whose model is never known, so it pays to ask early.
func (s *solver) solveUnasked(models []*Durations) {
	sum := 0.0
	for _, m := range models {
		if m.ownTables() != nil {
			sum += m.share
		}
	}
	if s.unsorted = sum > 0; !s.unsorted {
		return
	}
	for i := range prices {
		var cost [buckets + 1]float64
		for _, m := range models {
			if m.tables == nil {
				continue
			}
			for u := range cost {
				cost[u] += m.share / sum * float64(m.tables.cost[u][i])
			}
		}
		s.setPrice(i)
		_, at := s.best(0, &cost)
		s.next[unasked][i], s.next[unasked+1][i] = float32(at), float32(at)
	}
}

// best returns the least cost, but for its query, of a task that was unfinished at a bucket's lower end, and at what age it
// is to be asked for that.
func (s *solver) best(u int, cost *[buckets + 1]float64) (least, at float64) {
	least = math.Inf(1)
	nearest := u
	for b := u + 1; b <= buckets; b++ {
		delay := s.delay(u, s.edges[b], s.integral[b], s.reduced[b])
		if delay >= least { // and grows from here
			break
		}
		if c := delay + cost[b]; c < least {
			least, at, nearest = c, s.edges[b], b
		}
	}
	const parts = 8
	for b := max(nearest-1, u); b <= min(nearest, buckets-1); b++ {
		for i := 1; i < parts; i++ {
			part := float64(i) / parts
			between := func(values *[buckets + 1]float64) float64 { return values[b] + (values[b+1]-values[b])*part }
			x := between(&s.edges)
			area := s.integral[b] + (s.survival[b]+s.at(b, part))/2*(x-s.edges[b])
			if c := s.delay(u, x, area, between(&s.reduced)) + between(cost); c < least {
				least, at = c, x
			}
		}
	}
	return least, at
}

// delay returns what counts of the delay until an age, of tasks that were unfinished at a bucket's lower end, given the
// integrals of survival up to the age and up to that less what is bearable.
func (s *solver) delay(u int, age, area, reduced float64) float64 {
	d := s.survival[u]*(age-s.edges[u]) - (area - s.integral[u])
	if late := age - s.bearable - s.edges[u]; late > 0 {
		d += extraWeight * max(0, s.survival[u]*late-(reduced-s.integral[u]))
	}
	return d
}
