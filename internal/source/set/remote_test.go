// What lists by HTTP promise: what a server says wrongly, slowly or not at all changes nothing, and holds up nothing.

package set

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/remote"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

// secret is in every part of a list's URL and settings that may hold one, and in nothing that is shown.
const secret = "canary-of-a-list"

// lister is a server that has a list.
type lister struct {
	mu       sync.Mutex
	answer   http.HandlerFunc
	requests []*http.Request
	pipe     *kiesim.PipeListener
	open     atomic.Int64 // connections
}

// serveList starts a server for the rest of the test.
func (b *bench) serveList(answer http.HandlerFunc) *lister {
	b.t.Helper()
	l := &lister{answer: answer, pipe: kiesim.NewPipe()}
	server := &http.Server{Handler: l, ReadHeaderTimeout: time.Minute, ConnState: l.count}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l.pipe) })
	b.t.Cleanup(func() {
		if b.set != nil {
			b.set.Close()
		}
		_ = server.Close()
		serving.Wait()
	})
	return l
}

// ServeHTTP implements http.Handler.
func (l *lister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.requests = append(l.requests, r)
	answer := l.answer
	l.mu.Unlock()
	answer(w, r)
}

func (l *lister) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		l.open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// wantConnections checks how many connections are open.
func (l *lister) wantConnections(t *testing.T, want int64) {
	t.Helper()
	synctest.Wait()
	if got := l.open.Load(); got != want {
		t.Errorf("%d connections are open, want %d", got, want)
	}
}

// say makes the server answer otherwise.
func (l *lister) say(answer http.HandlerFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

// asked returns how many requests there were, and the last one.
func (l *lister) asked() (int, *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.requests), l.requests[len(l.requests)-1]
}

// http returns the list that the server has, fetched every five seconds.
func (l *lister) http() *remote.HTTP {
	client := commoncfg.DefaultHTTPClientConfig
	client.HTTPHeaders = &commoncfg.Headers{Headers: map[string]commoncfg.Header{"X-Token": {Secrets: []commoncfg.Secret{secret}}}}
	u := &url.URL{Scheme: "http", User: url.UserPassword("user", secret), Host: "list.test", Path: "/" + secret, RawQuery: "t=" + secret}
	return &remote.HTTP{URL: u, Interval: source.Interval, Client: client, DialContext: l.pipe.DialContext}
}

// text answers with a list of ids.
func text(ids ...string) http.HandlerFunc {
	return typed("text/plain; charset=utf-8", strings.Join(append(ids, ""), "\n"))
}

func typed(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{contentType}
		if contentType == "" {
			w.Header()["Content-Type"] = nil
		}
		_, _ = io.WriteString(w, body)
	}
}

// status answers with a status and a body that would be a list.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.test/"+secret)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "elsewhere\n")
	}
}

// silent never answers.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func (b *bench) wantNoSecret() {
	b.t.Helper()
	if strings.Contains(b.logs.String(), secret) {
		b.t.Errorf("a secret is logged: %s", b.logs.String())
	}
}

func TestAListByHTTPIsReadLikeAFileOfItsContentType(t *testing.T) {
	const lines = `{"taskId":"a","model":"kling"}` + "\n" + `{"data":{"taskId":"b"}}` + "\n"
	for contentType, body := range map[string]string{
		"text/plain":                   "# two\na\r\n\r\nb",
		"Text/Plain; charset=us-ascii": "\ufeffa\nb\n",
		"application/jsonl":            lines,
		"application/x-ndjson":         lines,
		"application/json-seq":         "\x1e" + `{"taskId":"a"}` + "\n\x1e" + `{"taskId":"b"}` + "\n",
		"application/x-jsonlines":      lists.Created("a") + noCredits + lists.Created("b"), // without newlines
		"application/json":             `[{"tasks":["a"]},{"tasks":["b"]}]`,
		"application/yaml":             "- tasks: [a, b]\n",
		"text/yaml":                    "- tasks:\n  - a\n- tasks: [b]\n",
	} {
		t.Run(contentType, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				l := b.serveList(typed(contentType, body))
				if err := b.load(10, Group{Name: "g", HTTP: l.http()}); err != nil {
					t.Fatal(err)
				}
				b.want("a b")
				if s := b.stat("http"); s.Tasks != 2 || s.Errors != 0 || s.LastSuccess.IsZero() {
					t.Errorf("stat %+v", s)
				}
				_, r := l.asked()
				if user, password, _ := r.BasicAuth(); user != "user" || password != secret || r.Header.Get("X-Token") != secret ||
					r.URL.RawQuery != "t="+secret {
					t.Error("the request lacks what was configured")
				}
				l.wantConnections(t, 1)
				b.set.Close()
				l.wantConnections(t, 0)
			})
		})
	}
}

