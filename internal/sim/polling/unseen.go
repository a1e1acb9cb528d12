// What no pace can do that does not see the application's requests.

package polling

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/pace"
)

// The goals of a pace.
const (
	MostRefused       = 2.   // of 1,000 queries
	MostTheirsRefused = 0.5  // of 1,000 of the application's requests
	LeastUsed         = 0.85 // of what is free
	MostMean          = 1.15 // times the mean delay of who uses all that is free

	beyondGoals = 0.88 // who can use no more misses the last
)

// window is a limit by windows, and how many requests of the application are in one: what is known to whoever does not see when it asks.
type window struct {
	ours   int     // requests that it leaves on average, rounded up
	free   float64 // the same, exactly
	theirs float64 // of the application's, on average
	// least is what is refused at the least, by how many of ours are in a window: of a sliding window the part of the application's
	// requests, of a fixed one the number of requests, whoever's, that are too many in a window.
	least []float64
	fixed bool
}

// newWindow looks at the application's requests alone.
func newWindow(c Case) *window {
	const length, windows = 10 * time.Second, 100_000
	span := length
	if c.Limiter == ShortWindow {
		span = 2 * time.Second
	}
	app := Traffic{PerSecond: c.Limit * c.Used, Random: c.Random}
	app.begin()
	w := &window{
		free: c.Free() * span.Seconds(), theirs: app.PerSecond * span.Seconds(), fixed: c.Limiter == Fixed,
	}
	w.ours = int(math.Ceil(w.free - 1e-9))
	w.least = make([]float64, w.ours+1)
	room := int(math.Round(c.Limit * span.Seconds()))
	note := func(theirs int, weight func(tooMany int) float64) {
		for ours := range w.least {
			w.least[ours] += weight(theirs+ours-room) / windows
		}
	}
	if w.fixed {
		for i := range windows {
			theirs := 0
			for ; app.next.Before(Start().Add(time.Duration(i+1) * span)); app.advance() {
				theirs++
			}
			note(theirs, func(tooMany int) float64 { return float64(max(0, tooMany)) })
		}
		return w
	}
	var before []time.Time
	for range windows {
		for len(before) > 0 && app.next.Sub(before[0]) >= span {
			before = before[1:]
		}
		note(len(before)+1, func(tooMany int) float64 { return float64(min(1, max(0, tooMany))) })
		before = append(before, app.next)
		app.advance()
	}
	return w
}

// refused returns what is refused at the least with so many of ours in a window on average: the lower convex envelope of least there, as any
// number may be mixed with any other.
func (w *window) refused(ours float64) float64 {
	lowest := math.Inf(1)
	for i := range w.least {
		for j := range w.least {
			if a, b := float64(i), float64(j); i == j && a == ours {
				lowest = min(lowest, w.least[i])
			} else if a <= ours && ours <= b && i < j {
				lowest = min(lowest, w.least[i]+(w.least[j]-w.least[i])*(ours-a)/(b-a))
			}
		}
	}
	return lowest
}

// allowed returns what may be refused, in the units of least, with so many of ours in a window. One of ours that is refused tells when the
// application asks, so no such window counts.
func (w *window) allowed(ours float64) float64 {
	if w.fixed {
		return (MostTheirsRefused*w.theirs + MostRefused*ours) / 1000
	}
	return (MostTheirsRefused + MostRefused*ours) / 1000
}

// usable returns the part of what is free that can be used at the most.
func (w *window) usable() float64 {
	for part := 1.; part > 0; part -= 0.001 {
		if w.refused(part*w.free) <= w.allowed(part*w.free) {
			return part
		}
	}
	return 0
}

// unseenTable returns what nobody can do who does not see the application's requests, for those cases where that is less than the goals.
func unseenTable(cases []Case, compared []Compared) string {
	var b strings.Builder
	b.WriteString("| limit | requests/s | used by the application | refused ‰ if 0.85 is used, at the least | of that allowed | most that can be used | used | mean, if it is | least mean of any schedule | mean |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for i, c := range cases {
		if c.Limiter == Bucket || c.Used == 0 {
			continue
		}
		w, r := newWindow(c), &compared[i]
		usable := w.usable()
		if usable >= beyondGoals {
			continue
		}
		even, least := "–", "–"
		if usable > 0.1 { // less is hardly anything
			o := c.run(len(r.Oracle.Delays)*5/4, pace.Options{Rate: c.Free() * usable, Burst: 1}, Unlimited)
			even = fmt.Sprintf("%.2f", o.Mean()/r.Oracle.Mean())
			least = fmt.Sprintf("%.2f", boundFor(Models(), perTask*usable, true, 0)/r.Oracle.Mean())
		}
		ours, whose, of := LeastUsed*w.free, "the application's", 1.
		if w.fixed {
			whose, of = "everybody's", ours+w.theirs
		}
		fmt.Fprintf(&b, "| %s | %g | %.0f %%%s | %.0f of %s | %.1f | %.2f | %.2f | %s | %s | %.2f |\n", c.Limiter, c.Limit, 100*c.Used, atRandom(c),
			1000*w.refused(ours)/of, whose, 1000*w.allowed(ours)/of, usable, r.Learned.PartOf(&r.Oracle), even, least, r.Learned.Mean()/r.Oracle.Mean())
	}
	return b.String()
}

func atRandom(c Case) string {
	if c.Random {
		return ", at random"
	}
	return ""
}

// frontierTable returns what becomes of a mean delay and the application's requests at an even rate that is a part of what is free, as by who knows
// limit and average use.
func frontierTable() string {
	parts := []float64{0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5}
	var b strings.Builder
	b.WriteString("| limit | requests/s | used by the application |")
	for _, part := range parts {
		fmt.Fprintf(&b, " %.2f |", part)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(parts)) + "\n")
	for _, c := range Cases() {
		if !c.Random && (c.Limiter != Sliding || c.Limit > 3 || c.Used == 0) && (c.Limiter != ShortWindow || c.Used == 0) {
			continue
		}
		fmt.Fprintf(&b, "| %s | %g | %.0f %%%s |", c.Limiter, c.Limit, 100*c.Used, atRandom(c))
		for _, part := range parts {
			o := sendEvenly(c.scene(), part*c.Free())
			fmt.Fprintf(&b, " %.1f, %.1f |", o.OursRefused(), o.TheirsRefused())
		}
		b.WriteString("\n")
	}
	return b.String()
}
