package life

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// dated is an answer whose Date is so far off ours at the start.
func dated(off time.Duration) kie.Answer { return kie.Answer{Clock: kie.TimeOf(start.Add(off))} }

func TestTheClocksDifferByTheMedianOfTheLastAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		offsets []time.Duration
		want    time.Duration
	}{
		"none":                  {nil, 0},
		"one":                   {[]time.Duration{time.Minute}, time.Minute},
		"under two seconds":     {[]time.Duration{1999 * time.Millisecond}, 0},
		"two: the smaller":      {[]time.Duration{time.Hour, -time.Minute}, -time.Minute},
		"one of three is wrong": {[]time.Duration{5 * time.Second, time.Hour, 5 * time.Second}, 5 * time.Second},
		"the last nine":         {[]time.Duration{9, 9, 9, 9, 9, 1e10, 1e10, 1e10, 1e10, 1e10}, 1e10},
		"over a day":            {[]time.Duration{25 * time.Hour}, 0},
	} {
		var c Clock
		for _, off := range tt.offsets {
			c.Read(dated(off), start)
		}
		if got := c.At(start).APINow().Time().Sub(start); got != tt.want {
			t.Errorf("%s: %v apart, want %v", name, got, tt.want)
		}
	}
}

func TestADateThatCannotBeIsNoClock(t *testing.T) {
	var c Clock
	c.Read(kie.Answer{}, start)
	late := dated(-time.Hour)
	late.Completed = ago(30 * time.Minute)
	c.Read(late, start)
	if c.count != 0 {
		t.Error("it was read")
	}
	for n := 1; n <= 20; n++ {
		if wild := c.Read(dated(48*time.Hour), start); wild != (n == recentClocks) {
			t.Errorf("answer %d: %v", n, wild)
		}
	}
}

func TestAsLongAsOneAnswerMayDecideATaskIsAsYoungAsMayBe(t *testing.T) {
	var c Clock
	for n := range 4 {
		m := c.At(start)
		want := 10 * time.Minute
		if n >= enoughClocks {
			want = time.Hour + 10*time.Minute
		}
		if got := m.Since(ago(10 * time.Minute)); got != want {
			t.Errorf("after %d answers: %v, want %v", n, got, want)
		}
		if got := m.LeastSince(ago(10 * time.Minute)); got != 10*time.Minute {
			t.Errorf("after %d answers: at least %v", n, got)
		}
		c.Read(dated(time.Hour), start)
	}
}

func TestATaskIsJudgedAnewOnceTheClocksDifferByMore(t *testing.T) {
	var c Clock
	c.Read(dated(9*time.Second), start)
	if c.Rejudges(start) {
		t.Error("for 9 s")
	}
	c = Clock{}
	c.Read(dated(time.Minute), start)
	if !c.Rejudges(start) || c.Rejudges(start.Add(time.Hour)) {
		t.Error("not once for a minute")
	}
	c = Clock{judgedAt: start}
	c.Read(dated(time.Minute), start)
	if c.Rejudges(start.Add(59*time.Second)) || !c.Rejudges(start.Add(time.Minute)) {
		t.Error("not after a minute")
	}
}
