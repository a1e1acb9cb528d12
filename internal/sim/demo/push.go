// Programs of the demo that push the ids of their tasks.

package demo

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// How often a push is sent, and how long after another: the exporter may be starting yet.
const (
	tries = 20
	pause = 500 * time.Millisecond
)

// Push has the programs create tasks that push them, now that the exporter listens.
func (d *Demo) Push(exporter *url.URL) {
	for _, g := range groups {
		if g.isPushed() {
			to := exporter.JoinPath("/api/v1/groups", g.name, "tasks").String()
			d.generate(g, kiesim.Program{PerSecond: rate, Endpoint: g.endpoint, Tell: pushTo(to)})
		}
	}
}

// pushTo returns what pushes a task to an address, and again if it is no use now.
func pushTo(address string) func(ctx context.Context, task []byte) error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the demo talks to itself
	}}
	return func(ctx context.Context, task []byte) (err error) {
		for range tries {
			var again bool
			if again, err = push(ctx, client, address, task); !again {
				return err
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return err
	}
}

// push pushes a task once; again: another try makes sense.
func push(ctx context.Context, client *http.Client, address string, task []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(task))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return true, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusOK {
		return err != nil, err
	}
	return resp.StatusCode >= http.StatusInternalServerError, fmt.Errorf("the push is answered with %d %s", resp.StatusCode, answer)
}
