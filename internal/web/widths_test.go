package web_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/web"
)

// axePath is where `make packages` puts what judges whether everybody can use a page.
var axePath = filepath.Join("..", "..", ".cache", "axe", "node_modules", "axe-core", "axe.min.js")

// axe returns the judge's source; "" where it is not installed, except in CI.
func axe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(axePath)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%v; `make packages` installs it", err)
	}
	return string(source)
}

// seen are tasks as somebody sees them on a common day, with names as long as they come.
func seen() []view.Task {
	models := []string{
		"google/nano-banana", "elevenlabs/text-to-speech-turbo-2-5", "kling/v2-5-turbo-image-to-video-pro", "sora-2-text-to-video", "bytedance/seedream",
	}
	states := []kie.State{kie.StateWaiting, kie.StateQueuing, kie.StateGenerating, kie.StateSuccess, kie.StateSuccess, kie.StateSuccess, kie.StateFail}
	var all []view.Task
	for i := range 140 {
		k := view.Task{
			Task:  kie.Task{ID: fmt.Sprintf("%08x%024x", int64(i)*2654435761%(1<<32), i), Model: models[i%5], State: states[i%7], Created: kie.TimeOf(time.Now().Add(-time.Duration(i) * time.Minute))},
			Group: []string{"studio", "shop", "research"}[i%3], Account: "main", Labels: map[string]string{"team": "film"},
		}
		took := time.Duration(i*7919%600+2) * time.Second
		switch {
		case k.State.Finished():
			k.Completed, k.Learned = k.Created.Add(took), k.Created.Add(took+time.Second)
			k.Credits, k.HasCredits = float64(i%60), true
			if k.State == kie.StateFail {
				k.FailCode, k.Reason = []string{"500", "422", "GENERATION_FAILED"}[i%3], kie.Reasons()[i%len(kie.Reasons())]
			}
		default:
			k.Seen, k.LastAnswer, k.Overdue = k.Created.Time(), time.Now(), i%21 == 0
			if i%22 == 1 {
				k.QueryError = kie.ClassTimeout
			}
		}
		if i%20 == 9 {
			k = view.Task{Task: kie.Task{ID: k.ID, State: kie.StatePending}, Group: k.Group, Account: "main", Seen: k.Created.Time(), QueryError: kie.ClassNotFound, GivenUp: i > 70}
		}
		all = append(all, k)
	}
	return all
}

// overflowing lists what is cut off, or reaches beyond the page: whatever a person would have to scroll sideways for.
const overflowing = `(() => {
	const bad = new Set();
	if (document.documentElement.scrollWidth > innerWidth) bad.add('the page');
	for (const e of document.body.querySelectorAll('*')) {
		const box = e.getBoundingClientRect();
		if (box.width === 0 || e.closest('.sr, .skip, svg, option, thead, caption') || getComputedStyle(e).visibility === 'hidden') continue;
		if (box.right > innerWidth + 1 || box.left < -1) bad.add('beyond the page: ' + e.nodeName + '.' + e.className + ' ' + e.textContent.slice(0, 40));
		if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible' && !e.matches('input, select')) bad.add('cut off: ' + e.nodeName + '.' + e.className);
	}
	for (const e of document.querySelectorAll('thead th')) {
		const box = e.getBoundingClientRect();
		if (getComputedStyle(e.closest('thead')).position !== 'absolute' && box.right > innerWidth + 1) bad.add('a column beyond the page: ' + e.textContent);
	}
	return [...bad].slice(0, 8).join('; ');
})()`

// judged lists what the judge calls serious or critical.
func (b *browser) judged() (found []string) {
	b.t.Helper()
	report := b.js(`axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations
		.filter(v => v.impact === 'serious' || v.impact === 'critical')
		.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | '))))`)
	if err := json.Unmarshal([]byte(report.(string)), &found); err != nil {
		b.t.Fatal(err)
	}
	return found
}

func (b *browser) resize(width int) {
	b.t.Helper()
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
}

// widths are those at which pages are looked at: a telephone, a tablet, a small screen and a large one.
var widths = []int{390, 768, 1280, 1600}

func TestEveryPageFitsEveryScreenAndCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	judge := axe(t)
	tasks := seen()
	queries := querylog.New()
	for i := range 30 {
		queries.Add("main", tasks[0].ID, querylog.Query{Ended: tasks[0].Created.Time().Add(time.Duration(i) * time.Second), Took: time.Second, State: kie.StateWaiting})
	}
	status := ailing()
	status.At = time.Now()
	for i := range status.Accounts {
		if r := &status.Accounts[i].Requests; r.Closed != kie.ClassOK {
			r.ClosedSince, r.ClosedUntil = status.At.Add(-40*time.Second), status.At.Add(20*time.Second)
		}
	}
	server := httptest.NewServer(serveKnown(t, web.Known{
		Tasks: sequence(tasks), Queries: queries.Queries, Status: func() web.Status { return status }, Grafana: "https://grafana.example",
	}))
	t.Cleanup(server.Close)
	for name, path := range map[string]string{"tasks": "/tasks", "task": "/tasks/" + tasks[0].ID + "?account=main", "landing": "/"} {
		b.resize(1280)
		b.open(server.URL + path)
		b.js("document.querySelector('#refresh').click(); document.querySelectorAll('details').forEach(e => e.open = true)")
		if judge != "" {
			b.js(judge + "; true")
		}
		for _, scheme := range []string{"light", "dark"} {
			b.prefer(scheme)
			for _, width := range widths {
				b.resize(width)
				at := fmt.Sprintf("%s-%d-%s", name, width, scheme)
				if bad := b.js(overflowing); bad != "" {
					t.Errorf("%s: %s", at, bad)
				}
				if bad := b.js(faint); bad != "" {
					t.Errorf("%s: hard to read: %s", at, bad)
				}
				if found := b.judgedAt(judge, width, scheme); len(found) > 0 {
					t.Errorf("%s: %s", at, strings.Join(found, "\n"))
				}
				b.screenshot(at + ".png")
			}
		}
	}
	b.js("const wide = document.createElement('p'); wide.style.width = '3000px'; document.body.append(wide, new Image())")
	if b.js(overflowing) == "" || judge != "" && len(b.judged()) == 0 {
		t.Error("what is looked for is not found where it is")
	}
	b.picture(server.URL+"/tasks", &status)
}

// picture takes the pictures of the page that README shows: at a moment when one account is under maintenance.
func (b *browser) picture(url string, status *web.Status) {
	b.t.Helper()
	usual := well()
	status.Accounts = []view.Account{usual.Accounts[0], status.Accounts[1]}
	status.Accounts[1].Balance = 54321
	status.Groups, status.Sources, status.Storage, status.ReloadFailed = usual.Groups, usual.Sources, usual.Storage, false
	b.resize(1280)
	b.open(url)
	for _, scheme := range []string{"light", "dark"} {
		b.prefer(scheme)
		if bad := b.js(overflowing); bad != "" {
			b.t.Error(bad)
		}
		b.screenshotInSight("readme-" + scheme + ".png")
	}
}

// judgedAt asks the judge where pages differ most, so that the test does not take long.
func (b *browser) judgedAt(judge string, width int, scheme string) []string {
	b.t.Helper()
	if judge == "" || (width != 390 || scheme != "light") && (width != 1280 || scheme != "dark") {
		return nil
	}
	return b.judged()
}

// A page that was scrolled still says what its columns are.
func TestTheColumnsNamesStayInSight(t *testing.T) {
	t.Parallel()
	b, _ := look(t, many(200), "")
	b.js("document.querySelector('[data-live=tasks] [data-key=task_000030]').scrollIntoView({block: 'center'})")
	if top := b.js("document.querySelector('[data-live=tasks] thead th').getBoundingClientRect().top"); top != 0.0 {
		t.Errorf("the names are %v px below the top", top)
	}
}

func TestAnIDIsCopiedByAClick(t *testing.T) {
	t.Parallel()
	b, _ := look(t, some(), "")
	b.js("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }")
	b.js("document.querySelector('[data-live=tasks] [data-key=\"6-fail\"] .copy').click()")
	b.eventually("window.copied === '6-fail'")
	b.eventually("document.querySelector('[data-live=tasks] [data-key=\"6-fail\"] .copy').textContent === 'copied'")
	b.wantNoFaults()
}

func TestWhatIsUnfoldedStaysSoWhenThePageIsRefreshed(t *testing.T) {
	t.Parallel()
	tasks := append(some(), view.Task{Task: kie.Task{ID: "lost", State: kie.StatePending}, Account: "a", Seen: epoch, QueryError: kie.ClassNotFound})
	b, known := look(t, tasks, "")
	if b.js("document.querySelector('details.missing').open") != false {
		t.Error("it is unfolded at first")
	}
	b.js("document.querySelector('details.missing').open = true")
	known.change(func(tasks []view.Task) []view.Task {
		return append(tasks, view.Task{Task: kie.Task{ID: "lost-2", State: kie.StatePending}, Account: "a", Seen: epoch, QueryError: kie.ClassNotFound})
	})
	b.eventually("document.querySelector('details.missing b').textContent === '2'")
	if b.js("document.querySelector('details.missing').open") != true {
		t.Error("a refresh folds it again")
	}
}
