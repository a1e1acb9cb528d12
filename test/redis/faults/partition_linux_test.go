package faults_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// network is a network of its own, in which a replica reaches the API at one address and Redis at another.
type network struct{ name, inside, api, redis string }

// newNetwork makes one, where root may; another user may not. In CI root has to be able to.
func newNetwork(t *testing.T) network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a network")
	}
	id := strconv.Itoa(os.Getpid() % 60_000)
	base := "10." + strconv.Itoa(200+os.Getpid()%50) + "." + strconv.Itoa(os.Getpid()/50%250) + "."
	n := network{name: "kie" + id, inside: base + "10", api: base + "1", redis: base + "2"}
	out := "kieo" + id
	for i, line := range []string{
		"netns add " + n.name,
		"link add " + out + " type veth peer name eth0 netns " + n.name,
		"addr add " + n.api + "/24 dev " + out,
		"addr add " + n.redis + "/24 dev " + out,
		"link set " + out + " up",
		"-n " + n.name + " addr add " + n.inside + "/24 dev eth0",
		"-n " + n.name + " link set eth0 up",
		"-n " + n.name + " link set lo up",
	} {
		if i == 0 {
			t.Cleanup(func() { _, _ = ip("netns delete " + n.name) })
		}
		if said, err := ip(line); err != nil {
			if i <= 1 && os.Getenv("CI") == "" {
				t.Skipf("ip %s: %v: %s", line, err, said)
			}
			t.Fatalf("ip %s: %v: %s", line, err, said)
		}
	}
	return n
}

func ip(line string) (string, error) {
	out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput() //nolint:noctx,gosec // returns at once
	return string(out), err
}

// cut has packets to Redis go to a neighbour that there is not: nobody is told that they are lost. The API is reached as before.
func (n network) cut(t *testing.T) {
	t.Helper()
	if said, err := ip("-n " + n.name + " neigh replace " + n.redis + " lladdr 02:00:00:00:00:99 dev eth0 nud permanent"); err != nil {
		t.Fatal(said)
	}
}

func (n network) mend(t *testing.T) {
	t.Helper()
	if said, err := ip("-n " + n.name + " neigh del " + n.redis + " dev eth0"); err != nil {
		t.Fatal(said)
	}
}

// TestASilentPartition has a replica that still reaches the API, and no more Redis, without a word from the network.
func TestASilentPartition(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases to end")
	}
	t.Parallel()
	n := newNetwork(t)
	f := newFleet(t, n.redis, n.api)
	cut := f.start("cut", f.server.Addr(), n.inside, "ip", "netns", "exec", n.name)
	other := f.start("other", f.server.Addr(), n.api)
	f.skipFirstLease()
	f.allHeld()
	time.Sleep(3 * time.Second)
	n.cut(t)
	at := time.Now()
	f.until("the other has all", func(l *life) bool { return l == other })
	if took := time.Since(at); took > lease+loadedWithin {
		t.Errorf("the takeover took %v", took)
	} else {
		t.Logf("the other has all after %v", took)
	}
	time.Sleep(lease)
	n.mend(t)
	f.until("both have something", func(*life) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(cut.seen) > 0 && len(cut.seen[len(cut.seen)-1].held) > 0
	})
	f.settle()
	f.check()
}
