package exposition

import (
	"context"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/golden"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

func TestEachLineOfTextIsThatOfThePlainWay(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(77, 0))))
	text := func(h http.Handler) []byte { return scrape.Text(t, scrape.Get(t, h, string(expfmt.FmtText), "")) }
	sameLines(t, text(s), text(s.plain))
}

// rounds returns how often what is shown changes in a test.
func rounds() int { return program.Fewer(10, 30) }

func TestWhatChangesIsShownInTheNextScrape(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	shown := snapshots.Tasks(r)
	s := serve(t, shown)
	for range rounds() {
		next := view.Shown{LabelKeys: shown.LabelKeys, Blocks: slices.Clone(shown.Blocks)}
		for range r.IntN(3) {
			next.Blocks = append(next.Blocks, snapshots.Tasks(r).Blocks...)
		}
		for range r.IntN(3) {
			if len(next.Blocks) > 0 {
				i := r.IntN(len(next.Blocks))
				next.Blocks = slices.Delete(next.Blocks, i, i+1)
			}
		}
		if r.IntN(5) == 0 {
			next.LabelKeys = []string{"a", "zone"}[:r.IntN(3)]
		}
		next.Blocks = distinct(next.Blocks)
		shown = next
		s.Show(shown)
		if r.IntN(2) == 0 {
			s.ours.Refresh()
		}
		accept := scrape.Formats()[r.IntN(2)]
		got, want := scrape.Get(t, s, accept, "gzip"), scrape.Get(t, s.plain, accept, "")
		sameSamples(t, scrape.Text(t, got), scrape.Text(t, want))
		if kept := len(s.ours.deflated.kept); kept != len(shown.Blocks) {
			t.Fatalf("%d blocks are kept, %d shown", kept, len(shown.Blocks))
		}
	}
}

// Another choice of series, as a reload makes it, is shown in the next scrape, in the same words as promhttp has.
func TestWhicheverSeriesAreChosenEachLineIsThatOfThePlainWay(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(77, 0))))
	text := func(h http.Handler) []byte { return scrape.Text(t, scrape.Get(t, h, string(expfmt.FmtText), "gzip")) }
	all := text(s)
	for _, choice := range []taskseries.Choice{
		{CurrentState: true},
		{Metrics: []string{"kie_task_state", "kie_task_*credits"}},
		{CurrentState: true, Metrics: []string{"kie_task_state"}},
		{Metrics: []string{"kie_task_info"}},
		{},
	} {
		s.choice = choice
		got := text(s)
		sameLines(t, got, text(s.plain))
		for line := range strings.Lines(string(got)) {
			metric, _, _ := strings.Cut(line, "{")
			isTask := strings.HasPrefix(line, "kie_task_")
			if isTask && !choice.Has(metric) || choice.CurrentState && metric == "kie_task_state" && !strings.HasSuffix(line, " 1\n") {
				t.Errorf("with %+v there is %s", choice, line)
			}
		}
	}
	if got := text(s); !slices.Equal(linesOf(got), linesOf(all)) {
		t.Error("all series are not what they were without a choice")
	}
}

// distinct leaves out blocks with tasks that come twice.
func distinct(blocks []*view.Block) []*view.Block {
	seen := map[string]bool{}
	return slices.DeleteFunc(blocks, func(b *view.Block) bool {
		twice := false
		for _, k := range (view.Shown{Blocks: []*view.Block{b}}).Tasks() {
			twice = twice || seen[k.ID]
			seen[k.ID] = true
		}
		return twice
	})
}

