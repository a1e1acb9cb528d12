package tracker_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// creditCalls returns when the balance was asked for, in seconds since from.
func (r *rig) creditCalls(from time.Time) (at []float64) {
	for _, q := range r.sim.Requests() {
		if q.Endpoint == kiesim.Credit {
			at = append(at, q.At.Sub(from).Seconds())
		}
	}
	return at
}

func TestABalanceThatWasNotToldIsAskedForAgainSoon(t *testing.T) {
	for _, fault := range []kiesim.Fault{{Code: 500}, {Reset: true}, {Body: "<html>"}, {Code: 422}} {
		bubble(t, setup{credits: time.Hour, api: kiesim.Options{Credits: 7}}, func(t *testing.T, r *rig) {
			start := time.Now()
			r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit, Times: 2}, fault)
			r.watch(time.Minute)
			if a := r.Snapshot().Accounts[0]; !a.HasBalance || a.Balance != 7 {
				t.Errorf("%+v: no balance after a minute", fault)
			}
			r.watch(2 * time.Hour)
			at := r.creditCalls(start)
			if len(at) != 5 || at[1] < 4 || at[1] > 6.1 || at[2]-at[1] < 8 || at[2]-at[1] > 12.1 || at[3]-at[2] < 3599 {
				t.Errorf("%+v: asked after %v s", fault, at)
			}
		})
	}
}

func TestRetryAfterOfACreditCallIsHonoured(t *testing.T) {
	for _, code := range []int{500, 503} {
		bubble(t, setup{credits: 30 * time.Second, api: kiesim.Options{Credits: 7}}, func(t *testing.T, r *rig) {
			start := time.Now()
			r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit, Times: 1}, kiesim.Fault{Code: code, Header: http.Header{"Retry-After": {"100"}}})
			r.watch(2 * time.Minute)
			if at := r.creditCalls(start); len(at) != 2 || at[1] < 100 || at[1] > 106 {
				t.Errorf("code %d: asked after %v s", code, at)
			}
		})
	}
}

func TestABalanceThatIsNeverToldIsAskedForNoMoreThanABackOffAllows(t *testing.T) {
	for interval, most := range map[time.Duration]int{time.Minute: 66, 10 * time.Minute: 16, 24 * time.Hour: 16, 2 * time.Second: 1801} {
		bubble(t, setup{credits: interval}, func(t *testing.T, r *rig) {
			start := time.Now()
			r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit}, kiesim.Fault{Code: 404})
			r.watch(time.Hour)
			at := r.creditCalls(start)
			if len(at) > most || len(at) < 10 {
				t.Errorf("interval %v: asked %d times in an hour, want 10 to %d", interval, len(at), most)
			}
			for i := 1; i < len(at); i++ {
				if gap := at[i] - at[i-1]; gap < min(4, interval.Seconds()) {
					t.Errorf("interval %v: asked again after %g s", interval, gap)
				}
			}
		})
	}
}
