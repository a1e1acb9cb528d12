//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// slowed has a process rest before and after each call of some on the file of the storage, so that a kill meets every step between two of them.
func (p *producers) slowed(calls string, rest time.Duration) []string {
	return []string{
		"strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-P", filepath.Join(p.dir, "kie_exporter.db"), "-e", "trace=" + calls,
		"-e", fmt.Sprintf("inject=%s:delay_enter=%d:delay_exit=%[2]d", calls, rest.Microseconds()),
	}
}

// pushAndKill pushes some ids to a process that is killed so long after, and reports whether that was acknowledged before.
func (p *producers) pushAndKill(tracer []string, ids []string, after time.Duration) (acknowledged bool) {
	p.t.Helper()
	c := p.live(tracer...)
	p.awaitReady()
	answered := make(chan bool, 1)
	go func() {
		status, _, ok := p.send(http.MethodPost, ids)
		if ok && status != http.StatusOK {
			p.t.Errorf("a push is answered with %d", status)
		}
		answered <- ok
	}()
	time.Sleep(after)
	p.end(c)
	return <-answered
}

// there returns how many of some ids a new process knows. All of them are pushed then, and counted if that is wanted.
func (p *producers) there(ids []string, count bool) int {
	p.t.Helper()
	c := p.live()
	p.awaitReady()
	status, a, ok := p.send(http.MethodPost, ids)
	if !ok || status != http.StatusOK || a.Known+a.Accepted != len(ids) {
		p.t.Fatalf("of %d ids %d are known and %d are not", len(ids), a.Known, a.Accepted)
	}
	p.next.Add(int64(len(ids)))
	if !count { // nor are they asked about, without a scrape
		p.end(c)
		return a.Known
	}
	wait.Until(p.t, time.Minute, 20*time.Millisecond, func() error {
		if counted, all := p.counted+p.total(), float64(p.next.Load()); counted < all {
			return fmt.Errorf("%v tasks are counted of %v", counted, all)
		}
		return nil
	})
	p.kill(c)
	return a.Known
}

// TestAPushIsWholeWhereverItIsKilled kills a push at each step that it takes on the disk: before and after each write of a page and each wait for
// the disk, between two batches, and before the answer. What was acknowledged is there, a batch is there or it is not, and each task is counted
// once.
func TestAPushIsWholeWhereverItIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for each call that writes")
	}
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip(err)
	}
	const batch = 10_000
	for name, test := range map[string]struct {
		calls       string
		rest, steps time.Duration
		ids, whole  int // whole: that are there together, or not at all
		count       bool
	}{
		"one batch":   {"pwrite64,fdatasync", 50 * time.Millisecond, 50 * time.Millisecond, 3, 3, true},
		"two batches": {"fdatasync", 150 * time.Millisecond, 250 * time.Millisecond, batch + 3, batch, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProducers(t)
			p.there([]string{"first"}, test.count) // from now on there is a file, with all that it has
			file := filepath.Join(p.dir, "kie_exporter.db")
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			outcomes := make(map[int]int) // how often so many were there without an answer
			// On a busy machine a kill may come later than it is meant to, so a step may be missed: then all is done again.
			for round := 0; round < 20 && (outcomes[0] == 0 || outcomes[test.whole] == 0); round++ {
				for after, acknowledged := test.rest/4, false; !acknowledged; after += test.steps {
					ids := make([]string, test.ids)
					for i := range ids {
						ids[i] = fmt.Sprintf("%d-%v-%06d", round, after, i)
					}
					acknowledged = p.pushAndKill(p.slowed(test.calls, test.rest), ids, after)
					there := p.there(ids, test.count)
					if acknowledged && there != len(ids) || there != 0 && there != test.whole && there != len(ids) {
						t.Errorf("killed after %v, of %d ids %d are there, acknowledged: %t", after, len(ids), there, acknowledged)
					}
					if !acknowledged {
						outcomes[there]++
					}
					if !test.count { // nobody goes on with what there is, so the next process need not read it
						if err := os.WriteFile(file, before, 0o600); err != nil {
							t.Fatal(err)
						}
					}
					if after > 5*time.Minute {
						t.Fatal("no push comes to its end")
					}
				}
			}
			t.Logf("%d kills; so many ids were there without an answer, so often: %v", p.kills, outcomes)
			if outcomes[0] == 0 || outcomes[test.whole] == 0 {
				t.Errorf("no kill came before a batch was on disk, or none between that and the answer: %v", outcomes)
			}
			if all := float64(p.next.Load()); test.count && p.counted != all {
				t.Errorf("%v tasks are counted of %v", p.counted, all)
			}
		})
	}
}