// badLists is what a server may answer that is no list, with what the error says.
var badLists = map[string]struct {
	answer http.HandlerFunc
	want   string
}{
	"500": {status(500), "HTTP status 500"},
	"404": {status(404), "HTTP status 404"},
	"204": {status(204), "HTTP status 204"},
	"206": {status(206), "HTTP status 206"},
	"not modified, unasked": {func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotModified)
	}, "HTTP status 304"},
	"a redirect":           {status(302), "redirects"},
	"a permanent redirect": {status(308), "redirects"},
	"HTML":                 {typed("text/html", "a\n"), "HTML"},
	"HTML said to be text": {typed("text/plain", "\r\n <!DOCTYPE html>\n<p>gone\n"), "HTML"},
	"JSON said to be text": {typed("text/plain", "\n{\"taskId\":\"x\"}\n"), "line 2: looks like JSON"},
	"CSV said to be text":  {typed("text/plain", "id,model\nx,m\n"), "line 1: holds a comma"},
	"CSV":                  {typed("text/csv", "x\n"), "Content-Type"},
	"gzip said to be text": {typed("text/plain", "\x1f\x8b\x08"), "packed with gzip"},
	"no type":              {typed("", "a\n"), "Content-Type"},
	"a stream of bytes":    {typed("application/octet-stream", "a\n"), "Content-Type"},
	"not a type":           {typed(secret, "a\n"), "Content-Type"},
	"JSON of another kind": {typed("application/json", `{"error":"no"}`), "list of {tasks"},
	"JSON cut off":         {typed("application/json", `[{"tasks":["x","y"]},{"tasks":["z"`), "EOF"},
	"YAML of another kind": {typed("application/yaml", "error: no\n"), "list of {tasks"},
	"UTF-16":               {typed("text/plain", "\xff\xfea\x00"), "UTF-16"},
	"brotli": {func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		text("x")(w, r)
	}, "Content-Encoding"},
	"plain text said to be gzip": {func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		text("longer", "than", "a", "header")(w, r)
	}, "gzip: invalid header"},
	"cut off": {func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		text("x")(w, r)
	}, "not whole"},
	"cut off in chunks": {func(w http.ResponseWriter, r *http.Request) {
		text("x")(w, r)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, "not whole"},
	"an end that nobody knows": {raw("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nx\n"), "where it ends"},
	"no HTTP":                  {raw(secret + "\r\n\r\n"), "no valid HTTP exchange"},
	"nothing":                  {raw(""), "EOF"},
	"silence":                  {silent, "within 10s"},
	"a byte a second": {func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	}, "within 10s"},
}

// raw answers with bytes of its own, and closes the connection.
func raw(bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, bytes)
			_ = conn.Close()
		}
	}
}

// A server that answers 500, HTML, 1 GiB, a redirect or slowly.
func TestWhateverGoesWrongWithAListByHTTPTheLastListIsKeptAndItIsReportedOnce(t *testing.T) {
	for name, bad := range badLists {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				l := b.serveList(text("a", "b"))
				_ = b.load(10, Group{Name: "g", HTTP: l.http()})
				b.run()
				l.say(bad.answer)
				b.poll(20)
				b.want("a b")
				s := b.stat("http")
				if s.Errors < 2 || s.Tasks != 2 {
					t.Errorf("stat %+v", s)
				}
				if b.logged("can't be read,") != 1 || b.logged(bad.want) != 1 || b.logged("source=http") != 1 {
					t.Errorf("log: %s", b.logs.String())
				}
				l.say(text("b", "c"))
				b.poll(4)
				b.want("a b c")
				if b.logged("can be read again") != 1 || b.stat("http").Tasks != 2 {
					t.Errorf("log: %s", b.logs.String())
				}
				b.wantNoSecret()
			})
		})
	}
}

