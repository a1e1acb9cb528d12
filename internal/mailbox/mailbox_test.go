//go:build !noredis

package mailbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var shares = []share.Share{{Account: "a", Part: 0, Parts: 2}, {Account: "a", Part: 1, Parts: 2}}

// process is a mailbox of a process of its own.
type process struct {
	*Mailbox

	client *redis.Client
	end    func()

	mu     sync.Mutex // guards what follows
	held   []share.Share
	taken  []string
	answer func(ctx context.Context, body string) (any, error)
}

func (p *process) hold(held ...share.Share) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
}

func (p *process) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.taken, " ")
}

func start(t *testing.T, server *redistest.Server) *process {
	t.Helper()
	return startAs(t, server, rand.Text())
}

// startAs starts a process of a replica of that name.
func startAs(t *testing.T, server *redistest.Server, name string) *process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	client, err := redis.New(redis.Options{Addresses: []string{server.Addr()}, Timeout: 30 * time.Second, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{client: client}
	p.answer = func(_ context.Context, body string) (any, error) { return "answer to " + body, nil }
	p.Mailbox = New(Options{
		Client: client, Cluster: "c", Replica: name, Log: log, Offset: func() time.Duration { return 0 },
		Held: func() []share.Share {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.held
		},
		Take: func(_ context.Context, q question.Kind, sh share.Share, body []byte) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.taken = append(p.taken, string(q)+":"+sh.String()+":"+text(body))
		},
		Answer: func(ctx context.Context, _ question.Kind, _ share.Share, body []byte) (any, error) {
			p.mu.Lock()
			answer := p.answer
			p.mu.Unlock()
			return answer(ctx, text(body))
		},
	})
	p.longest = 100 << 10
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	p.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		_ = client.Close()
	})
	t.Cleanup(p.end)
	return p
}

func text(body []byte) (s string) {
	_ = json.Unmarshal(body, &s)
	return s
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	wait.Until(t, time.Minute, 5*time.Millisecond, func() error {
		if !ok() {
			return errors.New("it is not so: " + what)
		}
		return nil
	})
}

func ask(t *testing.T, p *process, sh share.Share, body string, within time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	answer, err := p.Ask(ctx, sh, question.Probe, body)
	return text(answer), err
}

