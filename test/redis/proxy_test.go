package redis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// TestABrokenLine has something between one replica and Redis that is slow, silent, or breaks connections, for longer than a lease.
func TestABrokenLine(t *testing.T) {
	for name, toxic := range map[string]struct {
		json  string
		holds bool // the replica goes on
	}{
		"silent":               {`{"name":"x","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`, false},
		"silent the other way": {`{"name":"x","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`, false},
		"connections reset":    {`{"name":"x","type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`, false},
		"slow":                 {`{"name":"x","type":"latency","stream":"downstream","attributes":{"latency":100}}`, true},
		"cut after some bytes": {`{"name":"x","type":"limit_data","stream":"downstream","attributes":{"bytes":40}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			metrics := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
			proxy := toxiproxy.NewProxy(toxiproxy.NewServer(metrics, zerolog.Nop()), "redis", "127.0.0.1:0", server.Addr())
			if err := proxy.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Stop)
			w := newWorld(t, 3*time.Second)
			a := w.join("a", redis.Options{Addresses: []string{proxy.Listen}})
			b := w.join("b", redis.Options{Addresses: []string{server.Addr()}})
			stop := w.watch()
			w.eventually("they share", func() bool { return w.even(a, b) })
			w.more("records are written")
			if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic.json)); err != nil {
				t.Fatal(err)
			}
			if toxic.holds {
				time.Sleep(2 * w.lease)
				w.eventually("they share over a slow line", func() bool { return w.even(a, b) })
			} else {
				w.eventually("the other has all", func() bool { return w.even(b) && len(a.Keeper.Held()) == 0 })
			}
			w.more("records are written")
			if err := proxy.Toxics.RemoveToxic(context.Background(), "x"); err != nil {
				t.Fatal(err)
			}
			w.eventually("they share again", func() bool { return w.even(a, b) })
			stop()
			w.once()
		})
	}
}
