package push

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
)

// taker takes pushes to the group g, whose token is "token", and remembers their ids.
type taker struct {
	*Receiver
	log output.Text

	mu    sync.Mutex // guards what follows
	taken map[string]bool
}

func newTaker() *taker {
	k := &taker{taken: make(map[string]bool)}
	k.Receiver = New(Options{
		Token:   func(group string) (func() string, bool) { return func() string { return "token" }, group == "g" },
		Push:    k.take,
		Durable: func() bool { return true },
		Log:     slog.New(slog.NewTextHandler(&k.log, nil)),
	})
	return k
}

func (k *taker) take(p *source.Push) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range p.Add {
		if k.taken[t.ID] {
			p.Known++
		} else {
			p.Accepted++
		}
		k.taken[t.ID] = true
	}
	for _, id := range p.Remove {
		if k.taken[id] {
			p.Forgotten++
		}
		delete(k.taken, id)
	}
}

// ask has a request answered.
func (k *taker) ask(method, path, token string, body io.Reader) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), method, "/api/v1/groups/"+path, body)
	req.Header = http.Header{"Content-Type": {asText}, "Authorization": {"Bearer " + token}}
	w := httptest.NewRecorder()
	k.WithToken().ServeHTTP(w, req)
	return w
}

func TestAllWhoPushAtATimeAreAnsweredEachForItself(t *testing.T) {
	k := newTaker()
	var pushing sync.WaitGroup
	for i := range 32 {
		pushing.Go(func() {
			for j := range 20 {
				id := strconv.Itoa(i*20 + j)
				w := k.ask(http.MethodPost, "g/tasks", "token", strings.NewReader(id+"\n"))
				if want := `{"accepted":1,"known":0,"rejected":[]}` + "\n"; w.Code != http.StatusOK || w.Body.String() != want {
					t.Errorf("%d %s, want %s", w.Code, w.Body, want)
				}
				k.ask(http.MethodDelete, "g/tasks/"+id, "token", http.NoBody)
				k.Stat("g")
			}
		})
	}
	pushing.Wait()
	if n := k.Stat("g").Counts[source.PushOK]; n != 2*32*20 || len(k.taken) != 0 {
		t.Errorf("%d are counted, and %d ids are left", n, len(k.taken))
	}
}

func TestWrongTokensAreOneLineInTheLogUntilTenQuietMinutesHavePassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		lines := func() int { return strings.Count(k.log.String(), "without the token") }
		for _, tt := range []struct {
			after time.Duration
			lines int
		}{{0, 1}, {0, 1}, {9 * time.Minute, 1}, {9 * time.Minute, 1}, {10 * time.Minute, 2}, {time.Second, 2}} {
			time.Sleep(tt.after)
			const wrong = "not-the-token"
			w := k.ask(http.MethodPost, "g/tasks", wrong, strings.NewReader("a"))
			if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != `Bearer realm="kie_exporter", error="invalid_token"` {
				t.Errorf("%d, %v", w.Code, w.Header())
			}
			if n := lines(); n != tt.lines || strings.Contains(k.log.String(), wrong) {
				t.Errorf("%s later there are %d lines, want %d: %s", tt.after, n, tt.lines, k.log.String())
			}
		}
		if n := k.Stat("g").Counts[source.PushUnauthorized]; n != 6 {
			t.Errorf("%d are counted", n)
		}
	})
}

// drip is a request of whose body nothing comes until its time is up, and what it is answered.
type drip struct {
	http.ResponseWriter
	req    *http.Request
	cut    chan struct{}
	status atomic.Int64
}

func newDrip() *drip {
	d := &drip{ResponseWriter: httptest.NewRecorder(), cut: make(chan struct{}, 2)}
	d.req = httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/v1/groups/g/tasks", d)
	d.req.Header = http.Header{"Content-Type": {asText}, "Authorization": {"Bearer token"}}
	return d
}

// Read implements io.Reader.
func (d *drip) Read([]byte) (int, error) {
	<-d.cut
	return 0, os.ErrDeadlineExceeded
}