func TestWhoHoldsAShareIsToldAndAnswers(t *testing.T) {
	server := redistest.Start(t)
	a, b := start(t, server), start(t, server)
	if err := a.Tell(t.Context(), shares[1], question.Hint, "early"); err != nil {
		t.Fatal(err)
	}
	a.hold(shares[0])
	if got, err := ask(t, a, shares[0], "own", 30*time.Second); err != nil || got != "answer to own" {
		t.Errorf("a process asks itself: %q, %v", got, err)
	}
	b.hold(shares[1])
	eventually(t, "what came before somebody held the share is taken", func() bool { return b.all() == "hint:a/1:early" })
	began := time.Now()
	if got, err := ask(t, a, shares[1], "x", 30*time.Second); err != nil || got != "answer to x" {
		t.Errorf("%q, %v", got, err)
	}
	t.Logf("a question was answered within %v", time.Since(began))
	b.hold()
	eventually(t, "the box is read no more", func() bool {
		if err := a.Tell(t.Context(), shares[1], question.Hint, "left"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(look + look/2)
		return server.CLI(t, "llen", a.boxes()+"a/1") != "0"
	})
	if got, err := ask(t, a, shares[1], "x", 100*time.Millisecond); !errors.Is(err, ErrSilent) {
		t.Errorf("nobody holds it: %q, %v", got, err)
	}
	a.hold(shares...)
	eventually(t, "the question that nobody answered is too old", func() bool {
		return a.Counts()[question.Count{Kind: question.Probe, Result: question.Refused}] == 1
	})
	if ttl := secondsLeft(t, server, a.own); ttl != -2 && (ttl < 0 || ttl > answerSeconds) {
		t.Errorf("answers stay for %d s", ttl)
	}
}

// secondsLeft returns for how long a key stays; -1: for ever, -2: there is none.
func secondsLeft(t *testing.T, server *redistest.Server, key string) int {
	t.Helper()
	n, err := strconv.Atoi(server.CLI(t, "ttl", key))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestABoxIsHandedOnWithTheShare(t *testing.T) {
	server := redistest.Start(t)
	a, b := start(t, server), start(t, server)
	a.hold(shares[0])
	time.Sleep(10 * time.Millisecond)
	for n := range 200 { // while the share goes to and fro, all is taken once
		holder, other := a, b
		if n/20%2 == 1 {
			holder, other = b, a
		}
		other.hold()
		holder.hold(shares[0])
		if err := a.Tell(t.Context(), shares[0], question.Hint, "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	eventually(t, "all is taken", func() bool {
		return strings.Count(a.all()+b.all(), "hint:a/0:x") == 200
	})
	if sent, taken := a.Counts()[question.Count{Kind: question.Hint, Result: question.Sent}], a.Counts()[question.Count{Kind: question.Hint, Result: question.Taken}]+b.Counts()[question.Count{Kind: question.Hint, Result: question.Taken}]; sent != 200 || taken != 200 {
		t.Errorf("%d sent, %d taken", sent, taken)
	}
}

func TestAReplicaIsAskedWhateverItHolds(t *testing.T) {
	server := redistest.Start(t)
	a, b := startAs(t, server, "a"), startAs(t, server, "b")
	b.answer = func(_ context.Context, body string) (any, error) { return strings.Repeat(body, 64<<10), nil }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := a.AskReplica(ctx, "b", question.Page, "x")
	if err != nil || text(answer) != strings.Repeat("x", 64<<10) {
		t.Errorf("%.100q, %v", answer, err)
	}
	short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if answer, err := a.AskReplica(short, "gone", question.Page, "x"); !errors.Is(err, ErrSilent) {
		t.Errorf("of a replica that is not there: %q, %v", answer, err)
	}
	for key := range strings.FieldsSeq(server.CLI(t, "--scan")) { // what nobody reads goes by itself
		if ttl := secondsLeft(t, server, key); key != a.boxOfReplica("gone") || ttl < boxSeconds-30 || ttl > boxSeconds {
			t.Errorf("%s stays for %d s", key, ttl)
		}
	}
	server.CLI(t, "set", a.boxOfReplica("a"), "no list")
	if got, err := ask(t, a, shares[0], "x", 50*time.Millisecond); err == nil {
		t.Errorf("%q", got)
	}
	b.hold(shares[0])
	if got, err := ask(t, a, shares[0], "x", 30*time.Second); err != nil || len(got) != 64<<10 {
		t.Errorf("with a box that is none an answer is not received: %.100q, %v", got, err)
	}
}

func TestWhatCanNotBeAnsweredIsNotWaitedFor(t *testing.T) {
	server := redistest.Start(t)
	a := start(t, server)
	a.hold(shares[0])
	for name, answer := range map[string]func(context.Context, string) (any, error){
		"an error":       func(context.Context, string) (any, error) { return nil, errors.New("broken") },
		"no JSON":        func(context.Context, string) (any, error) { return make(chan int), nil },
		"it is too long": func(context.Context, string) (any, error) { return strings.Repeat("x", 128<<10), nil },
		"its time ends":  func(ctx context.Context, _ string) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
	} {
		a.mu.Lock()
		a.answer = answer
		a.mu.Unlock()
		within := 2 * time.Minute
		if name == "its time ends" {
			within = 200 * time.Millisecond
		}
		began := time.Now()
		if got, err := ask(t, a, shares[0], "x", within); !errors.Is(err, ErrSilent) || time.Since(began) > time.Minute {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestBadMessagesAndFullBoxes(t *testing.T) {
	server := redistest.Start(t)
	a := start(t, server)
	box := a.boxes()
	server.CLI(t, "rpush", box+"a/0", "garbage", `{"question":"later","until":99999999999999}`, `{"question":"hint"}`,
		`{"question":"probe","until":99999999999999,"reply":"somewhere","number":1}`)
	server.CLI(t, "set", box+"a/1", "no list")
	a.hold(shares...)
	eventually(t, "what can't be read is passed over, beside a box that is none", func() bool {
		c := a.Counts()
		return c[question.Count{Kind: question.Other, Result: question.Refused}] == 2 && c[question.Count{Kind: question.Hint, Result: question.Refused}] == 1 && c[question.Count{Kind: question.Probe, Result: question.Taken}] == 1
	})
	if server.CLI(t, "get", box+"a/1") != "no list" || server.CLI(t, "exists", "somewhere") != "0" {
		t.Error("a key that is not ours was written")
	}
	a.end()
	a = start(t, server)
	for range mostMessages {
		if err := a.Tell(t.Context(), shares[0], question.Hint, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Tell(t.Context(), shares[0], question.Hint, "x"); !errors.Is(err, ErrFull) {
		t.Errorf("a full box takes more: %v", err)
	}
	if ttl := secondsLeft(t, server, box+"a/0"); ttl < boxSeconds-30 || ttl > boxSeconds {
		t.Errorf("a box stays for %d s", ttl)
	}
	server.Kill()
	if err := a.Tell(t.Context(), shares[0], question.Hint, "x"); err == nil {
		t.Error("a server that is away takes a message")
	}
	if n := a.Counts()[question.Count{Kind: question.Hint, Result: question.Failed}]; n != 2 {
		t.Errorf("%d failed, want 2", n)
	}
}
