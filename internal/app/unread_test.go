package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// slowStore keeps every task as finished, and tells of those of a second list only once it may.
type slowStore struct {
	store.Memory
	may chan struct{}
}

func (s slowStore) FindListed(_ string, ids []string) []store.Record {
	all := make([]store.Record, len(ids))
	for i, id := range ids {
		if strings.HasPrefix(id, "second") {
			<-s.may
		}
		at := kie.TimeOf(time.Now().Add(-time.Hour))
		all[i] = store.Record{Task: kie.Task{State: kie.StateSuccess, Model: "m", Created: at, Completed: at}, Group: "default", Seen: at, Learned: at}
	}
	return all
}

// What a scrape shows that comes while lists are read for the first time is right as far as it goes: nothing is missing in a sum, and no counter
// goes back afterwards.
func TestAScrapeBeforeAllListsAreReadShowsNoSums(t *testing.T) {
	server := httptest.NewServer(kiesim.New(kiesim.Options{Credits: 5}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"kie.yml": fmt.Sprintf("accounts: [{base_url: %q, credentials_file: key}]\npolling: {max_wait: 0s}\ngroups: [{files: [first.txt, second.txt]}]\n", server.URL),
		"key":     "key-of-a-test", "first.txt": "first1\nfirst2\nfirst2\n", "second.txt": "second1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := slowStore{may: make(chan struct{})}
	load := func() (*config.Config, error) { return config.Load(filepath.Join(dir, "kie.yml"), os.Getenv) }
	e, err := newExporter(load, fixed{}, func(*history.History) (recordStore, error) { return kept, nil }, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		e.close()
	})
	scrape := func(lines map[string]bool) {
		t.Helper()
		w := httptest.NewRecorder()
		newMetrics(e, 0, 10).scrape(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		if w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		for line, want := range lines {
			if strings.Contains(w.Body.String(), "\n"+line) != want {
				t.Errorf("%q is there: %t", line, !want)
			}
		}
	}
	for e.tracker.Find("first2") == nil { // the first list was read
		time.Sleep(time.Millisecond)
	}
	counters := map[string]bool{
		`kie_up{account="default"} `: true, `kie_exporter_config_last_reload_successful 1`: true,
		`kie_tasks_finished_total{group="default",model="m",state="success"} 0`:                       true,
		`kie_exporter_source_rejected_total{group="default",reason="duplicate",source="first.txt"} 1`: true,
	}
	scrape(counters)
	sums := func(shown bool) map[string]bool {
		return map[string]bool{
			"kie_tasks{": shown, "kie_task_info{": shown, "kie_task_state{": shown, "kie_exporter_pending_tasks{": shown, "kie_exporter_due_tasks{": shown,
			"kie_exporter_source_tasks{": shown, "kie_exporter_tasks_without_series{": shown,
		}
	}
	scrape(sums(false))
	if e.ready() {
		t.Error("it is ready")
	}
	close(kept.may)
	<-e.loaded
	scrape(counters) // at once, although the last snapshot is not a second old
	scrape(sums(true))
	scrape(map[string]bool{
		`kie_tasks{group="default",model="m",state="success"} 3`: true, `kie_task_info{account="default",group="default",model="m",task_id="second1"} 1`: true,
	})
}