// WriteHeader implements http.ResponseWriter.
func (d *drip) WriteHeader(status int) { d.status.Store(int64(status)) }

// SetReadDeadline is what http.ResponseController calls: once when the body begins to come, and perhaps once to cut it off.
func (d *drip) SetReadDeadline(at time.Time) error {
	time.AfterFunc(time.Until(at), func() { d.cut <- struct{}{} })
	return nil
}

func TestTheBodyThatHasBeenComingForLongestGoesForWhoeverWantsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newTaker()
		var pushing sync.WaitGroup
		var drips []*drip
		for range atATime {
			d := newDrip()
			drips = append(drips, d)
			pushing.Go(func() { k.WithToken().ServeHTTP(d, d.req) })
			time.Sleep(10 * time.Millisecond)
		}
		status := func() int { return k.ask(http.MethodPost, "g/tasks", "token", strings.NewReader("a")).Code }
		if got := status(); got != http.StatusServiceUnavailable {
			t.Errorf("while all places are taken for a moment, a push is answered with %d", got)
		}
		time.Sleep(slowReading)
		if got := status(); got != http.StatusOK {
			t.Errorf("beside bodies that do not come, a push is answered with %d", got)
		}
		synctest.Wait()
		for i, d := range drips {
			if got, want := d.status.Load(), map[bool]int64{true: http.StatusRequestTimeout}[i == 0]; got != want {
				t.Errorf("the body that began as number %d is answered with %d, want %d", i, got, want)
			}
		}
		time.Sleep(mostReading)
		pushing.Wait() // nobody waits for a body for longer
		if got := k.Stat("g").Counts[source.PushSlow]; got != atATime {
			t.Errorf("%d slow pushes are counted", got)
		}
	})
}

func TestWhatThereIsNoGroupForIsNotCounted(t *testing.T) {
	k := newTaker()
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/v1/groups/nope/tasks", strings.NewReader("a"))
	k.mux.ServeHTTP(w, req)
	var told struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != http.StatusNotFound || told.Error == "" {
		t.Errorf("%d %s: %v", w.Code, w.Body, err)
	}
	if len(k.tallies) != 0 {
		t.Errorf("%d groups are counted", len(k.tallies))
	}
}

// What is another shard's is rejected and named, and what is this one's counts, whether it is to be tracked or forgotten.
func TestWhatIsAnotherShardsIsRejectedAndTheRestCounts(t *testing.T) {
	k := newTaker()
	k.options.Elsewhere = func(id string) string {
		if strings.HasPrefix(id, "b") {
			return "the task is one of shard 1 of 2"
		}
		return ""
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"POST", "g/tasks", "a1\na2\n", 200, `{"accepted":2,"known":0,"rejected":[]}`},
		{"POST", "g/tasks", "b1\na1\na3\nb2\n", 421, `{"accepted":1,"known":1,"rejected":[{"index":0,"reason":"shard: the task is one of shard 1 of 2"},` +
			`{"index":3,"reason":"shard: the task is one of shard 1 of 2"}]}`},
		{"DELETE", "g/tasks", "a1\nb1\n", 421, `{"forgotten":1,"unknown":0,"rejected":[{"index":1,"reason":"shard: the task is one of shard 1 of 2"}]}`},
		{"DELETE", "g/tasks/b1", "", 421, `{"forgotten":0,"unknown":0,"rejected":[{"index":0,"reason":"shard: the task is one of shard 1 of 2"}]}`},
		{"DELETE", "g/tasks/a2", "", 200, `{"forgotten":1,"unknown":0,"rejected":[]}`},
	} {
		w := k.ask(step.method, step.path, "token", strings.NewReader(step.body))
		if w.Code != step.status || w.Body.String() != step.answer+"\n" {
			t.Errorf("%s %s %q: %d %s, want %d %s", step.method, step.path, step.body, w.Code, w.Body, step.status, step.answer)
		}
	}
	if n := k.Stat("g").Counts; n[source.PushElsewhere] != 3 || n[source.PushOK] != 2 {
		t.Errorf("counted as %v", n)
	}
}
