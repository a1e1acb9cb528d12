package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// lent is shares that a test gives and takes.
type lent struct {
	changed chan struct{}

	mu    sync.Mutex // guards what follows
	sets  share.Sets
	right bool
}

func (l *lent) Static() share.Shard { return share.Shard{} }

func (l *lent) Changed() <-chan struct{} { return l.changed }

func (l *lent) Held(account string) share.Set {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sets[account]
}

func (l *lent) Right(string) func() bool {
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.right
	}
}

// hold has other shares be held, without a word.
func (l *lent) hold(sets share.Sets, right bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sets, l.right = sets, right
}

// holder is an exporter of two accounts with the same ids, which holds what a test says.
type holder struct {
	*exporter
	t   *testing.T
	own *lent
	api *kiesim.Server
	ids []string
}

func newHolder(t *testing.T, sets share.Sets) *holder {
	t.Helper()
	h := &holder{t: t, own: &lent{changed: make(chan struct{}, 1), sets: sets, right: true}, api: kiesim.New(kiesim.Options{Credits: 5})}
	server := httptest.NewServer(h.api)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for n := range 60 {
		id := fmt.Sprintf("task%04d", n)
		h.ids = append(h.ids, id)
		h.api.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-time.Hour), Duration: time.Duration(n%2) * 24 * time.Hour})
	}
	text := fmt.Sprintf("accounts:\n  - {name: a, base_url: %[1]q, credentials_file: a.key, timeout: 5m, requests_per_second: 500, max_concurrent: 4}\n"+
		"  - {name: b, base_url: %[1]q, credentials_file: b.key, timeout: 5m, requests_per_second: 500, max_concurrent: 4}\n"+
		"groups:\n  - {name: ga, account: a, files: [list.txt]}\n  - {name: gb, account: b, files: [list.txt]}\n"+
		"polling: {background: true, max_wait: 0s}\n", server.URL)
	for name, content := range map[string]string{
		"kie.yml": text, "list.txt": strings.Join(h.ids, "\n") + "\n", "a.key": "key-of-a-test", "b.key": "other-key-of-a-test",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func() (*config.Config, error) { return config.Load(filepath.Join(dir, "kie.yml"), os.Getenv) }
	e, err := newExporter(load, h.own, func(*history.History) (recordStore, error) { return store.Memory{}, nil }, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h.exporter = e
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		e.close()
	})
	<-e.loaded
	return h
}