func TestScrapesAreAsRecorded(t *testing.T) {
	shown := view.Shown{LabelKeys: []string{"customer", "team"}, Blocks: []*view.Block{
		view.NewBlock(
			view.Task{Task: kie.Task{ID: "task_pending"}, Group: "video", Account: "default", Labels: map[string]string{"team": "film"}},
			view.Task{
				Task:  kie.Task{ID: "task_generating", Model: "kling/v2", State: kie.StateGenerating, Created: 1698765397000},
				Group: "video", Account: "default", LastAnswer: time.UnixMilli(1698765399250), QueryError: kie.ClassRateLimited,
			},
		),
		view.NewBlock(
			view.Task{
				Task: kie.Task{
					ID: "task_12345678", Model: "kling/v2", State: kie.StateSuccess, Created: 1698765400000,
					Completed: 1698765432000, Credits: 42.5, HasCredits: true,
				},
				Group: "video", Account: "default",
			},
			view.Task{
				Task: kie.Task{
					ID: `task_"odd"\`, Model: "日本語", State: kie.StateFail, FailCode: "500", Reason: kie.ReasonContentPolicy,
					HasCredits: true,
				},
				Group: "speech", Account: "second", Labels: map[string]string{"customer": "c-17\n"}, FailedAt: 1698765432000,
			},
		),
	}}
	for name, shown := range map[string]view.Shown{"empty": {}, "tasks": shown} {
		s := serve(t, shown)
		golden.Check(t, name+".prom", scrape.Text(t, scrape.Get(t, s, string(expfmt.FmtText), "")))
		golden.Check(t, name+".openmetrics", scrape.Text(t, scrape.Get(t, s, string(expfmt.FmtOpenMetrics_1_0_0), "gzip")))
	}
}

func TestChecksumsOfPartsMakeThatOfTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 200 {
		whole := make([]byte, r.IntN(1<<r.IntN(18)))
		for i := range whole {
			whole[i] = byte(r.IntN(256)) //nolint:gosec // fits
		}
		cut := r.IntN(len(whole) + 1)
		var d deflater
		if got, want := d.sum(whole[cut:]).after(crc32.ChecksumIEEE(whole[:cut])), crc32.ChecksumIEEE(whole); got != want {
			t.Fatalf("%d + %d bytes: %x, want %x", cut, len(whole)-cut, got, want)
		}
	}
}

// broken is a collector that fails, after it has sent a metric or not.
type broken struct{ desc *prometheus.Desc }

func (b broken) Describe(ch chan<- *prometheus.Desc) { ch <- b.desc }

func (b broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(b.desc, errors.New("no reading"))
}

func TestFaultsAreCountedAsPromhttpCountsThem(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(3, 0))))
	s.registry.MustRegister(broken{prometheus.NewDesc("broken", "never works", nil, nil)})
	errorsOf := func(h http.Handler) string {
		return valueOf(scrape.Text(t, scrape.Get(t, h, "", "gzip")), `promhttp_metric_handler_errors_total{cause="gathering"}`)
	}
	for i, h := range []http.Handler{s, s.plain, s, s.plain} { // the count is shown by the next one
		if got, want := errorsOf(h), strconv.Itoa(i); got != want {
			t.Errorf("scrape %d shows %s faults, want %s", i, got, want)
		}
	}
	s.ServeHTTP(&gone{after: 3000}, scrape.Request(t, "", "", ""))
	all := scrape.Text(t, scrape.Get(t, s, "", ""))
	if got := valueOf(all, `promhttp_metric_handler_errors_total{cause="encoding"}`); got != "0" {
		t.Errorf("%s faults after a client has gone, which is none of ours", got)
	}
}

// gone is a client that goes away after some bytes.
type gone struct {
	header http.Header
	after  int
}

func (g *gone) Header() http.Header {
	if g.header == nil {
		g.header = http.Header{}
	}
	return g.header
}

func (g *gone) WriteHeader(int) {}

func (g *gone) Write(p []byte) (int, error) {
	if g.after -= len(p); g.after < 0 {
		return 0, errors.New("gone")
	}
	return len(p), nil
}

func TestAnErrorPageIsNothingElse(t *testing.T) {
	a := &answer{ResponseWriter: httptest.NewRecorder(), encoding: promhttp.Gzip, body: &gzipBody{}}
	http.Error(a, "no metrics at all", http.StatusInternalServerError)
	if a.isWhole() {
		t.Error("it is to be gone on with")
	}
	w := a.ResponseWriter.(*httptest.ResponseRecorder)
	if w.Code != http.StatusInternalServerError || w.Body.String() != "no metrics at all\n" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestASlowClientKeepsNobodyWaiting(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(9, 0))))
	slow := &stuck{ResponseWriter: httptest.NewRecorder(), begun: make(chan struct{}), goOn: make(chan struct{})}
	var scraping sync.WaitGroup
	scraping.Go(func() { s.ServeHTTP(slow, scrape.Request(t, "", "gzip", "")) })
	<-slow.begun
	old := scrape.Get(t, s, "", "")
	s.Show(snapshots.Tasks(rand.New(rand.NewPCG(10, 0))))
	s.ours.Refresh()
	if other := scrape.Get(t, s, "", ""); other.Body.String() == old.Body.String() {
		t.Error("the change is not shown")
	}
	close(slow.goOn)
	scraping.Wait()
	got := scrape.Text(t, slow.ResponseWriter.(*httptest.ResponseRecorder))
	sameLines(t, got, old.Body.Bytes())
}

// stuck is a client that reads nothing for a while.
type stuck struct {
	http.ResponseWriter
	once        sync.Once
	begun, goOn chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.once.Do(func() {
		close(s.begun)
		<-s.goOn
	})
	return s.ResponseWriter.Write(p)
}

func TestChangesAreRenderedBeforeTheNextScrapeWhileSomebodyScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(1, 0))))
		var running sync.WaitGroup
		defer running.Wait()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		running.Go(func() { s.ours.Run(ctx) })
		renderings := func() int {
			s.Show(snapshots.Tasks(rand.New(rand.NewPCG(2, 0))))
			time.Sleep(3 * time.Second)
			synctest.Wait()
			return s.ours.deflated.size()
		}
		if n := renderings(); n != 0 {
			t.Errorf("%d blocks are rendered for nobody", n)
		}
		scrape.Get(t, s, "", "gzip")
		if n, want := renderings(), len(s.Shown().Blocks); n != want || s.ours.zstd.size() > 0 {
			t.Errorf("%d blocks are rendered, want %d; zstd: %d", n, want, s.ours.zstd.size())
		}
		scrape.Get(t, s, "", "zstd")
		if n, want := renderings(), len(s.Shown().Blocks); n != want || s.ours.zstd.size() != want {
			t.Errorf("%d and %d blocks are rendered, want %d", n, s.ours.zstd.size(), want)
		}
		time.Sleep(2 * idle)
		synctest.Wait()
		if s.ours.deflated.size() > 0 || s.ours.zstd.size() > 0 {
			t.Error("renderings are kept for nobody")
		}
	})
}

// size returns how many renderings are kept.
func (f *form) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(len(f.kept), len(f.blocks))
}

func TestAnOlderStateIsServedAsItWas(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(21, 0))))
	want := scrape.Text(t, scrape.Get(t, s, "", "gzip"))
	old := s.Snapshot()
	s.Show(snapshots.Tasks(rand.New(rand.NewPCG(22, 0))))
	scrape.Get(t, s, "", "gzip")
	s.Put(old)
	if got := scrape.Text(t, scrape.Get(t, s, "", "gzip")); string(got) != string(want) {
		t.Error("it is another one now")
	}
}

func TestSeveralScrapeAtATimeWhileTasksChange(t *testing.T) {
	s := serve(t, snapshots.Tasks(rand.New(rand.NewPCG(0, 0))))
	var scraping sync.WaitGroup
	defer scraping.Wait()
	done := make(chan struct{})
	defer close(done)
	for i := range 4 {
		scraping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				w := scrape.Get(t, s, scrape.Formats()[i], []string{"", "gzip", "zstd", "gzip"}[i])
				if body := scrape.Text(t, w); len(body) == 0 {
					t.Error("empty")
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(0, 1))
	for range rounds() {
		s.Show(snapshots.Tasks(random))
		s.ours.Refresh()
		scrape.Get(t, s, "", "gzip")
	}
}
