// What no schedule can do better.

package polling

import "math"

// Bound returns a mean delay, in seconds, that no way to spend two queries a second can be below in the long run, whatever
// it knows of how long tasks of each model take, if it is told about a task only by its answers. If not hinted, the first
// answer tells the model. At most one task in 80,000 is known more than longest seconds late, if longest is not 0.
//
// For any price of a query, and any fine for a task that is known too late, the least that a task can cost in delay, queries
// and fines is found by dynamic programming over its age; less the price of the queries that the budget allows, and the fines
// of as many as may be late, that is a bound. The highest of the bounds counts.
func Bound(models []Model, rate float64, hinted bool, longest float64) float64 {
	return boundFor(models, 1/(rate*Slot.Seconds()), hinted, longest)
}

// boundFor is Bound for any number of queries a task.
func boundFor(models []Model, perTask float64, hinted bool, longest float64) float64 {
	highest := 0.0
	lives := make([]*life, len(models))
	for i, m := range models {
		lives[i] = newLife(m, longest)
	}
	fines := []float64{0}
	if longest > 0 {
		fines = []float64{128, 256, 512, 1024} // times the price
	}
	for price := 0.25; price < 1000; price *= 1.2 {
		for _, fine := range fines {
			fine *= price
			highest = max(highest, leastCost(models, lives, price, fine, hinted)-perTask*price-fine*mayBeLate)
		}
	}
	return highest
}

// mayBeLate is the part of the tasks that may be known later than the longest delay: one in the table's sample.
const mayBeLate = 1. / 80_000

// life is how a model's tasks end, over a grid of ages.
type life struct {
	ages, survival, integral ages
	before                   ages // survival at the age less the longest delay
}

// ages has a value for each age of the grid. They lie 4 % apart, at most 15 s, from 0 to six hours: what comes later costs
// nothing.
type ages [grid + 1]float64

const grid = 1600

func newLife(m Model, longest float64) *life {
	l := &life{}
	for i := range l.ages {
		if i > 0 {
			l.ages[i] = l.ages[i-1] + min(0.04*(l.ages[i-1]+0.5), 15)
		}
		l.survival[i] = m.survival(l.ages[i])
		l.before[i] = m.survival(l.ages[i] - longest)
		if i > 0 {
			l.integral[i] = l.integral[i-1] + (l.survival[i-1]+l.survival[i])/2*(l.ages[i]-l.ages[i-1])
		}
	}
	return l
}

// survival returns the part of the tasks that take longer than so many seconds.
func (m Model) survival(age float64) float64 {
	normal := func(x float64) float64 { return math.Erfc(math.Log(x/m.Median.Seconds())/(m.Sigma*math.Sqrt2)) / 2 }
	if age <= 0 {
		return 1
	}
	return (1-outliers)*normal(age) + outliers*normal(age/outlierFactor)
}

func leastCost(models []Model, lives []*life, price, fine float64, hinted bool) float64 {
	var later ages
	mix := &life{ages: lives[0].ages}
	sum := 0.0
	for i, m := range models {
		l := lives[i]
		cost := l.costs(price, fine)
		sum += m.Share * cost[0]
		for i := range cost {
			later[i] += m.Share * cost[i]
			mix.survival[i] += m.Share * l.survival[i]
			mix.integral[i] += m.Share * l.integral[i]
			mix.before[i] += m.Share * l.before[i]
		}
	}
	if hinted {
		return sum
	}
	return mix.cost(0, price, fine, &later)
}

// costs returns what a task costs from each age on at which it is unfinished, times the part of the tasks that get there.
func (l *life) costs(price, fine float64) *ages {
	var cost ages
	for u := grid - 1; u >= 0; u-- {
		cost[u] = l.cost(u, price, fine, &cost)
	}
	return &cost
}

// cost returns the least cost from an age on, if the next query may come at any later one.
func (l *life) cost(u int, price, fine float64, later *ages) float64 {
	least := math.Inf(1)
	for s := u + 1; s <= grid; s++ {
		delay := l.survival[u]*(l.ages[s]-l.ages[u]) - (l.integral[s] - l.integral[u])
		if delay >= least { // and grows from here
			break
		}
		late := max(0, l.survival[u]-l.before[s])
		least = min(least, delay+price*l.survival[u]+fine*late+later[s])
	}
	return least
}
