//go:build !noredis

package redis

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func client(t *testing.T, change func(o *Options)) *Client {
	t.Helper()
	o := Options{Timeout: 30 * time.Second, Log: slog.New(slog.DiscardHandler)} // not the machine's load
	change(&o)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var urgent = Call{Name: "test", Urgent: true}

// want checks what comes of a call; empty: it succeeds.
func want(t *testing.T, err error, result Result) {
	t.Helper()
	e, failed := errors.AsType[*Error](err)
	switch {
	case result == "" && err != nil:
		t.Errorf("got %v", err)
	case result != "" && (!failed || e.Result != result):
		t.Errorf("got %v, want %s", err, result)
	}
}

var echo = NewScript(`local t = redis.call('TIME') return {ARGV[1], t[1], redis.call('GET', KEYS[1])}`)

func TestCalls(t *testing.T) {
	server := redistest.Start(t)
	c := client(t, func(o *Options) { o.Addresses = []string{server.Addr()} })
	ctx := t.Context()
	if _, err := c.Do(ctx, urgent, "set", "k", "v"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		reply, err := c.Run(ctx, urgent, echo, []string{"k"}, "a")
		list, ok := reply.([]any)
		if err != nil || !ok || list[0] != "a" || list[2] != "v" {
			t.Fatalf("%v, %v", reply, err)
		}
		server.CLI(t, "script", "flush") // the digest is not known any more
	}
	replies, err := c.Pipeline(ctx, urgent, [][]any{{"get", "k"}, {"get", "none"}, {"hget", "k", "f"}, {"get", "k"}})
	if err != nil || replies[0] != "v" || replies[1] != nil || replies[3] != "v" {
		t.Fatalf("%v, %v", replies, err)
	}
	if e, ok := replies[2].(error); !ok || !IsWrongType(e) {
		t.Errorf("a key of another type: %v", replies[2])
	}
	if reply, err := c.Do(ctx, urgent, "get", "none"); reply != nil || err != nil {
		t.Errorf("what is not there: %v, %v", reply, err)
	}
	_, err = c.Do(ctx, urgent, "hget", "k", "f")
	want(t, err, WrongType)
	if !c.Stats().Up {
		t.Error("a key of another type makes the server down")
	}
	clocked := client(t, func(o *Options) {
		o.Addresses, o.Stand = []string{server.Addr()}, func() (time.Time, string) { return time.Unix(1_000, 0), "run" }
	})
	reply, err := clocked.Run(ctx, urgent, echo, []string{"k"}, "a")
	if list, ok := reply.([]any); err != nil || !ok || list[1] != "1000" {
		t.Errorf("a clock of our own: %v, %v", reply, err)
	}
}

func TestWhatIsWrongWithAServerIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(s *redistest.Server)
		want  Result
	}{
		"paused":                {func(s *redistest.Server) { s.CLI(t, "client", "pause", "60000") }, Timeout},
		"dead":                  {func(s *redistest.Server) { s.Kill() }, Unreachable},
		"a copy":                {func(s *redistest.Server) { s.CLI(t, "replicaof", "127.0.0.1", "1") }, ReadOnly},
		"without enough copies": {func(s *redistest.Server) { s.CLI(t, "config", "set", "min-replicas-to-write", "1") }, ReadOnly},
		"full":                  {func(s *redistest.Server) { s.CLI(t, "config", "set", "maxmemory", "1") }, Full},
		"a user's rights": {func(s *redistest.Server) {
			s.CLI(t, "acl", "setuser", "default", "-@write")
		}, Refused},
		"another password": {func(s *redistest.Server) {
			s.CLI(t, "config", "set", "requirepass", "secret")
			s.CLI(t, "-a", "secret", "client", "kill", "type", "normal")
		}, Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			c := client(t, func(o *Options) {
				if o.Addresses = []string{server.Addr()}; test.want == Timeout {
					o.Timeout = 500 * time.Millisecond
				}
			})
			script := NewScript(`return redis.call('SET', KEYS[1], ARGV[1])`)
			wait.Until(t, time.Minute, time.Millisecond, func() error {
				_, err := c.Run(t.Context(), urgent, script, []string{"k"}, "v")
				return err
			})
			test.spoil(server)
			untold(t, func() error {
				var err error
				for range mostFailures {
					_, err = c.Run(t.Context(), urgent, script, []string{"k"}, "v")
				}
				want(t, err, test.want)
				if c.Stats().Up {
					t.Error("it is up")
				}
				_, err = c.Run(t.Context(), Call{Name: "patient"}, script, []string{"k"}, "v")
				return err
			})
		})
	}
}

// untold tries until who can wait is told, after failures, that the server is down. A machine that stands still may have the pause end meanwhile.
func untold(t *testing.T, fail func() error) {
	t.Helper()
	const tries = 5
	for n := 1; ; n++ {
		err := fail()
		if errors.Is(err, ErrDown) {
			return
		}
		t.Logf("who can wait is told %v", err)
		if n == tries {
			t.Errorf("who can wait is never told that the server is down: %v", err)
			return
		}
	}
}

