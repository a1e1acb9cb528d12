// Package simtest runs the simulated API for tests: real HTTP on a network of pipes, so that it works inside a
// testing/synctest bubble too, where sockets would keep time from passing.
package simtest

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// Key is the API key that clients of this package send.
const Key = "key-of-a-test"

// New makes a simulated API for a test and returns it with a client of it.
func New(tb testing.TB, o kiesim.Options) (*kiesim.Server, *kie.Client) {
	tb.Helper()
	Today()
	sim := kiesim.New(o)
	return sim, Client(tb, sim)
}

// Client serves a simulated API for the length of a test and returns a client of it.
func Client(tb testing.TB, sim *kiesim.Server) *kie.Client {
	tb.Helper()
	pipe := kiesim.NewPipe()
	server := &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(pipe) })
	client, err := kie.NewClient(kie.Options{
		BaseURL:        &url.URL{Scheme: "http", Host: "kie.test"},
		Key:            func() string { return Key },
		HTTPClient:     commoncfg.DefaultHTTPClientConfig,
		Timeout:        10 * time.Second,
		MaxConnections: 100,
		DialContext:    pipe.DialContext,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		client.Close()
		_ = server.Close()
		serving.Wait()
	})
	return client
}

// Today lets a bubble's time, which starts in the year 2000, pass up to one in which API times have 13 digits.
func Today() {
	if now := time.Now(); now.Year() < 2026 {
		time.Sleep(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Sub(now))
	}
}
