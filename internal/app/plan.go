// What the budget means for what is listed, in words.

package app

import (
	"fmt"
	"math"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

// describePlan says how long the first pass over the tasks that a shard has of an account takes, and how many requests that makes at the most.
func describePlan(a config.Account, shard share.Shard, tasks, unfinished int) string {
	limits := fmt.Sprintf("no 10 seconds see more than %.0f requests", float64(a.MaxConcurrent)+10*a.MostPerSecond())
	if shard.IsOne() {
		whole := a.MostPerSecond()
		a, _ = part(a, shard.Held(a.Name))
		a.RequestsPerSecond = forAPerson(a.RequestsPerSecond)
		limits = fmt.Sprintf("it is asked in at most %d + %g·W requests in W seconds by this shard, and in at most %d + %g·W requests in W seconds over all shards",
			a.MaxConcurrent, forAPerson(a.MostPerSecond()), a.MaxConcurrent*shard.Total, whole)
	}
	if unfinished == 0 {
		return fmt.Sprintf("%s, none of which has to be asked about; %s", counted(tasks, "task"), limits)
	}
	seconds := max(0, float64(unfinished-a.MaxConcurrent)) / a.RequestsPerSecond
	return fmt.Sprintf("%s, %d of which may be unfinished; asking about each once takes %s at %g requests a second; %s",
		counted(tasks, "task"), unfinished, rounded(seconds), a.RequestsPerSecond, limits)
}

// forAPerson rounds a rate.
func forAPerson(perSecond float64) float64 { return math.Round(perSecond*1e4) / 1e4 }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rounded rounds a time for a person.
func rounded(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 1500*time.Millisecond:
		return "about a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("about %.0f seconds", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("about %.0f minutes", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("about %.0f hours", d.Hours())
	default:
		return fmt.Sprintf("about %.0f days", d.Hours()/24)
	}
}
