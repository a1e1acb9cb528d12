// What is promised, how often that was looked at, and what was found broken.

package soak_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// promise is something that must hold whatever happens.
type promise string

const (
	scrapeAnswers  promise = "A scrape is answered with 200, in time, and parses strictly"
	oneState       promise = "A task has exactly one state"
	onlyListed     promise = "Nothing but listed tasks has series"
	nothingWrong   promise = "No final state, latency or credits shown is wrong"
	finalStays     promise = "What is finished stays so, after a kill too once it is on disk"
	totalsGrow     promise = "Totals never go back while a process lives"
	totalsAgree    promise = "Totals, histograms and what is on disk agree"
	countedOnce    promise = "No task is counted twice, over all processes"
	newsCounted    promise = "What finished while it was watched is counted"
	askedNoMore    promise = "A task known to be finished is not asked again"
	withinBudget   promise = "No account sends more than its budget"
	nothingSecret  promise = "Keys, prompts and results are in no metric, page, log or file"
	signedOnly     promise = "A callback is accepted if it is signed with the key, and no other is"
	pushesKept     promise = "A push with the token is taken and kept, and no other is"
	streamsWhole   promise = "A stream is whole or cut off; what has finished comes once, and is not passed over"
	reloadsHonest  promise = "A reload says how it went, and a bad one changes nothing"
	endsWhenTold   promise = "The process ends when told to, with 0 at SIGTERM, without races and panics"
	storageWhole   promise = "No end damages the storage"
	staysFlat      promise = "Memory, goroutines and open files are flat"
	trueInTheEnd   promise = "In the end every listed task that finished has its true state and latency"
	everythingDone promise = "The soak did all that it is to do"
)

func promises() []promise {
	return []promise{
		scrapeAnswers, oneState, onlyListed, nothingWrong, finalStays, totalsGrow, totalsAgree, countedOnce, newsCounted, askedNoMore,
		withinBudget, nothingSecret, signedOnly, pushesKept, streamsWhole, reloadsHonest, endsWhenTold, storageWhole, staysFlat, trueInTheEnd, everythingDone,
	}
}

// findingsShown is how many broken cases of a promise are told in full.
const findingsShown = 5

// verdict collects what was looked at and found. It is safe for concurrent use.
type verdict struct {
	t     *testing.T
	start time.Time

	mu     sync.Mutex
	looked map[promise]int
	broken map[promise]int
}

func newVerdict(t *testing.T) *verdict {
	t.Helper()
	return &verdict{t: t, start: time.Now(), looked: map[promise]int{}, broken: map[promise]int{}}
}

// check notes that a promise was looked at, and the text if it did not hold.
func (v *verdict) check(p promise, ok bool, text string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looked[p]++
	if ok {
		return
	}
	if v.broken[p]++; v.broken[p] <= findingsShown {
		v.t.Errorf("%6.1fs broken: %s: %s", time.Since(v.start).Seconds(), p, fmt.Sprintf(text, args...))
	}
}

// counts returns how often a promise was looked at, and how often it did not hold.
func (v *verdict) counts(p promise) (looked, broken int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.looked[p], v.broken[p]
}

// total returns how often any promise did not hold.
func (v *verdict) total() (broken int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range v.broken {
		broken += n
	}
	return broken
}
