package redis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// TestRedisCluster has three nodes, of which one comes again with all it had.
func TestRedisCluster(t *testing.T) {
	var nodes []*redistest.Server
	var addresses []string
	user := slices.Concat([]string{"--user", "kie_exporter", "on", ">secret"}, documented(t), documentedForNodes(t))
	for range 3 {
		n := redistest.Start(t, append(slices.Clone(user), "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--appendonly", "yes", "--appendfsync", "always")...)
		nodes, addresses = append(nodes, n), append(addresses, n.Addr())
	}
	nodes[0].CLI(t, append([]string{"--cluster", "create", "--cluster-yes"}, addresses...)...)
	w := newWorld(t, 10*time.Second)
	well := func() bool {
		for _, n := range nodes {
			if text, err := n.Try("cluster", "info"); err != nil || !strings.Contains(text, "cluster_state:ok") {
				return false
			}
		}
		return true
	}
	w.eventually("the nodes know each other", well)
	o := redis.Options{Addresses: addresses, Cluster: true, Username: "kie_exporter", Password: func() string { return "secret" }, Timeout: 3 * time.Second}
	a, b := w.join("a", o), w.join("b", o)
	defer w.watch()()
	w.eventually("they share", func() bool { return w.even(a, b) })
	w.more("records are written")
	w.tells(a, b, o)
	for _, n := range nodes {
		if refused := strings.TrimSpace(n.CLI(t, "acl", "log")); refused != "" {
			t.Errorf("a call is refused: %s", refused)
		}
	}
	for _, n := range nodes {
		n.Kill()
		n.Up(t)
		w.eventually("the nodes know each other again", well)
		w.eventually("they share again", func() bool { return w.even(a, b) })
		w.more("records are written again")
	}
	a.end()
	w.eventually("the other has all", func() bool { return w.even(b) })
	w.once()
}
