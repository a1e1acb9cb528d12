package redis_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/mailbox"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/shared"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// said returns what docs/scaling.md has between two texts.
func said(t *testing.T, before, after string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), before)
	between, _, ends := strings.Cut(rest, after)
	if !found || !ends {
		t.Fatalf("docs/scaling.md has nothing between %q and %q", before, after)
	}
	return between
}

// documented returns the rights that the documentation has a user get.
func documented(t *testing.T) []string {
	t.Helper()
	return strings.Fields(said(t, "ACL SETUSER kie_exporter on '>password' ", "\n"))
}

// documentedForNodes returns the rights that a user needs in Redis Cluster besides.
func documentedForNodes(t *testing.T) []string {
	t.Helper()
	return strings.Fields(said(t, "In Redis Cluster `", "`, too."))
}

func TestTheDocumentedRightsAreEnough(t *testing.T) {
	server := redistest.Start(t)
	rights := documented(t)
	server.CLI(t, append([]string{"acl", "setuser", "kie_exporter", "on", ">secret"}, rights...)...)
	server.CLI(t, "acl", "setuser", "default", "off", "resetpass", "-@all")
	w := newWorld(t, 10*time.Second)
	o := redis.Options{Addresses: []string{server.Addr()}, Username: "kie_exporter", Password: func() string { return "secret" }, Timeout: 5 * time.Second}
	a, b := w.join("a", o), w.join("b", o)
	defer w.watch()()
	w.eventually("they share", func() bool { return w.even(a, b) })
	w.more("records are written")
	_ = a.store.Find("main", []string{"task_1"})
	w.tells(a, b, o)
	a.end()
	w.eventually("the other has all", func() bool { return w.even(b) })
	w.once()
	for _, r := range []*replica{a, b} {
		for count, n := range r.client.Stats().Calls {
			if count.Result == redis.Refused && n > 0 {
				t.Errorf("%s: %d calls of %s are refused", r.name, n, count.Operation)
			}
		}
	}
}

// tells has one replica keep ids in Redis, the other take them, and a message come through a box.
func (w *world) tells(a, b *replica, o redis.Options) {
	w.t.Helper()
	ctx := w.t.Context()
	var held []shared.Part
	w.eventually("it holds something", func() bool { held = b.Held(); return len(held) > 0 })
	p := held[0]
	pushed := []source.Pushed{{Group: "g", Task: source.Task{ID: "x"}}, {Group: "g", Task: source.Task{ID: "y"}}}
	if _, err := a.store.Push(ctx, p, pushed, 10); err != nil {
		w.t.Error(err)
	}
	if _, err := a.store.Push(ctx, p, []source.Pushed{{Group: "g", Task: source.Task{ID: "x"}, Gone: true}}, 10); err != nil {
		w.t.Error(err)
	}
	if err := a.store.Hint(ctx, p, "z"); err != nil {
		w.t.Error(err)
	}
	var taken shared.Journal
	for _, want := range []int{4, 0} {
		next, err := b.store.Take(ctx, p, taken, map[string]source.Rejection{"g": source.RejectedLimit, "h": ""})
		if err != nil || len(next.Notes) != want {
			w.t.Errorf("%d notes, %v", len(next.Notes), err)
		}
		taken = next
	}
	o.Timeout, o.Log = 5*time.Second, slog.New(slog.DiscardHandler)
	client, err := redis.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // a test's
	took := make(chan string, 1)
	box := mailbox.New(mailbox.Options{
		Client: client, Cluster: "c", Held: func() []share.Share { return w.shares }, Offset: func() time.Duration { return 0 }, Log: o.Log,
		Take:   func(_ context.Context, q question.Kind, _ share.Share, _ []byte) { took <- string(q) },
		Answer: func(context.Context, question.Kind, share.Share, []byte) (any, error) { return "answer", nil },
	})
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	var running sync.WaitGroup
	running.Go(func() { box.Run(limited) })
	defer running.Wait()
	defer cancel()
	if err := box.Tell(limited, w.shares[0], question.Hint, "x"); err != nil || <-took != "hint" {
		w.t.Error(err)
	}
	if answer, err := box.Ask(limited, w.shares[1], question.Probe, "x"); err != nil || string(answer) != `"answer"` {
		w.t.Errorf("%s, %v", answer, err)
	}
}

// Each right is needed, or the documentation asks for more than it has to.
func TestNoDocumentedRightIsLeftOver(t *testing.T) {
	used := map[string]bool{}
	for _, script := range []string{"../../internal/cluster/tick.lua", "../../internal/shared/seal.lua", "../../internal/shared/commit.lua", "../../internal/shared/replace.lua", "../../internal/shared/names.lua", "../../internal/shared/durations.lua", "../../internal/mailbox/send.lua", "../../internal/shared/push.lua", "../../internal/shared/note.lua", "../../internal/shared/take.lua"} {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range strings.Split(string(text), "call('")[1:] {
			name, _, _ := strings.Cut(call, "'")
			used["+"+strings.ToLower(name)] = true
		}
	}
	for _, name := range []string{"+eval", "+evalsha", "+hello", "+auth", "+ping", "+hmget", "+hgetall", "+blpop"} {
		used[name] = true
	}
	for _, right := range documented(t) {
		if strings.HasPrefix(right, "+") && !used[right] {
			t.Errorf("%s is not used", right)
		}
		delete(used, right)
	}
	for right := range used {
		t.Errorf("%s is not documented", right)
	}
}
