package web

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreRightToATenth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []float64{1, 10, 1000} {
		var l latencies
		var all []time.Duration
		for range 10_000 {
			d := time.Duration((1 + random.ExpFloat64()*spread) * float64(time.Second))
			l.add(d)
			all = append(all, d)
		}
		slices.Sort(all)
		for _, part := range []float64{.01, .5, .9, .99} {
			want := all[int(part*float64(len(all)))]
			if got := l.quantile(part); got < want*9/10 || got > want*11/10 {
				t.Errorf("%v of those spread by %v: %v, want about %v", part, spread, got, want)
			}
		}
	}
}

func TestBarsStayInTheirPicture(t *testing.T) {
	var l latencies
	for _, d := range []time.Duration{0, time.Millisecond, time.Second, time.Hour, 1<<63 - 1} {
		l.add(d)
	}
	if want := "M0 20v-20h2v20zM2 20v-10h2v10zM96 20v-10h2v10zM114 20v-10h2v10z"; l.bars() != want {
		t.Errorf("%s, want %s", l.bars(), want)
	}
}

func TestDurationsInWords(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		-time.Second:                    {"-1.0 s", "0 s"},
		0:                               {"0.0 s", "0 s"},
		1540 * time.Millisecond:         {"1.5 s", "1 s"},
		32 * time.Second:                {"32 s", "32 s"},
		96 * time.Second:                {"1 min 36 s", "96 s"},
		time.Hour + 2*time.Minute:       {"1 h 02 min", "62 min"},
		30 * time.Hour:                  {"1 d 6 h", "30 h"},
		400*24*time.Hour + 23*time.Hour: {"400 d 23 h", "400 d"},
	} {
		if got := [2]string{inWords(d), ageInWords(d)}; got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
