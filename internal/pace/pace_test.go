package pace_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/pace"
)

// run sends requests that are all worth it for a time, to an API that refuses those above its limit, as they come in a window of a second.
type run struct {
	*pace.Limiter

	now     time.Time
	worth   float64
	limit   float64 // requests a second; 0: none
	sent    []time.Time
	passed  []time.Time
	refused int
}

func newRun(o pace.Options) *run {
	return &run{Limiter: pace.New(o), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), worth: 100}
}

func (r *run) proceed(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		if wait := r.Take(r.now); wait > 0 {
			r.now = r.now.Add(wait)
			continue
		}
		r.Worth(r.worth)
		r.sent = append(r.sent, r.now)
		for len(r.passed) > 0 && r.now.Sub(r.passed[0]) >= 2*time.Second {
			r.passed = r.passed[1:]
		}
		if r.limit > 0 && float64(len(r.passed)+1) > 2*r.limit {
			r.refused++
			r.Refused(r.now)
			r.now = r.now.Add(5 * time.Second)
			continue
		}
		r.passed = append(r.passed, r.now)
	}
}

// most returns how many requests were sent in any time of a length.
func (r *run) most(span time.Duration) (most int) {
	first := 0
	for i, at := range r.sent {
		for at.Sub(r.sent[first]) >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestThePaceIsLearned(t *testing.T) {
	o := pace.Options{Rate: 2, Most: 10, Burst: 4}
	for name, test := range map[string]struct {
		change    func(o *pace.Options)
		act       func(r *run)
		from, to  float64 // allowed in the end
		mostKnee  float64
		leastKnee float64
		refused   int // at most
	}{
		"without refusals it climbs to the most, and not above": {act: func(r *run) { r.proceed(10 * time.Minute) }, from: 10, to: 10},
		"what is worth little does not make it climb":           {act: func(r *run) { r.worth = 0.3; r.proceed(time.Hour) }, from: 2, to: 2},
		"above the rate is only for what is worth it": {
			act: func(r *run) { r.proceed(10 * time.Minute); r.worth = 0.3; r.proceed(time.Second) }, from: 2, to: 2,
		},
		"who sends less than is allowed learns nothing": {act: func(r *run) {
			for range 1000 {
				r.proceed(time.Millisecond)
				r.now = r.now.Add(2 * time.Second)
			}
		}, from: 2, to: 2},
		"it stays below a limit": {
			act:  func(r *run) { r.limit = 5; r.proceed(time.Hour) },
			from: 4, to: 5.2, leastKnee: 4.5, mostKnee: 5.5, refused: 20,
		},
		"a limit below the rate": {
			act:  func(r *run) { r.limit = 1; r.proceed(time.Hour) },
			from: 0.8, to: 1.1, leastKnee: 0.8, mostKnee: 1.2, refused: 20,
		},
		"a limit that goes away is left behind": {
			act:  func(r *run) { r.limit = 3; r.proceed(time.Hour); r.limit = 0; r.proceed(2 * time.Hour) },
			from: 10, to: 10, leastKnee: 2.7, mostKnee: 3.3, refused: 20,
		},
		"what was known before is where it begins": {
			act: func(r *run) { r.Recall(6); r.proceed(3 * time.Minute) }, from: 5.5, to: 6, leastKnee: 6, mostKnee: 6,
		},
		"half of an account has half of what was known": {
			change: func(o *pace.Options) { o.Rate, o.Most, o.Part = 1, 5, 0.5 },
			act:    func(r *run) { r.Recall(6); r.proceed(3 * time.Minute) }, from: 2.75, to: 3, leastKnee: 6, mostKnee: 6,
		},
		"it begins below what was known": {
			act: func(r *run) { r.Recall(1) }, from: 0.9, to: 0.95, leastKnee: 1, mostKnee: 1,
		},
		"an API that refuses everything is asked a little still": {
			act: func(r *run) { r.limit = 0.001; r.proceed(time.Hour) }, from: 0.1, to: 0.1, leastKnee: 0.1, mostKnee: 2, refused: 800,
		},
		"it comes back when all was refused": {
			act:  func(r *run) { r.limit = 0.001; r.proceed(time.Hour); r.limit = 0; r.proceed(6 * time.Hour) },
			from: 10, to: 10, leastKnee: 0.1, mostKnee: 2, refused: 800,
		},
		"what is known is not recalled": {
			act: func(r *run) { r.limit = 5; r.proceed(time.Hour); r.Recall(1) }, from: 4, to: 5.2, leastKnee: 4.5, mostKnee: 5.5, refused: 20,
		},
		"nor is anything where nothing is learned": {
			change: func(o *pace.Options) { o.Most = 0 }, act: func(r *run) { r.Recall(1) }, from: 2, to: 2,
		},
		"a lower maximum holds at once": {
			act: func(r *run) { r.proceed(time.Hour); o := o; o.Most = 3; r.Reconfigure(o, r.now) }, from: 3, to: 3,
		},
		"a higher maximum is climbed to": {
			act: func(r *run) { r.proceed(time.Hour); o := o; o.Most = 20; r.Reconfigure(o, r.now); r.proceed(time.Hour) }, from: 20, to: 20,
		},
		"without a maximum nothing is learned": {
			act: func(r *run) {
				r.proceed(time.Hour)
				o := o
				o.Most = 0
				r.Reconfigure(o, r.now)
				r.proceed(time.Minute)
			}, from: 2, to: 2,
		},
		"learning can begin later": {
			change: func(o *pace.Options) { o.Most = 0 },
			act:    func(r *run) { r.proceed(time.Hour); r.Reconfigure(o, r.now); r.proceed(time.Hour) }, from: 10, to: 10,
		},
		"with half of the account it is half as fast": {
			act: func(r *run) {
				r.limit = 5
				r.proceed(time.Hour)
				r.Reconfigure(pace.Options{Rate: 1, Most: 5, Burst: 2, Part: 0.5}, r.now)
			}, from: 2, to: 2.6, leastKnee: 4.5, mostKnee: 5.5, refused: 20,
		},
		"another rate changes nothing of what was learned": {
			act:  func(r *run) { r.limit = 5; r.proceed(time.Hour); o := o; o.Rate = 3; r.Reconfigure(o, r.now) },
			from: 4, to: 5.2, leastKnee: 4.5, mostKnee: 5.5, refused: 20,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			if test.change != nil {
				test.change(&o)
			}
			r := newRun(o)
			test.act(r)
			if got := r.Allowed(r.now); got < test.from-1e-9 || got > test.to+1e-9 {
				t.Errorf("%.3g requests a second are allowed, want %g to %g", got, test.from, test.to)
			}
			if got := r.Knee(); got < test.leastKnee || got > test.mostKnee {
				t.Errorf("the knee is at %.3g requests a second, want %g to %g", got, test.leastKnee, test.mostKnee)
			}
			if r.refused > test.refused {
				t.Errorf("%d of %d requests were refused, want %d at most", r.refused, len(r.sent), test.refused)
			}
		})
	}
}

func TestARefusalIsGivenWayToAtOnce(t *testing.T) {
	r := newRun(pace.Options{Rate: 2, Most: 10, Burst: 4})
	r.proceed(time.Hour)
	for i, want := range []float64{2.5, 1.25, 0.625} {
		r.Refused(r.now)
		if got := r.Allowed(r.now); got > want {
			t.Errorf("after %d refusals %g requests a second are allowed, want %g at most", i+1, got, want)
		}
	}
}

func TestALimitThatFallsIsFoundByOneMoreRefusal(t *testing.T) {
	for _, to := range []float64{1, 3, 5} {
		r := newRun(pace.Options{Rate: 2, Most: 10, Burst: 4})
		r.limit = 8
		r.proceed(time.Hour)
		r.limit, r.refused = to, 0
		r.proceed(30 * time.Second)
		if got := r.Allowed(r.now); got > to || r.refused > 3 {
			t.Errorf("30 s after the limit fell to %g a second %.2f are allowed, and %d were refused", to, got, r.refused)
		}
		r.refused = 0
		r.proceed(10 * time.Minute)
		if got := r.Knee(); got < 0.8*to || got > 1.1*to || r.refused > 2 {
			t.Errorf("it is taken for %.2f a second, not %g, after %d more refusals", got, to, r.refused)
		}
	}
}

func TestAfterAFalseAlarmTheNextIsOverSoon(t *testing.T) {
	r := newRun(pace.Options{Rate: 2, Most: 10, Burst: 4})
	r.limit = 5
	r.proceed(time.Hour)
	r.limit = 0
	for i, quick := range []bool{false, true, true} {
		before := r.Allowed(r.now)
		r.Refused(r.now)
		r.Refused(r.now)
		if got := r.Allowed(r.now); got > before/8 {
			t.Errorf("alarm %d: %.2f a second are allowed, of %.2f before", i, got, before)
		}
		r.proceed(30 * time.Second)
		if got := r.Allowed(r.now); (got > 0.8*before) != quick {
			t.Errorf("alarm %d: 30 s later %.2f a second are allowed, of %.2f before", i, got, before)
		}
		r.proceed(6 * time.Minute)
		if got := r.Allowed(r.now); got < 0.8*before {
			t.Errorf("alarm %d: six minutes later %.2f a second are allowed, of %.2f before", i, got, before)
		}
	}
}

// FuzzNeverMoreThanTheMost: whatever comes of requests and is configured anew, no span sees more requests than the maximum and the burst allow.
func FuzzNeverMoreThanTheMost(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 250, 4, 9, 200, 100})
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		const most, burst = 8.0, 3
		r := newRun(pace.Options{Rate: 2, Most: most, Burst: burst})
		for _, step := range steps[:min(len(steps), 50)] {
			switch step % 8 {
			case 0, 1, 2:
				r.proceed(time.Duration(step) * time.Second)
			case 3:
				r.Refused(r.now)
			case 4:
				r.now = r.now.Add(time.Duration(step) * time.Second)
			case 5:
				r.worth = float64(step % 3)
			case 6:
				r.Reconfigure(pace.Options{Rate: 1 + float64(step%4), Most: float64(step % 9), Burst: burst, Part: 1 / float64(1+step%2)}, r.now)
			case 7:
				r.limit = float64(step%5) + 0.5
			}
			if got := r.Allowed(r.now); !(got > 0 && got <= most) {
				t.Fatalf("%g requests a second are allowed", got)
			}
		}
		for _, span := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
			if got, bound := r.most(span), burst+most*span.Seconds(); float64(got) > bound+1e-6 {
				t.Errorf("%d requests in %v, want %g at most", got, span, bound)
			}
		}
	})
}

func TestWithoutAMaximumThePaceIsHalvedAndRecovers(t *testing.T) {
	r := newRun(pace.Options{Rate: 2, Burst: 4})
	r.Refused(r.now)
	if got := r.Allowed(r.now); got != 1 {
		t.Errorf("%g requests a second are allowed, want 1", got)
	}
	for range 10 {
		r.Refused(r.now)
	}
	if got := r.Allowed(r.now); got < 0.2-1e-9 || got > 0.2+1e-9 {
		t.Errorf("%g requests a second are allowed, want 0.2", got)
	}
	if got := r.Allowed(r.now.Add(10 * time.Minute)); got != 2 {
		t.Errorf("%g requests a second are allowed after ten minutes, want 2", got)
	}
}
