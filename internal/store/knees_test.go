package store

import (
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
)

func TestKneesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	open := func() *Store {
		s, err := Open(dir, promslog.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write := func(s *Store, at time.Time, knees map[string]float64) {
		s.KeepKnees(func() map[string]float64 { return knees })
		if !s.write(at) {
			t.Fatal("not written")
		}
		s.Close()
	}
	want := func(main, other float64) *Store {
		t.Helper()
		s := open()
		if m, o := s.Knee("main"), s.Knee("other"); m != main || o != other || s.Knee("absent") != 0 {
			t.Errorf("knees %g and %g, want %g and %g", m, o, main, other)
		}
		return s
	}
	write(want(0, 0), time.Now(), map[string]float64{"main": 4.567, "other": 0.25})
	write(want(4.567, 0.25), time.Now(), map[string]float64{"main": 0, "other": 0.5}) // is known no more
	write(want(0, 0.5), time.Now().Add(-8*24*time.Hour), map[string]float64{"main": 3})
	write(want(0, 0), time.Now(), nil) // too long ago
	want(3, 0.5).Close()
}

func TestKneesThatCannotBeTrueAreNotBelieved(t *testing.T) {
	for name, value := range map[string][]byte{
		"damaged": []byte("damaged!"), "empty": nil, "negative": sealNumber(kneeOf+"a", -5), "far too many": sealNumber(kneeOf+"a", 1e12),
		"of another account": sealNumber(kneeOf+"b", 2000),
	} {
		var c contents
		if c.take([]byte(kneeOf+"a"), value); len(c.knees) > 0 {
			t.Errorf("%s: %v", name, c.knees)
		}
	}
}
