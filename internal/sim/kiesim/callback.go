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
	if !ok || t.Duration < 0 || !wait(ctx, time.Until(t.Created.Add(s.lifetime(t)))) {
		return
	}
	body := toJSON(envelope{Code: codeOK, Msg: "success", Data: s.record(t, time.Since(t.Created))})
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
