// What no schedule can do better.

package simulate

import "math"

// Bound returns a mean delay, in seconds, that no way to spend two queries a second can be below in the long run, whatever
// it knows of how long tasks of each model take, if it is told about a task only by its answers. If not hinted, the first
// answer tells the model.
//
// For any price of a query, the least that a task can cost in delay and queries is found by dynamic programming over its
// age; less the price of the queries that the budget allows, that is a bound. The highest of the bounds counts.
func Bound(models []Model, rate float64, hinted bool) float64 {
	perTask := 1 / (rate * Slot.Seconds())
	highest := 0.0
	lives := make([]*life, len(models))
	for i, m := range models {
		lives[i] = newLife(m)
	}
	for price := 0.25; price < 1000; price *= 1.2 {
		highest = max(highest, leastCost(models, lives, price, hinted)-perTask*price)
	}
	return highest
}

// life is how a model's tasks end, over a grid of ages.
type life struct {
	ages, survival, integral [grid + 1]float64
}

const grid = 320

// gridAge returns an age of the grid in seconds, up to about two days.
func gridAge(i int) float64 { return 0.5 * (math.Exp2(float64(i)/18) - 1) }

func newLife(m Model) *life {
	l := &life{}
	for i := range l.survival {
		l.ages[i] = gridAge(i)
		if l.survival[i] = m.survival(l.ages[i]); i > 0 {
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

func leastCost(models []Model, lives []*life, price float64, hinted bool) float64 {
	var later [grid + 1]float64
	mix := &life{ages: lives[0].ages}
	sum := 0.0
	for i, m := range models {
		l := lives[i]
		cost := l.costs(price)
		sum += m.Share * cost[0]
		for i := range cost {
			later[i] += m.Share * cost[i]
			mix.survival[i] += m.Share * l.survival[i]
			mix.integral[i] += m.Share * l.integral[i]
		}
	}
	if hinted {
		return sum
	}
	return mix.cost(0, price, &later)
}

// costs returns what a task costs from each age on at which it is unfinished, times the part of the tasks that get there.
func (l *life) costs(price float64) *[grid + 1]float64 {
	var cost [grid + 1]float64
	for u := grid - 1; u >= 0; u-- {
		cost[u] = l.cost(u, price, &cost)
	}
	return &cost
}

// cost returns the least cost from an age on, if the next query may come at any later one.
func (l *life) cost(u int, price float64, later *[grid + 1]float64) float64 {
	least := math.Inf(1)
	for s := u + 1; s <= grid; s++ {
		delay := l.survival[u]*(l.ages[s]-l.ages[u]) - (l.integral[s] - l.integral[u])
		least = min(least, delay+price*l.survival[u]+later[s])
	}
	return least
}
