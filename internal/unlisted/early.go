// Callbacks that come before their task is listed.

package unlisted

import "time"

const (
	// maxEarly is how many callbacks about tasks that are in no list are remembered, and earlyFor is for how long.
	maxEarly = 10_000
	earlyFor = 10 * time.Minute
)

// Early is the callbacks about tasks that are in no list, which may be listed late. The zero one has none.
type Early struct {
	came  map[accountID]time.Time
	order []early // oldest first; some were heeded
}

type early struct {
	accountID
	at time.Time
}

// Note remembers that a callback about a task came.
func (e *Early) Note(account, id string, now time.Time) {
	key := accountID{account, id}
	if _, known := e.came[key]; known {
		return
	}
	if e.came == nil {
		e.came = make(map[accountID]time.Time)
	}
	e.came[key] = now
	e.order = append(e.order, early{key, now})
	for len(e.order) > maxEarly || now.Sub(e.order[0].at) > earlyFor {
		e.forgetOldest()
	}
}

func (e *Early) forgetOldest() {
	oldest := e.order[0]
	if e.came[oldest.accountID].Equal(oldest.at) { // else it was heeded, and perhaps came again
		delete(e.came, oldest.accountID)
	}
	e.order = e.order[1:]
}

// Heed returns when a callback about a task came, if that was lately, and forgets it.
func (e *Early) Heed(account, id string, now time.Time) (at time.Time, came bool) {
	if len(e.came) == 0 {
		return at, false
	}
	key := accountID{account, id}
	at, came = e.came[key]
	if came {
		delete(e.came, key)
	}
	if len(e.came) == 0 {
		*e = Early{} // a map never gives memory back
	}
	return at, came && now.Sub(at) <= earlyFor
}