func TestAListThatCanNotBeReadAtTheStartIsABacklogWhenItCan(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(status(503))
		err := b.load(10, Group{Name: "g", Inline: []string{"i"}, HTTP: l.http()})
		if err == nil || !strings.Contains(err.Error(), `group "g": source "http"`) || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
		b.run()
		b.want("i")
		l.say(text("a"))
		b.poll(1)
		l.say(text("a", "b"))
		b.poll(1)
		backlog := map[string]bool{}
		for _, c := range b.changes {
			for _, task := range c.Added {
				backlog[task.ID] = c.Backlog
			}
		}
		if len(backlog) != 3 || !backlog["a"] || backlog["b"] {
			t.Errorf("backlog: %v", backlog)
		}
	})
}

func TestAListIsNotSentAgainWhileItIsTheSame(t *testing.T) {
	for _, header := range []struct{ name, value, condition string }{
		{"ETag", `W/"1"`, "If-None-Match"},
		{"Last-Modified", "Mon, 23 Nov 2026 12:00:00 GMT", "If-Modified-Since"},
	} {
		inFakeTime(t, func(b *bench) {
			var unchanged atomic.Int64
			version := func(value string, ids ...string) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get(header.condition) == value {
						unchanged.Add(1)
						w.WriteHeader(http.StatusNotModified)
						return
					}
					w.Header().Set(header.name, value)
					text(ids...)(w, r)
				}
			}
			l := b.serveList(version(header.value, "a", "b"))
			_ = b.load(10, Group{Name: "g", HTTP: l.http()})
			b.run()
			b.poll(2)
			if s := b.stat("http"); unchanged.Load() != 2 || s.Errors != 0 || time.Since(s.LastSuccess) > source.Interval {
				t.Errorf("%s: %d answers without the list, %+v", header.name, unchanged.Load(), s)
			}
			l.say(version(strings.Replace(header.value, "1", "2", 1), "b"))
			b.poll(6) // read once, and then found to be the same; a lacks at 15 s … 40 s
			b.want("a b")
			b.poll(1)
			b.want("b")
			l.say(typed("text/html", "no"))
			b.poll(1)
			l.say(version(strings.Replace(header.value, "1", "2", 1), "nothing of this is sent"))
			before := unchanged.Load()
			b.poll(1)
			if unchanged.Load() != before+1 {
				t.Errorf("%s: after an error the list is sent again", header.name)
			}
			b.want("b")
		})
	}
}

func TestAnIDThatAListByHTTPLacksGoesAfterThirtySecondsHoweverRarelyItIsRead(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text("a", "b"))
		list := l.http()
		list.Interval = time.Minute
		_ = b.load(10, Group{Name: "g", HTTP: list})
		b.run()
		b.poll(1)
		l.say(text("b"))
		b.poll(12)
		b.want("a b") // lacking once
		l.say(status(500))
		b.poll(12)
		b.want("a b")
		l.say(text("b"))
		b.poll(12)
		b.want("b")
		if n, _ := l.asked(); n != 4 {
			t.Errorf("%d requests in three minutes, want 4", n)
		}
	})
}

func TestBadLinesOfAListByHTTPAreSkippedAndCounted(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text("a", strings.Repeat("x", 129), "b", "a"))
		_ = b.load(10, Group{Name: "g", HTTP: l.http()})
		b.run()
		b.poll(3)
		b.want("a b")
		if s := b.stat("http"); s.Rejected[source.RejectedInvalid] != 1 || s.Rejected[source.RejectedDuplicate] != 1 || s.Errors != 0 {
			t.Errorf("stat %+v", s)
		}
		if b.logged("Bad lines skipped") != 1 {
			t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestASlowServerHoldsUpNeitherOtherSourcesNorAReloadNorTheEnd(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(silent)
		b.write("l.txt", "a\n")
		group := Group{Name: "g", HTTP: l.http(), Files: []files.Pattern{b.pattern("l.txt")}}
		start := time.Now()
		_ = b.load(10, group)
		if took := time.Since(start); took != remote.Timeout {
			t.Errorf("loading took %v", took)
		}
		b.run()
		b.write("l.txt", "a\nb\n")
		b.poll(1)
		b.want("a b")
		time.Sleep(time.Second) // amid a fetch
		start = time.Now()
		group.Inline = []string{"i"}
		b.reload(group)
		b.want("a b i")
		if took := time.Since(start); took != 0 {
			t.Errorf("a reload took %v", took)
		}
		start = time.Now()
		b.t.Cleanup(func() { // after Run has ended with the test's context
			if took := time.Since(start); took != 0 {
				t.Errorf("the end took %v", took)
			}
		})
	})
}

