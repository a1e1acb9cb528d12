// How long tasks took, as numbers and as bars.

package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

// Bins are quarters of an octave: the first is for what took under a second, the last for what took 2^octaves seconds (4.5 h)
// and more. What is read from them is right to a tenth.
const (
	perOctave = 4
	octaves   = 14
	bins      = octaves*perOctave + 2

	scale = histogram.Octaves(perOctave)
)

// latencies counts durations.
type latencies struct {
	count int
	bins  [bins]int
}

func (l *latencies) add(d time.Duration) {
	l.count++
	l.bins[binOf(d.Seconds())]++
}

func binOf(seconds float64) int { return min(int(scale.Bucket(seconds)), bins-1) }

// quantile returns how long that part of the tasks took at the most.
func (l *latencies) quantile(part float64) time.Duration {
	wanted := part * float64(l.count)
	below := 0.0
	for i, n := range l.bins {
		if n == 0 || below+float64(n) < wanted {
			below += float64(n)
			continue
		}
		within := (wanted - below) / float64(n)
		return time.Duration(scale.Edge(float64(i)+within) * float64(time.Second))
	}
	return 0
}

// The bars' size in pixels.
const (
	barWidth  = 2
	barHeight = 20
)

// bars returns the outline of a bar for each bin, for an SVG path.
func (l *latencies) bars() string {
	most := 0
	for _, n := range l.bins {
		most = max(most, n)
	}
	var path strings.Builder
	for i, n := range l.bins {
		if n > 0 {
			height := max(1, n*barHeight/most)
			fmt.Fprintf(&path, "M%d %dv-%dh%dv%dz", i*barWidth, barHeight, height, barWidth, height)
		}
	}
	return path.String()
}

// tick is a mark on the bars' axis.
type tick struct {
	X    int
	Text string
}

func ticks() (all []tick) {
	for _, t := range []struct {
		seconds float64
		text    string
	}{{1, "1s"}, {10, "10s"}, {60, "1m"}, {600, "10m"}, {3600, "1h"}} {
		all = append(all, tick{X: binOf(t.seconds) * barWidth, Text: t.text})
	}
	return all
}

// inWords returns a duration as people say it: tenths of a second for the shortest, two units at the most.
func inWords(d time.Duration) string {
	switch s := int(d.Seconds()); {
	case s < 10:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	case s < 24*3600:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
	}
}

// ageInWords returns an age in one unit. Clocks may differ: none is negative.
func ageInWords(d time.Duration) string {
	switch s := max(0, int(d.Seconds())); {
	case s < 2*60:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 2*86400:
		return fmt.Sprintf("%d h", s/3600)
	default:
		return fmt.Sprintf("%d d", s/86400)
	}
}
