// The callbacks of a group's tasks: most come, some are lost, come twice, or are forged.

package soak_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// callback is what becomes of the callback of a task.
type callback string

const (
	inTime   callback = "in time"
	twice    callback = "twice"
	lost     callback = "lost"
	lying    callback = "signed, before the end that it tells" // and none at the end
	unsigned callback = "forged, signed with another key"      // likewise
)

// caller sends callbacks. It is safe for concurrent use.
type caller struct {
	w *world

	mu     sync.Mutex
	random *rand.Rand
	became map[callback]int
}

// draw decides what becomes of a task's callback, and how long it takes.
func (c *caller) draw(f *fact) (callback, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kinds := []callback{inTime, inTime, inTime, inTime, twice, lost, lying, unsigned}
	kind := kinds[c.random.IntN(len(kinds))]
	lag := time.Duration(c.random.IntN(2000)) * time.Millisecond
	if !f.finishes() {
		kind = lying
	}
	c.became[kind]++
	return kind, lag
}

// follow sends what there is to send about a task, until ctx ends.
func (c *caller) follow(ctx context.Context, f *fact) {
	kind, lag := c.draw(f)
	switch kind {
	case lost:
	case lying:
		c.w.pause(ctx, lag)
		c.send(ctx, f, hookKey(), http.StatusAccepted)
	case unsigned:
		c.w.pause(ctx, lag)
		c.send(ctx, f, "another key", http.StatusUnauthorized)
	case inTime, twice:
		c.w.pause(ctx, time.Until(f.completed.Time())+lag)
		c.send(ctx, f, hookKey(), http.StatusAccepted)
		if kind == twice {
			c.w.pause(ctx, lag)
			c.send(ctx, f, hookKey(), http.StatusAccepted)
		}
	}
}

// send sends a callback that says that a task has succeeded, to the process that runs now, if one does.
func (c *caller) send(ctx context.Context, f *fact, key string, want int) {
	p := c.w.current()
	if p == nil || p.isEnding() || ctx.Err() != nil {
		return
	}
	status, err := post(ctx, p.hooks+"/webhook/"+f.account, f.id, key)
	if err != nil && (p.isEnding() || ctx.Err() != nil) {
		return
	}
	c.w.verdict.check(signedOnly, err == nil && status == want, "a callback about %s: status %d, want %d, %v", f.id, status, want, err)
}

func post(ctx context.Context, url, id, key string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body := fmt.Sprintf(`{"code":200,"msg":%q,"data":{"taskId":%q,"state":"success","completeTime":1}}`, kiesim.Canary, id)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(id + "." + timestamp))
	req.Header.Set("X-Webhook-Timestamp", timestamp)
	req.Header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// hookKey returns the key that signs callbacks.
func hookKey() string { return keyOf("hooks") }

// counts returns how often each thing became of a callback.
func (c *caller) counts() map[callback]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.became)
}
