package app

import (
	"math"
	"strconv"
	"testing"
	"time"
)

func TestScrapeTimeoutHeader(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"10": 10 * time.Second, "0.25": 250 * time.Millisecond, "1e1": 10 * time.Second, "3600": time.Hour,
		"": 0, "0": 0, "-1": 0, "NaN": 0, "Inf": 0, "-Inf": 0, "10s": 0, "1e300": 0, "0x": 0, "5,5": 0, "3601": 0,
	} {
		t.Run(header, func(t *testing.T) {
			if got, ok := scrapeTimeout(header); got != want || ok != (want > 0) {
				t.Errorf("%v, %v; want %v", got, ok, want)
			}
		})
	}
}

// FuzzScrapeTimeoutHeader: a header counts only if it is a number of seconds above 0 and up to an hour, and then for just that.
func FuzzScrapeTimeoutHeader(f *testing.F) {
	for _, header := range []string{"10", "0.5", "-1", "NaN", "1e99", "", "0x1p-2"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, ok := scrapeTimeout(header)
		seconds, err := strconv.ParseFloat(header, 64)
		if !ok {
			if got != 0 || err == nil && seconds > 0 && seconds <= 3600 {
				t.Fatalf("%q is refused with %v", header, got)
			}
			return
		}
		if err != nil || got < 0 || got > time.Hour || math.Abs(got.Seconds()-seconds) > 1e-6 {
			t.Fatalf("%q is taken for %v", header, got)
		}
	})
}