// scrape returns status and text of an answer to a scrape.
func (h *holder) scrape() (int, string) {
	w := httptest.NewRecorder()
	newMetrics(h.exporter, 0, 10).scrape(w, httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return w.Code, w.Body.String()
}

var ofTask = regexp.MustCompile(`kie_task_info\{account="(\w+)".*task_id="(\w+)"`)

var errUnavailable = errors.New("a scrape is answered with 503")

// shows returns why a scrape does not show just the tasks that are held; nil: it does.
func (h *holder) shows() error {
	status, text := h.scrape()
	if status == http.StatusServiceUnavailable && !strings.Contains(text, "kie_task") {
		return errUnavailable
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	shown := make(map[[2]string]int)
	for _, m := range scrape.Find(ofTask, text) {
		shown[[2]string{m[1], m[2]}]++
	}
	for _, account := range []string{"a", "b"} {
		set := h.own.Held(account)
		for _, id := range h.ids {
			want := 0
			if n, _ := set.Fraction(); n > 0 && set.Has(id) {
				want = 1
			}
			if got := shown[[2]string{account, id}]; got != want {
				return fmt.Errorf("%s of %s has %d series, want %d", id, account, got, want)
			}
		}
	}
	return nil
}

// adopts changes what is held, and waits until a scrape shows that.
func (h *holder) adopts(sets share.Sets) {
	h.t.Helper()
	h.own.hold(sets, true)
	h.own.changed <- struct{}{}
	wait.Until(h.t, 30*time.Second, 20*time.Millisecond, h.shows)
}

// asked returns how often all tasks were asked about.
func (h *holder) asked() (n int) {
	for _, id := range h.ids {
		n += h.api.Queries(id)
	}
	return n
}

func TestWhatIsHeldIsShownAndNothingElse(t *testing.T) {
	t.Parallel()
	h := newHolder(t, share.Sets{"a": share.Some(2, 0)})
	wait.Until(t, 30*time.Second, 20*time.Millisecond, h.shows)
	if a := h.inForce.Load().account("a"); a.options.Rate != 250 || a.options.Concurrent != 2 || !a.options.Empty {
		t.Errorf("half an account has %+v", a.options)
	}
	h.adopts(share.Sets{"a": share.Some(2, 0, 1), "b": share.Some(3, 1)})
	if a := h.inForce.Load().account("a"); a.options.Rate != 500 || a.options.Concurrent != 4 || a.has != nil {
		t.Errorf("a whole account has %+v", a.options)
	}
	h.adopts(share.Sets{"b": share.Some(3, 1, 2)})
	if o := h.inForce.Load().options(); len(o.Accounts) != 1 || len(o.Groups) != 1 || o.Accounts[0].CreditsInterval != 0 {
		t.Errorf("accounts %v and groups %v are in force; who has not the first part asks for the balance", o.Accounts, o.Groups)
	}
	if _, text := h.scrape(); strings.Contains(text, `kie_exporter_tasks_dropped_unfinished_total{group="gb"} 0`) !=
		strings.Contains(text, "kie_exporter_tasks_dropped_unfinished_total{") {
		t.Errorf("what another goes on with counts as dropped")
	}
	h.adopts(share.Sets{})
	h.adopts(share.Sets{"a": share.Some(2, 1)})
	if err := h.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.shows(); err != nil {
		t.Errorf("after a reload: %v", err)
	}
}

// A task of a part that stays is neither forgotten nor asked again.
func TestWhatStaysIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newHolder(t, share.Sets{"a": share.Some(2, 0)})
	finished := func() error {
		for _, id := range h.ids {
			if share.Of(id, 2) == 0 && h.api.Queries(id) == 0 {
				return fmt.Errorf("%s was not asked", id)
			}
		}
		return h.shows()
	}
	wait.Until(t, 30*time.Second, 20*time.Millisecond, finished)
	before := make(map[string]int)
	for n, id := range h.ids {
		if n%2 == 0 && share.Of(id, 2) == 0 {
			before[id] = h.api.Queries(id)
		}
	}
	h.adopts(share.Sets{"a": share.Some(2, 0, 1)})
	h.adopts(share.Sets{"a": share.Some(2, 0)})
	for id, n := range before {
		if again := h.api.Queries(id); again != n {
			t.Errorf("%s, which is finished, was asked %d times, and %d times then", id, n, again)
		}
	}
}

// A share that was lost a moment ago is in no answer any more, though nobody has said so yet.
func TestAScrapeShowsNothingThatWasLostJustNow(t *testing.T) {
	t.Parallel()
	h := newHolder(t, share.Sets{"a": share.Some(2, 0, 1), "b": share.Some(1, 0)})
	wait.Until(t, 30*time.Second, 20*time.Millisecond, h.shows)
	for _, sets := range []share.Sets{{"a": share.Some(2, 0), "b": share.Some(1, 0)}, {"b": share.Some(1, 0)}, {}} {
		h.own.hold(sets, true)
		err := h.shows()
		for tries := 0; errors.Is(err, errUnavailable) && tries < 20; tries++ { // it was not let go in time, as happens on a busy machine
			err = h.shows()
		}
		if err != nil {
			t.Errorf("holding %v: %v", sets, err)
		}
	}
	// What would have to be let go, and can't be in time, is not shown either.
	h.adopts(share.Sets{"a": share.Some(1, 0)})
	h.reloading <- struct{}{}
	h.own.hold(share.Sets{}, false)
	if status, text := h.scrape(); status != http.StatusServiceUnavailable || strings.Contains(text, "kie_task_") {
		t.Errorf("a scrape is answered with %d", status)
	}
	<-h.reloading
}

func TestWithoutTheRightNothingIsAsked(t *testing.T) {
	t.Parallel()
	h := newHolder(t, share.Sets{})
	h.own.hold(share.Sets{"a": share.Some(1, 0)}, false)
	h.own.changed <- struct{}{}
	wait.Until(t, 30*time.Second, 20*time.Millisecond, h.shows)
	time.Sleep(300 * time.Millisecond)
	if n := h.asked(); n != 0 {
		t.Errorf("%d queries", n)
	}
	h.adopts(share.Sets{"a": share.Some(1, 0)})
	wait.Until(t, 30*time.Second, 20*time.Millisecond, func() error {
		if h.asked() < len(h.ids) {
			return fmt.Errorf("%d of %d were asked", h.asked(), len(h.ids))
		}
		return nil
	})
}
