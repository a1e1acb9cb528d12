package faults_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The lines of a document between which the results are.
const (
	resultsBegin = "<!-- Results of `make soak-replicas`; what is between here and the end mark is generated. -->"
	resultsEnd   = "<!-- End of results with replicas. -->"
)

// TestReplicasSoak has three replicas at work, of which one is killed every minute or two, over a Redis that is killed, stands still and is emptied.
func TestReplicasSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	length, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), "30s"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("SOAK_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, "127.0.0.1", "127.0.0.1")
	f.random = rand.New(rand.NewPCG(seed, 2))
	f.long = length >= 4*time.Minute
	running := []*life{}
	for _, name := range []string{"first", "second", "third"} {
		running = append(running, f.start(name, f.server.Addr(), "127.0.0.1"))
	}
	f.skipFirstLease()
	f.allHeld()
	done := map[string]int{}
	for began, n := time.Now(), 0; time.Since(began) < length; n++ {
		all := f.deeds(running)
		d := all[n%len(all)]
		d.do()
		done[d.what]++
		wait := 6 * time.Second
		if f.long {
			wait = 20 * time.Second
		}
		time.Sleep(wait)
	}
	f.allHeld()
	f.settle()
	all := f.check()
	if path := os.Getenv("SOAK_REPORT"); path != "" && !t.Failed() {
		f.report(path, seed, all, done)
	}
}

type deed struct {
	what string
	do   func()
}

// upTo returns a time that chance decides; in a short soak the least.
func (f *fleet) upTo(least, most time.Duration) time.Duration {
	if !f.long {
		return least
	}
	return least + time.Duration(f.random.Int64N(int64(most-least)))
}

// trouble notes that something is wrong with Redis.
func (f *fleet) trouble() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.troubles = append(f.troubles, time.Now())
}

// deeds are what goes wrong, in this order, again and again.
func (f *fleet) deeds(running []*life) []deed {
	one := f.random.IntN(len(running))
	again := func() { running[one] = f.start(running[one].name, f.server.Addr(), "127.0.0.1") }
	kill := deed{"a replica killed with kill -9", func() {
		running[one].kill()
		time.Sleep(f.upTo(3*time.Second, 15*time.Second))
		again()
	}}
	return []deed{
		kill,
		{"Redis emptied", func() {
			f.trouble()
			f.server.CLI(f.t, "flushall")
			f.lost()
		}},
		{"Redis stands still", func() {
			defer f.trouble()
			f.trouble()
			f.server.Stop()
			time.Sleep(f.upTo(3*time.Second, 20*time.Second))
			f.server.Continue()
		}},
		kill,
		{"a replica stands still", func() { running[one].standStill(f.upTo(4*time.Second, lease+10*time.Second)) }},
		{"Redis killed, and empty when it is back", func() {
			defer f.trouble()
			f.trouble()
			f.server.Kill()
			f.lost()
			time.Sleep(f.upTo(time.Second, 15*time.Second))
			f.server.Up(f.t)
		}},
		{"a replica ended with SIGTERM", func() {
			running[one].end()
			time.Sleep(f.upTo(time.Second, 10*time.Second))
			again()
		}},
	}
}

// report writes the results into a document.
func (f *fleet) report(path string, seed uint64, all []finding, done map[string]int) {
	var b strings.Builder
	fmt.Fprintf(&b, "A soak of three replicas for %v with seed %d and a lease of %v, on %s/%s with %d processors, Go %s: %d processes, %d tasks, %d queries.\n\n",
		time.Since(f.began).Round(time.Second), seed, lease, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"),
		len(f.lives), len(f.ends), len(f.requests))
	b.WriteString("| what was promised | looked at | broken | figures |\n|---|---|---|---|\n")
	for _, one := range all {
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", strings.ToUpper(one.what[:1])+one.what[1:], one.looked, len(one.broken), one.figure)
	}
	b.WriteString("\n| what went wrong | times |\n|---|---|\n")
	var rows []string
	for what, n := range done {
		rows = append(rows, fmt.Sprintf("| %s | %d |\n", what, n))
	}
	slices.Sort(rows)
	b.WriteString(strings.Join(rows, ""))
	content, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), resultsBegin)
	_, after, ended := strings.Cut(rest, resultsEnd)
	if !found || !ended {
		f.t.Fatalf("%s lacks the marks between which results go", path)
	}
	text := before + resultsBegin + "\n\n" + b.String() + "\n" + resultsEnd + after
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}
