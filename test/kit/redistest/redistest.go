// Package redistest starts Redis servers for tests, each in a folder of its own and on a port that nobody else has.
package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// Server is a server, or a Sentinel.
type Server struct {
	Dir, Host string
	Port      int
	args      []string
	cmd       *exec.Cmd
	exited    chan struct{}
}

// Start starts a server that keeps nothing on disk unless args, options of redis-server, say otherwise. Where there is no redis-server the
// test is skipped, but not in CI.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s := New(tb, args...)
	s.Up(tb)
	return s
}

// New returns a server that is not up yet.
func New(tb testing.TB, args ...string) *Server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal(err)
		}
		tb.Skip("no redis-server; on Debian: apt-get install redis-server")
	}
	s := &Server{Dir: tb.TempDir(), Host: "127.0.0.1", Port: FreePort(tb), args: args}
	tb.Cleanup(s.Kill)
	return s
}

// FreePort returns a port that nobody listens on. It is none of those that connections are made from, as one of them would have it as soon as a
// server that is killed is to come back.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		port := 12_000 + rand.IntN(10_000)       //nolint:gosec // guards no secret
		if isFree(port) && isFree(port+10_000) { // a node of Redis Cluster takes that, too
			return port
		}
	}
	tb.Fatal("no free port")
	return 0
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // returns at once
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// Addr returns where the server listens.
func (s *Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Up starts the server and waits until it answers, and has read what it kept on disk.
func (s *Server) Up(tb testing.TB) {
	tb.Helper()
	if err := s.Launch(); err != nil {
		tb.Fatal(err)
	}
	wait.Until(tb, time.Minute, 10*time.Millisecond, func() error {
		err := s.ping(tb.Context())
		if err != nil {
			out, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return err
	})
}

// ping returns why the server does not answer, or is still reading what it kept. That it wants a password is an answer.
func (s *Server) ping(ctx context.Context) error {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && strings.HasPrefix(answer, "-LOADING") {
		err = errors.New(answer)
	}
	return err
}

// Launch starts the server and does not wait.
func (s *Server) Launch() error {
	args := append([]string{
		"--port", strconv.Itoa(s.Port), "--bind", s.Host, "--dir", s.Dir, "--save", "", "--daemonize", "no", "--logfile", filepath.Join(s.Dir, "log"),
	}, s.args...)
	if len(s.args) > 0 && !strings.HasPrefix(s.args[0], "-") { // a file comes first
		args = append([]string{s.args[0]}, append(args[:len(args)-len(s.args)], s.args[1:]...)...)
	}
	cmd := exec.Command("redis-server", args...) //nolint:noctx,gosec // Kill ends it; the arguments are a test's
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	s.cmd, s.exited = cmd, exited
	return nil
}

// Kill ends the server at once, as kill -9 does.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// CLI sends a command as redis-cli does, and returns what it printed.
func (s *Server) CLI(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := s.Try(args...)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// everything is a script that returns all keys and values.
const everything = `local all = {}
local read = {string = {'GET'}, hash = {'HGETALL'}, list = {'LRANGE', 0, -1}, set = {'SMEMBERS'}, zset = {'ZRANGE', 0, -1}}
for _, key in ipairs(redis.call('KEYS', '*')) do
  all[#all + 1] = key
  local how = read[redis.call('TYPE', key).ok]
  all[#all + 1] = redis.call(how[1], key, unpack(how, 2))
end
return all`

// Everything returns all that the server has, keys and values.
func (s *Server) Everything(tb testing.TB) string {
	tb.Helper()
	return s.CLI(tb, "--raw", "eval", everything, "0")
}

// Try is CLI for what may fail.
func (s *Server) Try(args ...string) (string, error) {
	return s.TryFor(context.Background(), time.Hour, args...)
}

// TryFor is Try for what may not be answered.
func (s *Server) TryFor(ctx context.Context, d time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-h", s.Host, "-p", strconv.Itoa(s.Port)}, args...)...).CombinedOutput() //nolint:gosec // the arguments are a test's
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("redis-cli %v: %w: %s", args, err, text)
	}
	return text, nil
}