func TestAReloadLoadsANewListBeforeItIsInForce(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text("a", "b", "c"))
		_ = b.load(10, Group{Name: "g", Inline: []string{"a", "b"}})
		b.run()
		changes := b.reload(Group{Name: "g", Inline: []string{"x"}, HTTP: l.http()})
		b.want("a b c x")
		for _, c := range changes {
			if len(c.Removed) > 0 || c.Backlog != (c.Added[0].ID == "c") {
				t.Errorf("change %+v", c)
			}
		}
		if n, _ := l.asked(); n != 1 {
			t.Errorf("%d requests", n)
		}
		l.wantConnections(t, 1)
		b.reload(Group{Name: "g", Inline: []string{"x"}})
		b.want("x")
		l.wantConnections(t, 0)
		before, _ := l.asked()
		b.poll(3)
		if n, _ := l.asked(); n != before {
			t.Error("a list that is in no configuration any more is still fetched")
		}
	})
}

func TestAReloadKeepsAListThatDidNotChange(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			text("a")(w, r)
		})
		_ = b.load(10, Group{Name: "g", HTTP: l.http()})
		b.run()
		l.say(status(http.StatusNotModified))
		faster := l.http()
		faster.Interval = time.Second
		if c := b.reload(Group{Name: "g", HTTP: faster}); len(c) > 0 {
			t.Errorf("changed: %+v", c)
		}
		b.poll(1)
		n, r := l.asked()
		if n < 5 || r.Header.Get("If-None-Match") != `"1"` || b.stat("http").Errors > 0 {
			t.Errorf("%d requests, the last with %v; %+v", n, r.Header, b.stat("http"))
		}
	})
}

