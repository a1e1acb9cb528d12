// Package redis has calls made to a Redis or Valkey server, or to several of Sentinel or Redis Cluster: one client for the process. Each call
// has a deadline. It does not know what the calls are for.
//
// With the build tag noredis the program has no client, and New fails.
package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // names a script as Redis does
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

// Options say where the server is and how it is spoken to.
type Options struct {
	Addresses      []string // host:port, or the path of a Unix socket; several of Sentinel or Redis Cluster
	SentinelMaster string   // name of the master; set: the addresses are Sentinels
	Cluster        bool     // the addresses are nodes of Redis Cluster
	Username       string
	// Password is asked for each new connection; nil: none.
	Password func() string
	// SentinelPassword is that of the Sentinels. Another one makes new connections.
	SentinelPassword func() string
	DB               int
	// TLS is asked for each new connection, so that certificates may be replaced; nil: no TLS.
	TLS        func() (*tls.Config, error)
	Timeout    time.Duration // of one call
	Log        *slog.Logger
	Histograms histogram.New
	Operations []string // names that calls have, which are counted from the start

	// Stand, if set, stands in scripts for the server's clock and for the name that it has from its start to its end. For tests, whose time
	// is not the server's.
	Stand func() (now time.Time, run string)
}

// Script is a script in Lua, known to the server by its digest after it ran once.
type Script struct{ source, digest string }

// NewScript returns a script.
func NewScript(source string) *Script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // not for security
	return &Script{source, hex.EncodeToString(sum[:])}
}

// How our scripts ask for the time, and for what the server says of itself.
const (
	serverTime = "redis.call('TIME')"
	serverInfo = "redis.pcall('INFO', 'server')"
)

// stand returns the script with the server's clock and name as its last arguments.
func (s *Script) stand() (script *Script, told bool) {
	source := strings.ReplaceAll(s.source, serverTime, "{ARGV[#ARGV - 2], ARGV[#ARGV - 1]}")
	source = strings.ReplaceAll(source, serverInfo, "('run_id:' .. ARGV[#ARGV])")
	return NewScript(source), source != s.source
}

// backend speaks to the server.
type backend interface {
	do(ctx context.Context, args []any) (any, error)
	run(ctx context.Context, s *Script, keys []string, args []any) (any, error)
	// pipeline sends all at once; a reply that is an error is an error value among the replies.
	pipeline(ctx context.Context, commands [][]any) ([]any, error)
	// pop takes the first element of the first list that has one, and waits so long for it; two empty texts: there was none.
	pop(ctx context.Context, wait time.Duration, keys []string) (key, value string, err error)
	close() error
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	options Options
	backend backend
	stats   *stats

	mu       sync.Mutex // guards what follows
	failures int        // in a row
	down     time.Time  // until when calls fail at once
	failing  bool       // it was logged that calls fail
}

// ErrAbsent says that the program was built without Redis.
var ErrAbsent = errors.New("this program was built without Redis (build tag noredis)")

// ErrDown says that calls failed lately, and that this one was not tried.
var ErrDown = errors.New("redis failed three times in a row and is left alone for a while")

// After so many failures in a row, calls that can wait fail at once for a while, so that nobody waits for each of them to time out.
const (
	mostFailures = 3
	pause        = 5 * time.Second
)

// lateness is how much later than it was told to a server may say that there was nothing: it looks ten times a second whose wait is over.
const lateness = 500 * time.Millisecond

// New returns a client. It connects when it is first used, so that a server that is away is no error.
func New(o Options) (*Client, error) {
	b, err := connect(&o)
	if err != nil {
		return nil, err
	}
	return &Client{options: o, backend: b, stats: newStats(o.Histograms, o.Operations)}, nil
}

// Call is how one call is to be made.
type Call struct {
	Name   string // of the operation, for metrics
	Urgent bool   // is tried though calls failed lately: what is called rarely, and is the first to know when the server is there again

	waits time.Duration // so long the server may wait with its answer
}

// Run runs a script with keys and arguments.
func (c *Client) Run(ctx context.Context, call Call, s *Script, keys []string, args ...any) (any, error) {
	if c.options.Stand != nil {
		if stands, told := s.stand(); told {
			now, run := c.options.Stand()
			s, args = stands, append(slices.Clone(args), now.Unix(), now.Nanosecond()/1000, run)
		}
	}
	return guarded(ctx, c, call, func(ctx context.Context) (any, error) { return c.backend.run(ctx, s, keys, args) })
}

// Do sends a command.
func (c *Client) Do(ctx context.Context, call Call, args ...any) (any, error) {
	return guarded(ctx, c, call, func(ctx context.Context) (any, error) { return c.backend.do(ctx, args) })
}

// Pipeline sends commands at once and returns their replies, in their order. One that the server refused has an error as its reply.
func (c *Client) Pipeline(ctx context.Context, call Call, commands [][]any) ([]any, error) {
	return guarded(ctx, c, call, func(ctx context.Context) ([]any, error) { return c.backend.pipeline(ctx, commands) })
}

// Element is what was at the head of a list; the zero value: there was nothing.
type Element struct{ Key, Value string }

// Pop takes the first element of the first of some lists that has one, and waits so long for it, in whole seconds and one at the least: go-redis
// can't have the server wait otherwise, and our own deadline must be later than the server's. How long that takes says nothing of the server.
func (c *Client) Pop(ctx context.Context, call Call, wait time.Duration, keys ...string) (Element, error) {
	wait = max(wait.Truncate(time.Second), time.Second)
	call.waits = wait + lateness
	return guarded(ctx, c, call, func(ctx context.Context) (e Element, err error) {
		e.Key, e.Value, err = c.backend.pop(ctx, wait, keys)
		return e, err
	})
}

func guarded[T any](ctx context.Context, c *Client, call Call, try func(ctx context.Context) (T, error)) (reply T, err error) {
	if !call.Urgent && c.isDown() {
		c.stats.count(call.Name, skipped, 0)
		return reply, ErrDown
	}
	limited, cancel := context.WithTimeout(ctx, c.options.Timeout+call.waits)
	defer cancel()
	began := time.Now()
	reply, err = try(limited)
	if err != nil && ctx.Err() != nil {
		return reply, ctx.Err() // says nothing about the server
	}
	result := classify(err)
	if call.waits > 0 {
		c.stats.countOnly(call.Name, result)
	} else {
		c.stats.count(call.Name, result, time.Since(began))
	}
	c.note(result, err)
	if err != nil {
		return reply, &Error{Result: result, cause: err}
	}
	return reply, nil
}

func (c *Client) isDown() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.down)
}

// note takes into account how a call went. What is wrong with one key says nothing about the server.
func (c *Client) note(r Result, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r == OK || r == WrongType {
		if c.failing {
			c.options.Log.Info("Redis answers again")
		}
		c.failures, c.down, c.failing = 0, time.Time{}, false
		return
	}
	if c.failures++; c.failures >= mostFailures {
		c.down = time.Now().Add(pause)
		if !c.failing {
			c.options.Log.Error("Redis can't be used", "result", string(r), "err", err)
		}
		c.failing = true
	}
}

// Up reports whether the last call succeeded.
func (c *Client) Up() bool { return c.stats.isUp() }

// Stats returns how the calls went.
func (c *Client) Stats() Stats { return c.stats.read() }

// Close closes the connections.
func (c *Client) Close() error { return c.backend.close() }
