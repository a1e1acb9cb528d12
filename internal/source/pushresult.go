// What pushes came to.

package source

// PushResult is what a push as a whole came to.
type PushResult uint8

// The results of pushes.
const (
	PushOK           PushResult = iota // what it has was taken, but for values that are no ids
	PushNoRoom                         // there was no room for some of its ids
	PushUnauthorized                   // it came without the group's token
	PushMalformed                      // it could not be read
	PushTooLarge
	PushSlow        // its body came too slowly
	PushUnavailable // nothing can be taken at the time
	PushElsewhere   // some of its ids are another shard's
	pushResults
)

// PushResults returns all of them.
func PushResults() []PushResult {
	all := make([]PushResult, pushResults)
	for i := range all {
		all[i] = PushResult(i)
	}
	return all
}

func (r PushResult) String() string {
	return [pushResults]string{"ok", "no_room", "unauthorized", "malformed", "too_large", "slow", "unavailable", "elsewhere"}[r]
}

// PushCounts are the pushes to a group by what they came to.
type PushCounts [pushResults]uint64

// PushStat is what became of the pushes to a group so far.
type PushStat struct {
	Group  string
	Counts PushCounts
}
