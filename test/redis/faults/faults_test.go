package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// TestReplicasLiveThroughFaults has two replicas at work, one fault each, and all well again.
func TestReplicasLiveThroughFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases to end")
	}
	t.Parallel()
	for name, fault := range map[string]func(*testing.T, *fleet){
		"a process stands still for longer than the lease": standsStill,
		"Redis hangs for longer than the lease":            hangs,
		"Redis loses all":                                  losesAll,
		"Redis takes no changes":                           takesNoChanges,
		"Redis is full":                                    isFull,
		"the clock of Redis is set":                        clockIsSet,
		"a replica is killed":                              isKilled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, "127.0.0.1", "127.0.0.1")
			f.start("first", f.server.Addr(), "127.0.0.1")
			f.start("second", f.server.Addr(), "127.0.0.1")
			f.skipFirstLease()
			f.allHeld()
			time.Sleep(3 * time.Second)
			fault(t, f)
			t.Logf("all is held again after %v", f.allHeld())
			f.settle()
			f.check()
		})
	}
}

func standsStill(t *testing.T, f *fleet) {
	t.Helper()
	f.holderOf("a").standStill(lease + 4*time.Second)
}

func isKilled(t *testing.T, f *fleet) {
	t.Helper()
	l := f.holderOf("a")
	l.kill()
	at := time.Now()
	f.until("the other has all", func(h *life) bool { return h != l })
	if took := time.Since(at); took > lease+loadedWithin {
		t.Errorf("the takeover took %v", took)
	} else {
		t.Logf("the other has all %v after kill -9", took)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(slices.Collect(maps.Values(f.ends)), func(end time.Time) bool { return end.After(at.Add(askedWithin)) }) {
		t.Error("no task is unfinished for so long that it has to be asked about after the kill")
	}
}

// loadedWithin is what a machine that does much else, and stands still now and then, adds to what takes 3 s; TestFigures measures without that.
const loadedWithin = time.Minute

// hangs has no call to Redis answered. Scrapes make none, so they do not wait for one.
func hangs(t *testing.T, f *fleet) {
	t.Helper()
	f.holderOf("a").scrapesMakeNoCalls()
	f.between.Store(int64(1200 * time.Millisecond)) // sooner, a scrape would wait for a new snapshot
	defer f.between.Store(int64(usuallyBetween))
	f.server.Stop()
	at := time.Now()
	var times []time.Duration
	wait.Until(t, time.Minute, 100*time.Millisecond, func() error {
		if times = f.scrapeTimes(at); len(times) < 8 {
			return fmt.Errorf("%d scrapes were answered", len(times))
		}
		return nil
	})
	slices.Sort(times)
	t.Logf("while Redis hangs a scrape takes from %v to %v, half of them %v", times[0], times[len(times)-1], times[len(times)/2])
	if times[0] > callTimeout/2 { // what a call takes, each would take; what a busy machine does not get to, one does not
		t.Errorf("the fastest of %d scrapes takes %v while Redis hangs, as if a call to it were on the way", len(times), times[0])
	}
	ended := at.Add(lease + 3*time.Second)
	wait.Until(t, time.Minute, 100*time.Millisecond, func() error { return f.seenSince(ended, 2) })
	f.mu.Lock()
	for _, l := range f.lives {
		for _, s := range l.seen {
			if s.began.After(ended) && len(s.held) > 0 {
				t.Errorf("%s holds %v %v after Redis answered last", l.name, s.held, s.began.Sub(at))
			}
		}
	}
	f.mu.Unlock()
	f.server.Continue()
}

// seenSince returns why not every process has answered so many scrapes that began after a time.
func (f *fleet) seenSince(at time.Time, scrapes int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lives {
		n := 0
		for _, s := range l.seen {
			if s.began.After(at) {
				n++
			}
		}
		if n < scrapes {
			return fmt.Errorf("%s has answered %d scrapes of %d", l.name, n, scrapes)
		}
	}
	return nil
}

// callTimeout is what a call to Redis that is not answered takes.
const callTimeout = 500 * time.Millisecond

// scrapeTimes returns what the scrapes took that began after a time, each with a snapshot that was too old to be served again: a scrape that comes
// within a second of the one before would wait for a new one.
func (f *fleet) scrapeTimes(after time.Time) (all []time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lives {
		for i, s := range l.seen {
			if i > 0 && s.began.After(after) && s.began.Sub(l.seen[i-1].ended) > time.Second {
				all = append(all, s.ended.Sub(s.began))
			}
		}
	}
	return all
}

func losesAll(t *testing.T, f *fleet) {
	t.Helper()
	wait.Until(t, time.Minute, 100*time.Millisecond, func() error { // nothing moves any more
		names := make(map[string]bool)
		for _, lease := range f.leases() {
			name, _, _ := strings.Cut(lease, "|")
			names[name] = true
		}
		if len(names) != 2 || names[""] {
			return fmt.Errorf("shares are held by %v", names)
		}
		return nil
	})
	for range 3 {
		before, ended := f.leases(), f.leasesEnded()
		f.server.CLI(t, "flushall")
		time.Sleep(3 * time.Second)
		wait.Until(t, time.Minute, 100*time.Millisecond, func() error {
			now := f.leases()
			if f.leasesEnded() > ended { // the machine stood still for as long as a lease: what nobody holds goes to anybody
				return nil
			}
			if !maps.Equal(now, before) {
				return fmt.Errorf("after Redis lost all the shares are held by %v, before by %v", now, before)
			}
			return nil
		})
	}
	f.server.Kill()
	f.server.Up(t)
}

func takesNoChanges(t *testing.T, f *fleet) {
	t.Helper()
	f.server.CLI(t, "replicaof", "127.0.0.1", "1")
	time.Sleep(lease + 3*time.Second)
	f.server.CLI(t, "replicaof", "no", "one")
}

func isFull(t *testing.T, f *fleet) {
	t.Helper()
	f.server.CLI(t, "config", "set", "maxmemory-policy", "noeviction")
	f.server.CLI(t, "config", "set", "maxmemory", "1")
	time.Sleep(lease + 3*time.Second)
	f.server.CLI(t, "config", "set", "maxmemory", "0")
}

// clockIsSet has all leases look ended, and then as if they ended in an hour, which is what a step of the server's clock does to them.
func clockIsSet(t *testing.T, f *fleet) {
	t.Helper()
	const key = "kie1:{default}:leases"
	for _, step := range []time.Duration{-lease, time.Hour, -lease, -lease} {
		f.mu.Lock()
		f.steps = append(f.steps, time.Now())
		f.mu.Unlock()
		for share := range strings.FieldsSeq(f.server.CLI(t, "--raw", "hkeys", key)) {
			parts := strings.Split(f.server.CLI(t, "--raw", "hget", key, share), "|")
			if len(parts) == 4 && parts[0] != "" {
				f.server.CLI(t, "hset", key, share, fmt.Sprintf("%s|%d", strings.Join(parts[:3], "|"), time.Now().Add(step).UnixMilli()))
			}
		}
		time.Sleep(4 * time.Second)
	}
}
