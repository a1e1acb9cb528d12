// What is done to the exporter and to the API while they work.

package soak_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// deed is something that is done.
type deed string

const (
	kill        deed = "kill -9 and restart"
	terminate   deed = "SIGTERM and restart"
	goodReload  deed = "reload by HTTP, good configuration"
	badReload   deed = "reload by HTTP, bad configuration"
	goodHangup  deed = "reload by SIGHUP, good configuration"
	badHangup   deed = "reload by SIGHUP, bad configuration"
	anyIncident deed = "incident of the API"
)

// storm returns what is done in each round while processes are killed, in any order.
func storm() []deed {
	return []deed{kill, kill, terminate, goodReload, badReload, goodHangup, badHangup, anyIncident}
}

// steady returns what is done in each round while a process is left alone.
func steady() []deed {
	return []deed{goodReload, badReload, goodHangup, badHangup, anyIncident}
}

// operate does whole rounds of deeds, and lasts at least for a time.
func (w *world) operate(t *testing.T, atLeast time.Duration, round []deed) {
	t.Helper()
	r := w.chance("operator")
	pause := 500 * time.Millisecond
	if w.plan.long() {
		pause = 5 * time.Second
	}
	for deadline := time.Now().Add(atLeast); time.Now().Before(deadline); {
		for _, i := range r.Perm(len(round)) {
			w.pause(t.Context(), time.Duration((0.5+r.Float64())*float64(pause)))
			w.do(t, round[i], r)
		}
	}
}

func (w *world) do(t *testing.T, d deed, r *rand.Rand) {
	t.Helper()
	good, bad := w.config.render(pickVariant(r)), w.config.bad(r)
	w.deeds[string(d)]++
	switch d {
	case kill:
		// What a scrape has just shown is what a process may have had no time to write.
		p := w.current()
		if e, err := glance(t.Context(), p, 5*time.Second); err == nil {
			p.totals.take(e)
		}
		w.restart(t, syscall.SIGKILL)
	case terminate:
		w.restart(t, syscall.SIGTERM)
	case goodReload:
		w.reload(t.Context(), good, true, true)
	case badReload:
		w.reload(t.Context(), bad, false, true)
	case goodHangup:
		w.reload(t.Context(), good, true, false)
	case badHangup:
		w.reload(t.Context(), bad, false, false)
	case anyIncident:
		i := pickIncident(r, w.plan.long())
		w.deeds["incident: "+i.name]++
		remove := w.api.Inject(kiesim.Match{}, i.fault)
		w.pause(t.Context(), time.Duration((0.3+0.7*r.Float64())*float64(i.atMost)))
		remove()
	}
}

// reload has a configuration loaded, and checks that the process says what came of it.
func (w *world) reload(ctx context.Context, text string, good, byHTTP bool) {
	v, start := w.verdict, time.Now()
	if err := w.config.write(text); err != nil {
		v.check(everythingDone, false, "the configuration: %v", err)
		return
	}
	// Answers on their way to tasks of a group that goes are of no more use.
	defer w.api.forget(start.Add(-time.Second), func(id string) bool {
		f, ok := w.book.fact(id)
		return ok && f.group == guestGroup
	})
	p := w.current()
	if !byHTTP {
		v.check(reloadsHonest, p.cmd.Process.Signal(syscall.SIGHUP) == nil, "SIGHUP can't be sent")
		w.awaitReload(ctx, p, good, start)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/-/reload", http.NoBody)
	if err != nil {
		v.check(everythingDone, false, "reload: %v", err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.check(reloadsHonest, false, "reload: %v", err)
		return
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	secret := findSecret(string(said))
	v.check(nothingSecret, secret == "", "the answer to a reload says %q", secret)
	want := map[bool]int{true: http.StatusOK, false: http.StatusInternalServerError}[good]
	v.check(reloadsHonest, err == nil && resp.StatusCode == want, "status %d, want %d: %s", resp.StatusCode, want, said)
	w.awaitReload(ctx, p, good, start)
}

// awaitReload waits until the metrics say how a reload went, and checks that a bad one left the configuration as it was.
func (w *world) awaitReload(ctx context.Context, p *process, good bool, since time.Time) {
	const gauge = "kie_exporter_config_last_reload_"
	want := map[bool]float64{true: 1, false: 0}[good]
	var successful, at float64
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if e, err := glance(ctx, p, shortly); err == nil {
			successful, at = e.value(gauge+"successful"), e.value(gauge+"success_timestamp_seconds")
		}
		if successful == want && (!good || at >= float64(since.UnixMilli())/1e3) {
			break
		}
		w.pause(ctx, 100*time.Millisecond)
	}
	w.verdict.check(reloadsHonest, successful == want && good == (at >= float64(since.UnixMilli())/1e3),
		"the metrics say %v at %v of a reload at %v that is good: %v", successful, at, since, good)
	status, _, body, err := get(ctx, p.base+"/config", patience, patience, format{})
	secret := findSecret(string(body))
	w.verdict.check(nothingSecret, secret == "", "/config says %q", secret)
	w.verdict.check(reloadsHonest, err == nil && status == http.StatusOK && strings.Contains(string(body), "walk-in"), "/config: status %d, %v", status, err)
}

// shortly is a timeout that has the exporter answer with what it knows, instead of asking first.
const shortly = 600 * time.Millisecond

// glance scrapes a process once, without looking at all that a scrape shows.
func glance(ctx context.Context, p *process, timeout time.Duration) (*exposition, error) {
	status, contentType, body, err := get(ctx, p.base+"/metrics", timeout, patience, plainText())
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d", status)
	}
	return read(body, contentType)
}
