// Callbacks: how the API tells the end of a task to whoever created it with a URL for that.

package kiesim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// Callbacks say where a program wants to be called back, and how that is signed.
type Callbacks struct {
	URL string
	Key string
}

// callBack tells the end of a task when it has come. As with the real API nobody learns of a callback that does not arrive.
func (s *Server) callBack(ctx context.Context, c *Callbacks, id string) {
	t, ok := s.task(id)
	if !ok || t.Duration < 0 {
		return
	}
	for _, stage := range stages(t) {
		if !wait(ctx, time.Until(t.Created.Add(time.Duration(stage.at*float64(s.lifetime(t)))))) {
			return
		}
		s.post(ctx, c, id, toJSON(s.callback(t, stage.name)))
	}
}

// stage is a callback about a task, after a part of its life.
type stage struct {
	name string
	at   float64
}

// stages returns the callbacks about a task: one, but three of Suno's unless the task fails.
func stages(t Task) []stage {
	switch {
	case t.Endpoint == Suno && t.Fail != nil:
		return []stage{{"error", 1}}
	case t.Endpoint == Suno:
		return []stage{{"text", 1.0 / 3}, {"first", 2.0 / 3}, {"complete", 1}}
	}
	return []stage{{"", 1}}
}

// callback returns what is posted about a task.
func (s *Server) callback(t Task, stage string) any {
	rec := s.record(t, time.Since(t.Created))
	f, ok := s.shapes[t.Endpoint]
	if !ok {
		return envelope{Code: codeOK, Msg: "success", Data: rec}
	}
	return f.callback(t.Endpoint, t.ID, f.data(t, rec), stage)
}

// post sends a callback about a task, signed.
func (s *Server) post(ctx context.Context, c *Callbacks, id, body string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader([]byte(body)))
	if err != nil {
		return
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(c.Key))
	mac.Write([]byte(id + "." + timestamp))
	req.Header = http.Header{
		"Content-Type":        {"application/json"},
		"X-Webhook-Timestamp": {timestamp},
		"X-Webhook-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}