func TestAnUrgentCallEndsThePause(t *testing.T) {
	server := redistest.Start(t)
	c := client(t, func(o *Options) { o.Addresses = []string{server.Addr()} })
	patient := Call{Name: "patient"}
	untold(t, func() error {
		server.Kill()
		for range mostFailures {
			_, err := c.Do(t.Context(), patient, "get", "k")
			want(t, err, Unreachable)
		}
		server.Up(t)
		_, err := c.Do(t.Context(), patient, "get", "k")
		return err
	})
	for _, call := range []Call{urgent, patient} {
		_, err := c.Do(t.Context(), call, "get", "k")
		want(t, err, "")
	}
}

func TestTheEndOfTheCallerIsNoFailure(t *testing.T) {
	server := redistest.Start(t)
	c := client(t, func(o *Options) { o.Addresses = []string{server.Addr()} })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range mostFailures {
		if _, err := c.Do(ctx, urgent, "get", "k"); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	_, err := c.Do(t.Context(), Call{Name: "patient"}, "get", "k")
	want(t, err, "")
}

// waits is a backend in which nothing ever comes: it notes how long it is to wait, and how long the caller does.
type waits struct {
	backend

	server   time.Duration
	deadline time.Time
}

func (w *waits) pop(ctx context.Context, wait time.Duration, keys []string) (key, value string, err error) {
	w.server = wait
	w.deadline, _ = ctx.Deadline()
	return w.backend.pop(ctx, wait, keys)
}

func TestAnEmptyListIsNoFailure(t *testing.T) {
	server := redistest.Start(t)
	c := client(t, func(o *Options) { o.Addresses = []string{server.Addr()} })
	w := &waits{backend: c.backend}
	c.backend = w
	for _, wait := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond} {
		began := time.Now()
		if e, err := c.Pop(t.Context(), Call{Name: "receive"}, wait, "empty"); e != (Element{}) || err != nil {
			t.Errorf("%v: got %v, %v", wait, e, err)
		}
		// With the least timeout, 100ms, a server that looks ten times a second would be too late every other time.
		if patience := w.deadline.Sub(began) - w.server; w.server != time.Second || patience < c.options.Timeout+lateness {
			t.Errorf("%v: the server waits for %v, and the caller %v longer", wait, w.server, patience)
		}
	}
	if !c.Up() || c.Stats().Calls[Count{"receive", OK}] != 2 {
		t.Errorf("got %+v", c.Stats())
	}
}

func TestAPasswordIsReplaced(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "first")
	password := "first"
	c := client(t, func(o *Options) {
		o.Addresses, o.Username, o.Password = []string{server.Addr()}, "default", func() string { return password }
	})
	get := func() error { _, err := c.Do(t.Context(), urgent, "get", "k"); return err }
	want(t, get(), "")
	server.CLI(t, "-a", "first", "config", "set", "requirepass", "second")
	want(t, get(), "") // a connection that was let in stays
	server.CLI(t, "-a", "second", "client", "kill", "type", "normal")
	_ = get() // finds out
	want(t, get(), Refused)
	password = "second"
	want(t, get(), "")
}

func TestAUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	redistest.Start(t, "--unixsocket", socket)
	c := client(t, func(o *Options) { o.Addresses = []string{socket} })
	_, err := c.Do(t.Context(), urgent, "get", "k")
	want(t, err, "")
}

// certificate writes a certificate signed by parent, or by itself, and its key.
func certificate(t *testing.T, dir, name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for ending, block := range map[string]*pem.Block{".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "EC PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name+ending), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed, key
}

func TestTLSWithAClientCertificate(t *testing.T) {
	dir := t.TempDir()
	ca, key := certificate(t, dir, "ca", nil, nil)
	certificate(t, dir, "server", ca, key)
	certificate(t, dir, "client", ca, key)
	path := func(name string) string { return filepath.Join(dir, name) }
	port := redistest.FreePort(t)
	server := redistest.Start(t, "--tls-port", strconv.Itoa(port), "--tls-cert-file", path("server.crt"), "--tls-key-file", path("server.key"),
		"--tls-ca-cert-file", path("ca.crt"), "--tls-auth-clients", "yes")
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	address := net.JoinHostPort(server.Host, strconv.Itoa(port))
	for name, test := range map[string]struct {
		tls  func() (*tls.Config, error)
		want Result
	}{
		"with a certificate": {func() (*tls.Config, error) {
			pair, err := tls.LoadX509KeyPair(path("client.crt"), path("client.key"))
			return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, err
		}, ""},
		"without one":       {func() (*tls.Config, error) { return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil }, Unreachable},
		"of a stranger":     {func() (*tls.Config, error) { return &tls.Config{MinVersion: tls.VersionTLS12}, nil }, Unreachable},
		"an unreadable one": {func() (*tls.Config, error) { return nil, os.ErrNotExist }, Unreachable},
		"without TLS":       {nil, Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, func(o *Options) { o.Addresses, o.TLS, o.Timeout = []string{address}, test.tls, 30*time.Second }) // not the machine's load
			_, err := c.Do(t.Context(), urgent, "get", "k")
			want(t, err, test.want)
		})
	}
}
