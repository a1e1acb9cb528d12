// What it is worth to ask a task now.

package schedule

import "time"

const (
	// mostRounds is after how many rounds through all hot tasks one that may have finished goes before all others.
	mostRounds = 2.5
	// mayHaveFinished is how likely that must be. The fewer tasks get as old, the less likely: asking those few costs little.
	mayHaveFinished = 0.006
	// outranking is a worth above any other.
	outranking = 1e9
)

// begin notes, when a task is queued, what its worth is looked up by later: how many hot queries there were, and the age of its last
// answer as a position in the tables.
func (k *Item) begin(hotQueries uint64) {
	k.round, k.known.age = hotQueries, 0
	if !k.Answered.IsZero() {
		k.known.age = max(0, k.Answered.Sub(k.Born).Seconds())
	}
	k.known.bucket, k.known.part = position(k.known.age)
}

// worth returns how many seconds of delay a query about the task saves, as a price. Since it was queued, others hot queries were sent;
// if they are more than rounds, a task that may have finished goes first.
func (k *Item) worth(now time.Time, others, rounds float64) float64 {
	age := max(0, now.Sub(k.Born).Seconds())
	t := k.Durations.knownTables()
	if others > rounds && k.isNeglected(t, age, rounds/others) {
		return outranking * others
	}
	switch {
	case k.Called:
		return outranking
	case t == nil:
		return unlearnedWorth(age, k.waited(now))
	case t.unsorted && k.Answered.IsZero():
		return t.worth(unasked, 0, age)
	default:
		return t.worth(k.known.bucket, k.known.part, age)
	}
}

func (k *Item) waited(now time.Time) float64 {
	if k.Answered.IsZero() {
		return now.Sub(k.Seen).Seconds()
	}
	return now.Sub(k.Answered).Seconds()
}

// isNeglected reports whether the task had finished with a likelihood above mayHaveFinished when the last rounds queries began.
func (k *Item) isNeglected(t *tables, age, part float64) bool {
	if t == nil {
		return true
	}
	then := age - (age-k.known.age)*part
	was, is := t.at(k.known.bucket, k.known.part), t.at(position(then))
	return was-is > mayHaveFinished*was*was
}

// unlearnedWorth is the worth of asking a task where nothing was learned: it is as likely to finish within the next tenth of its
// age at any age.
func unlearnedWorth(age, waited float64) float64 { return waited * waited / (2 * (age + 10)) }

// Worth returns what it is worth to ask a task of this age that was never asked, in seconds of delay.
func (d *Durations) Worth(age time.Duration) float64 {
	k := Item{Durations: d}
	k.begin(0)
	return k.worth(k.Born.Add(age), 0, 1)
}