func TestAnotherURLIsReadAtTheReloadAndTheListBeforeIsKeptUntilItCanBe(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"1"`)
			text("a", "b")(w, r)
		})
		_ = b.load(10, Group{Name: "g", HTTP: l.http()})
		b.run()
		other := b.serveList(status(500))
		list := other.http()
		list.URL.Path = "/other"
		b.reload(Group{Name: "g", HTTP: list})
		b.want("a b")
		l.wantConnections(t, 0)
		if s := b.stat("http"); s.Errors != 1 {
			t.Errorf("stat %+v", s)
		}
		other.say(text("b", "c"))
		b.changes = nil
		b.poll(1)
		b.want("a b c")
		if len(b.changes) != 1 || !b.changes[0].Backlog {
			t.Errorf("what another server lists is no backlog: %+v", b.changes)
		}
		if _, r := other.asked(); r.Header.Get("If-None-Match") != "" {
			t.Error("a server is told the version of another one")
		}
		b.poll(6)
		b.want("b c")
	})
}

func TestAnAnswerThatComesAfterAReloadIsForNobodyIfItsListIsGone(t *testing.T) {
	for name, other := range map[string]bool{"gone": false, "at another server": true} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				l := b.serveList(text("a"))
				_ = b.load(10, Group{Name: "g", HTTP: l.http()})
				b.run()
				l.say(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(remote.Timeout / 2)
					text("late")(w, r)
				})
				b.poll(1) // the next fetch begins
				next := Group{Name: "g", Inline: []string{"i"}}
				if other {
					next.HTTP = b.serveList(text("b")).http()
					next.HTTP.URL.Path = "/other"
				}
				b.reload(next)
				b.poll(3)
				if b.groups["late"] != "" || b.logged("can't be read") > 0 {
					t.Errorf("what is not asked for any more is believed: %v\n%s", b.groups, b.logs.String())
				}
				l.wantConnections(t, 0)
			})
		})
	}
}

// sinkFunc is a function as a sink.
type sinkFunc func(source.Change)

func (f sinkFunc) Apply(c source.Change) { f(c) }

func TestRunWaitsForTheFetchesThatItStarted(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text("a"))
		applied := make(chan struct{})
		set, err := New([]Group{{Name: "g", HTTP: l.http()}}, tasks(10), sinkFunc(func(source.Change) { <-applied }), discard())
		if err != nil {
			t.Fatal(err)
		}
		b.set = set
		ctx, cancel := context.WithCancel(b.t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			set.Run(ctx)
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		select {
		case <-ended:
			t.Error("an answer is still being read")
		default:
		}
		close(applied)
		<-ended
	})
}

func TestAReloadThatIsGivenUpLeavesAListToBeFetchedLater(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(silent)
		_ = b.load(10, Group{Name: "g", Inline: []string{"i"}})
		b.run()
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
		defer cancel()
		b.mu.Unlock()
		p, err := b.set.Prepare(ctx, []Group{{Name: "g", HTTP: l.http()}}, tasks(10))
		if err != nil {
			t.Fatal(err)
		}
		l.say(text("a"))
		b.set.Reconfigure(b.t.Context(), p)
		synctest.Wait()
		b.mu.Lock()
		b.want("a")
		if s := b.stat("http"); s.Errors != 0 {
			t.Errorf("stat %+v", s)
		}
	})
}

func TestAListByHTTPThatIsFasterTakesNoRoomFromFiles(t *testing.T) {
	const many = 500 // files take longer to read than an answer to come
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text("a", "b"))
		local := Group{Name: "h"}
		for i := range many {
			name := fmt.Sprintf("l%d.txt", i)
			b.write(name, fmt.Sprintf("i%d\n", i))
			local.Files = append(local.Files, files.Pattern{Written: name, Path: filepath.Join(b.dir, name)})
		}
		_ = b.load(many, Group{Name: "g", HTTP: l.http()}, local)
		b.want("")
		if s := b.stat("http"); s.Rejected[source.RejectedLimit] != 2 {
			t.Errorf("stat %+v, want both ids of the server to be refused", s)
		}
	})
}

func TestIdsOfAListByHTTPRefusedForWantOfRoomAreFetchedWhenThereIs(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("ETag", `"1"`)
			text("a", "b")(w, r)
		})
		_ = b.load(2, Group{Name: "g", Inline: []string{"i"}, HTTP: l.http()})
		b.run()
		b.want("b i")
		b.reloadWithin(tasks(2), Group{Name: "g", HTTP: l.http()})
		b.mu.Unlock()
		synctest.Wait()
		b.mu.Lock()
		b.want("a b")
	})
}

func TestAServerThatCanNotBeReachedIsNamedByItsAddressAtTheMost(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text())
		_ = l.pipe.Close()
		err := b.load(10, Group{Name: "g", HTTP: l.http()})
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "dial") {
			t.Errorf("got %v", err)
		}
		list := l.http()
		list.Client.HTTPHeaders = nil
		list.Client.Authorization = &commoncfg.Authorization{Type: "Bearer", CredentialsFile: "no/such.token"}
		list.URL.User = nil
		err = b.load(10, Group{Name: "g", HTTP: list})
		if err == nil || !strings.Contains(err.Error(), "no/such.token") {
			t.Errorf("got %v", err)
		}
		if text := fmt.Sprintf("%v %+v %s", *list, list, Group{HTTP: list}.HTTP); strings.Contains(text, secret) {
			t.Errorf("a secret is shown: %s", text)
		}
		b.wantNoSecret()
	})
}

func TestACertificateThatCanNotBeReadIsRefusedAtOnce(t *testing.T) {
	list := &remote.HTTP{URL: &url.URL{Scheme: "https", Host: "h"}, Interval: source.Interval}
	list.Client.TLSConfig.CAFile = "no/such.pem"
	all := []Group{{Name: "g", HTTP: list}}
	for what, err := range map[string]error{"Check": groups.Check(all), "New": func() error {
		_, err := New(all, tasks(1), newTracked(t), discard())
		return err
	}()} {
		if err == nil || !strings.Contains(err.Error(), `group "g": http:`) || !strings.Contains(err.Error(), "no/such.pem") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLargeListByHTTPIsRefusedWithoutTakingItsRoom(t *testing.T) {
	zeros := func(w io.Writer, size int64) {
		chunk := make([]byte, 1<<20)
		for ; size > 0; size -= int64(len(chunk)) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	const gigabyte = 1 << 30
	for name, test := range map[string]struct {
		room   uint64 // bytes that may be allocated in all
		answer http.HandlerFunc
	}{
		"told": {64 << 20, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(gigabyte))
			zeros(w, gigabyte)
		}},
		"not told": {gigabyte, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/yaml")
			zeros(w, gigabyte)
		}},
		"packed": {64 << 20, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			zeros(packed, gigabyte)
			_ = packed.Close()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				l := b.serveList(test.answer)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := b.load(10, Group{Name: "other", Inline: []string{"o"}}, Group{Name: "g", HTTP: l.http()})
				runtime.ReadMemStats(&after)
				if !errors.Is(err, bounded.ErrTooLarge) || b.ids("other") != "o" {
					t.Errorf("got %v", err)
				}
				if took := after.TotalAlloc - before.TotalAlloc; took > test.room {
					t.Errorf("it took %d MiB", took>>20)
				}
			})
		})
	}
}
