// Package replicas says what came of replicas that share accounts over Redis: how long an account was not asked, how many requests came at once,
// how often Redis was called. The replicas themselves are in its test, where time is virtual: they are the exporter's own leases, budgets and
// records, and a real server.
package replicas

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Requests are when an account was asked, in order.
type Requests []time.Duration

// Gap returns the longest time between two requests.
func (r Requests) Gap() (longest time.Duration) {
	for i := 1; i < len(r); i++ {
		longest = max(longest, r[i]-r[i-1])
	}
	return longest
}

// Beyond returns by how many the requests of any window of time exceed so many a second: the burst that they took.
func (r Requests) Beyond(perSecond float64) (most float64) {
	earned, least := 0.0, 0.0
	for i, at := range r {
		earned = float64(i) - perSecond*at.Seconds() // what was sent before this one, less what time allowed
		if i == 0 || earned < least {
			least = earned
		}
		most = max(most, earned+1-least)
	}
	return most
}

// MostIn returns how many requests there were in any window of some length.
func (r Requests) MostIn(window time.Duration) (most int) {
	first := 0
	for i, at := range r {
		for at-r[first] >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Result is what came of a run.
type Result struct {
	Accounts, Replicas int
	Took               time.Duration // of virtual time
	Ended              map[string]int
	Requests           int
	Gaps               []time.Duration // the longest of each account that always had something to ask
	Beyond             float64         // the most of any account in any window
	MostIn10s          int
	Overlaps           int               // requests of a holder after one of a later holder
	Finished, Counted  int               // tasks, and how often they were counted
	Calls              map[string]uint64 // to Redis, by operation
	ServerCPU          time.Duration
	Most, Least        int // shares of a replica at the end
}

// Gap returns the longest time in which any account was not asked.
func (r *Result) Gap() time.Duration { return slices.Max(r.Gaps) }

// PerSecond returns how often Redis was called for some operations, or all.
func (r *Result) PerSecond(operations ...string) float64 {
	sum := uint64(0)
	for op, n := range r.Calls {
		if len(operations) == 0 || slices.Contains(operations, op) {
			sum += n
		}
	}
	return float64(sum) / r.Took.Seconds()
}

// Table returns runs as a Markdown table.
func Table(results []Result) string {
	var b strings.Builder
	b.WriteString("| accounts | time | killed / ended | requests a second | longest gap of an account | most requests in 10 s (24 allowed) | burst (4 allowed) |" +
		" calls to Redis a second | of these leases / records | Redis' CPU |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&b, "| %d | %.0f min | %d / %d | %.0f | %.1f s | %d | %.2f | %.1f | %.1f / %.1f | %.1f %% |\n",
			r.Accounts, r.Took.Minutes(), r.Ended["killed"], r.Ended["ended"], float64(r.Requests)/r.Took.Seconds(), r.Gap().Seconds(), r.MostIn10s, r.Beyond,
			r.PerSecond(), r.PerSecond("tick", "seal"), r.PerSecond("commit", "names", "read", "sweep"), 100*r.ServerCPU.Seconds()/r.Took.Seconds())
	}
	return b.String()
}
