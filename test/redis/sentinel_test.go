package redis_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// TestAFailoverOfSentinel has one master, two copies and three Sentinels, of which the master dies.
func TestAFailoverOfSentinel(t *testing.T) {
	master := redistest.Start(t)
	of := []string{"--replicaof", master.Host, strconv.Itoa(master.Port)}
	copies := []*redistest.Server{redistest.Start(t, of...), redistest.Start(t, of...)}
	var addresses []string
	var sentinels []*redistest.Server
	for range 3 {
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor main %s %d 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 3000\n",
			master.Host, master.Port)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := redistest.Start(t, file, "--sentinel")
		sentinels, addresses = append(sentinels, s), append(addresses, s.Addr())
	}
	w := newWorld(t, 6*time.Second)
	w.eventually("the Sentinels know all", func() bool {
		for _, s := range sentinels {
			text, err := s.Try("sentinel", "master", "main")
			if err != nil || !strings.Contains(text, "num-slaves\n2") || !strings.Contains(text, "num-other-sentinels\n2") {
				return false
			}
		}
		for _, c := range copies {
			if text, err := c.Try("info", "replication"); err != nil || !strings.Contains(text, "master_link_status:up") {
				return false
			}
		}
		return true
	})
	o := redis.Options{Addresses: addresses, SentinelMaster: "main"}
	a, b := w.join("a", o), w.join("b", o)
	defer w.watch()()
	w.eventually("they share", func() bool { return w.even(a, b) })
	w.more("records are written")
	master.Kill()
	began := time.Now()
	w.eventually("another is master", func() bool {
		for _, c := range copies {
			if text, err := c.Try("info", "replication"); err == nil && strings.Contains(text, "role:master") {
				return true
			}
		}
		return false
	})
	w.more("records are written again")
	w.eventually("they share again", func() bool { return w.even(a, b) })
	t.Logf("after %v all is as it was", time.Since(began))
	w.once()
}
