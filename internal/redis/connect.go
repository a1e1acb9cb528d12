//go:build !noredis

// What go-redis does for us.

package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// poolSize is how many connections there are at most.
const poolSize = 8

// universal is the client of go-redis, be the server one, of Sentinel or of Redis Cluster.
type universal struct {
	options Options

	mu       sync.Mutex // guards what follows
	client   redis.UniversalClient
	sentinel string // password with which the Sentinels are asked
	closed   bool
}

func connect(o *Options) (backend, error) {
	silence(o.Log)
	u := &universal{options: *o}
	u.client = u.open("")
	return u, nil
}

var once sync.Once

// silence has what go-redis logs by itself logged at debug: what matters comes back as an error, too.
func silence(log *slog.Logger) {
	once.Do(func() { redis.SetLogger(debug{log}) })
}

type debug struct{ log *slog.Logger }

// Printf implements what go-redis logs to.
func (d debug) Printf(ctx context.Context, format string, args ...any) {
	d.log.DebugContext(ctx, "The Redis client says something", "what", fmt.Sprintf(format, args...))
}

func (u *universal) open(sentinelPassword string) redis.UniversalClient {
	o := &u.options
	universal := &redis.UniversalOptions{
		Addrs: o.Addresses, MasterName: o.SentinelMaster, IsClusterMode: o.Cluster, DB: o.DB, SentinelPassword: sentinelPassword,
		Dialer: o.dial, Protocol: 2, DisableIdentity: true,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout, ContextTimeoutEnabled: true,
		MaxRetries: -1, DialerRetries: 1, // whoever calls comes again
		PoolSize: poolSize, PipelinePoolSize: -1, ConnMaxIdleTime: 5 * time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if o.Password != nil {
		universal.CredentialsProvider = func() (username, password string) { return o.Username, o.Password() }
	}
	return redis.NewUniversalClient(universal)
}

// dial opens a connection, and speaks TLS where that is wanted.
func (o *Options) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	dialer := &net.Dialer{Timeout: o.Timeout}
	if o.TLS == nil {
		return dialer.DialContext(ctx, network, address)
	}
	config, err := o.TLS()
	if err != nil {
		return nil, err
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, network, address)
}

// current returns the client. go-redis takes the Sentinels' password but once, so another one takes another client.
func (u *universal) current() redis.UniversalClient {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.options.SentinelPassword == nil || u.closed {
		return u.client
	}
	if password := u.options.SentinelPassword(); password != u.sentinel {
		_ = u.client.Close()
		u.sentinel, u.client = password, u.open(password)
	}
	return u.client
}

func (u *universal) do(ctx context.Context, args []any) (any, error) {
	return absent(u.current().Do(ctx, args...).Result())
}

func (u *universal) run(ctx context.Context, s *Script, keys []string, args []any) (any, error) {
	client := u.current()
	reply, err := client.EvalSha(ctx, s.digest, keys, args...).Result()
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		reply, err = client.Eval(ctx, s.source, keys, args...).Result()
	}
	return absent(reply, err)
}

func (u *universal) pipeline(ctx context.Context, commands [][]any) ([]any, error) {
	p := u.current().Pipeline()
	for _, args := range commands {
		p.Do(ctx, args...)
	}
	done, err := p.Exec(ctx)
	if err != nil && !isReply(err) {
		return nil, err
	}
	replies := make([]any, len(done))
	for i, cmd := range done {
		reply, err := absent(cmd.(*redis.Cmd).Result())
		if err != nil && !IsWrongType(err) {
			return nil, err
		}
		if replies[i] = reply; err != nil {
			replies[i] = err
		}
	}
	return replies, nil
}

func (u *universal) pop(ctx context.Context, wait time.Duration, keys []string) (key, value string, err error) {
	reply, err := u.current().BLPop(ctx, wait, keys...).Result()
	if errors.Is(err, redis.Nil) {
		return "", "", nil
	}
	if err != nil || len(reply) != 2 {
		return "", "", err
	}
	return reply[0], reply[1], nil
}

func (u *universal) close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	return u.client.Close()
}

// absent returns nil, and no error, for what is not there.
func absent(reply any, err error) (any, error) {
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return reply, err
}

// isReply reports whether an error is what the server said.
func isReply(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}
