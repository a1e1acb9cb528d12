package duration

import (
	"testing"
	"time"
)

func TestATimeIsReadAsItIsWritten(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 1500 * time.Millisecond, 90 * time.Second, 36 * time.Hour, 365 * 24 * time.Hour} {
		if got, err := Parse(Format(d)); err != nil || got != d {
			t.Errorf("%s: got %v, %v", Format(d), got, err)
		}
	}
	for text, want := range map[string]string{"90s": "1m30s", "24h": "1d", "0": "0s", "1m30s": "1m30s"} {
		if d, err := Parse(text); err != nil || Format(d) != want {
			t.Errorf("%s: got %s, %v, want %s", text, Format(d), err, want)
		}
	}
}

func TestWhatIsNoTimeIsToldInOneWording(t *testing.T) {
	for text, want := range map[string]string{
		"30":      "must be a time with a unit, such as 30s or 1m30s (got 30)",
		"":        `must be a time with a unit, such as 30s or 1m30s (got "")`,
		"1.5s":    "must be a time with a unit, such as 30s or 1m30s (got 1.5s)",
		"-5s":     "must be a time with a unit, such as 30s or 1m30s (got -5s)",
		"soon\n!": `must be a time with a unit, such as 30s or 1m30s (got "soon\n!")`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
