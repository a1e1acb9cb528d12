// Package kie asks the kie.ai API how tasks are doing and how many credits an account has left.
package kie

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	commoncfg "github.com/prometheus/common/config"
)

// maxBody is how much of an answer is read, counted after decompression.
const maxBody = 4 << 20

// Options say how a Client reaches the API.
type Options struct {
	BaseURL        *url.URL
	Key            func() string // asked anew for each request, so that a key can be rotated
	HTTPClient     commoncfg.HTTPClientConfig
	Timeout        time.Duration // of one request, its body included
	MaxConnections int           // idle connections kept; the number of concurrent requests is the caller's
	UserAgent      string
	// DialContext replaces the ordinary dialler; nil is the ordinary one.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client asks the API. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper // used without an http.Client, so there are neither redirects nor cookies
	closeIdle func()
	key       func() string
	timeout   time.Duration
	userAgent string
	urls      []*url.URL // of endpoints
}

// NewClient returns a client; Close releases its connections.
func NewClient(o Options) (*Client, error) {
	if o.BaseURL == nil || o.Key == nil || o.Timeout <= 0 {
		return nil, errors.New("a client needs a base URL, a key and a timeout")
	}
	t, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	c := &Client{
		transport: t,
		closeIdle: t.CloseIdleConnections,
		key:       o.Key,
		timeout:   o.Timeout,
		userAgent: o.UserAgent,
	}
	for _, e := range endpoints {
		c.urls = append(c.urls, o.BaseURL.JoinPath(e.path))
	}
	if h := o.HTTPClient.HTTPHeaders; h != nil {
		c.transport = commoncfg.NewHeadersRoundTripper(h, t)
	}
	return c, nil
}

// Record asks an endpoint about one task. On class task_failed it returns both what the answer told and the error.
// A request that ends with ctx returns ctx's error, which has no class.
func (c *Client) Record(ctx context.Context, e Endpoint, id string) (Answer, error) {
	u, at := *c.urls[e], &endpoints[e]
	if at.id != "" {
		u.RawQuery = url.Values{at.id: {id}}.Encode()
	}
	r, err := c.get(ctx, &u)
	if err != nil {
		return Answer{}, err
	}
	return r.record(&at.task, id)
}

// Credit asks for the account's balance. Its errors are those of Record.
func (c *Client) Credit(ctx context.Context) (float64, error) {
	r, err := c.get(ctx, c.urls[Credit])
	if err != nil {
		return 0, err
	}
	return r.credit()
}

// Close closes idle connections.
func (c *Client) Close() { c.closeIdle() }

// reply is what came back over HTTP, whatever it says.
type reply struct {
	status     int
	clock      Time          // the Date header
	retryAfter time.Duration // the Retry-After header
	body       []byte
}

// get makes one request within the client's timeout.
func (c *Client) get(ctx context.Context, u *url.URL) (reply, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := c.exchange(bounded, u)
	switch {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return reply{}, fmt.Errorf("asking the API: %w", ctx.Err())
	case bounded.Err() != nil:
		err = context.DeadlineExceeded
	}
	return reply{}, r.fail(err)
}

// exchange sends a request and reads the whole reply. On an error the reply holds what came before it.
func (c *Client) exchange(ctx context.Context, u *url.URL) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key())
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()

	r := reply{status: resp.StatusCode, clock: clock(resp.Header)}
	r.retryAfter = retryAfter(resp.Header.Get("Retry-After"), r.now())
	if r.status < http.StatusOK || isRedirect(r.status) {
		return r, nil // whatever the body says counts for nothing
	}
	// Beyond the limit the body is closed unread, which closes the connection.
	r.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(r.body) > maxBody {
		err = errTooLarge
	}
	return r, err
}

// now returns the API's time, or ours if it does not tell.
func (r reply) now() time.Time {
	if r.clock.IsZero() {
		return time.Now()
	}
	return r.clock.Time()
}

// WidestOffset is what a clock can be wrong by: a wrong time zone comes to 14 hours. A Date further off ours says nothing.
const WidestOffset = 24 * time.Hour

// likelyNow returns the API's time, or ours if what the API tells can't be right.
func (r reply) likelyNow() time.Time {
	if ours := time.Now(); r.now().Sub(ours).Abs() > WidestOffset {
		return ours
	}
	return r.now()
}

// clock reads the Date header; a missing, malformed or pre-1970 one is absent.
func clock(h http.Header) Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(TimeOf(t), 0)
}
