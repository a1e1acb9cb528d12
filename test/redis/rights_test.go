package redis_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// documented returns the rights that the documentation has a user get.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "ACL SETUSER kie_exporter on '>")
	rights, _, _ := strings.Cut(after, "\n")
	_, rights, ok := strings.Cut(rights, "' ")
	if !found || !ok {
		t.Fatal("docs/scaling.md names no rights")
	}
	return strings.Fields(rights)
}

func TestTheDocumentedRightsAreEnough(t *testing.T) {
	server := redistest.Start(t)
	rights := documented(t)
	server.CLI(t, append([]string{"acl", "setuser", "kie_exporter", "on", ">secret"}, rights...)...)
	server.CLI(t, "acl", "setuser", "default", "off", "resetpass", "-@all")
	w := newWorld(t, 1200*time.Millisecond)
	o := redis.Options{Addresses: []string{server.Addr()}, Username: "kie_exporter", Password: func() string { return "secret" }}
	a, b := w.join("a", o), w.join("b", o)
	defer w.watch()()
	w.eventually("they share", func() bool { return w.even(a, b) })
	w.more("records are written")
	if _, there := a.store.Find("main", []string{"task_1"}), a.store.Stats(); there.Errors["read"] > 0 || there.Errors["write"] > 0 {
		t.Errorf("%+v", there)
	}
	a.end()
	w.eventually("the other has all", func() bool { return w.even(b) })
	w.once()
}

// Each right is needed, or the documentation asks for more than it has to.
func TestNoDocumentedRightIsLeftOver(t *testing.T) {
	used := map[string]bool{}
	for _, script := range []string{"../../internal/cluster/tick.lua", "../../internal/shared/seal.lua", "../../internal/shared/commit.lua", "../../internal/shared/replace.lua", "../../internal/shared/names.lua", "../../internal/shared/durations.lua", "../../internal/mailbox/send.lua"} {
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
