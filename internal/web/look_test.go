package web_test

import (
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// changing are tasks that change while somebody looks at them.
type changing struct {
	mu    sync.Mutex
	tasks []view.Task
	down  atomic.Bool // nothing is served
}

func (c *changing) all() iter.Seq[view.Task] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Values(slices.Clone(c.tasks))
}

func (c *changing) change(f func(tasks []view.Task) []view.Task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tasks = f(c.tasks)
}

// look opens the page of tasks in a browser.
func look(t *testing.T, tasks []view.Task, query string) (*browser, *changing) {
	t.Helper()
	b := startBrowser(t)
	known := &changing{tasks: tasks}
	h := serve(t, known.all)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if known.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.open(server.URL + "/tasks" + query)
	return b, known
}

func (b *browser) wantNoFaults() {
	b.t.Helper()
	if len(b.faults) > 0 {
		b.t.Errorf("the browser complains: %s", b.faults)
	}
}

func TestThePageRefreshesWithoutLosingThePlace(t *testing.T) {
	t.Parallel()
	b, known := look(t, many(300), "")
	b.eventually("document.querySelector('#refresh').offsetParent !== null")
	b.js("document.querySelector('[data-live=counts] .success a').focus({preventScroll: true})")
	b.js("window.row = document.querySelector('[data-live=tasks] [data-key=task_000020]'); scrollTo(0, 1500); window.was = row.getBoundingClientRect().top")
	known.change(func(tasks []view.Task) []view.Task {
		return append(tasks, view.Task{Task: kie.Task{ID: "new", State: kie.StateWaiting, Created: at(-9)}, Overdue: true, LastAnswer: epoch})
	})
	b.eventually("document.querySelector('[data-live=tasks] tbody tr').dataset.key === 'new'")
	for what, expression := range map[string]string{
		"a task is another element":    "row === document.querySelector('[data-live=tasks] [data-key=task_000020]')",
		"the focus is lost":            "document.activeElement.closest('.success') !== null",
		"what was looked at has moved": "Math.abs(row.getBoundingClientRect().top - was) < 2",
		"the sum is old":               "document.querySelector('[data-live=when]').textContent.startsWith('301 ')",
	} {
		if b.js(expression) != true {
			t.Error(what)
		}
	}
	b.wantNoFaults()
}

func TestARefreshThatFailsIsSaidAndEnds(t *testing.T) {
	t.Parallel()
	b, known := look(t, some(), "")
	known.down.Store(true)
	b.eventually("document.querySelector('#trouble').textContent !== ''")
	if b.js("document.querySelectorAll('[data-live=tasks] tbody tr').length") != 7.0 {
		t.Error("what was known last is gone")
	}
	known.down.Store(false)
	b.eventually("document.querySelector('#trouble').textContent === ''")
}

func TestRefreshingCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b, known := look(t, some(), "")
	b.js("document.querySelector('#refresh').click()")
	b.open(b.js("location.href + '?limit=5'").(string))
	if b.js("document.querySelector('#refresh').checked") != false {
		t.Error("the next page refreshes again")
	}
	known.change(func([]view.Task) []view.Task { return nil })
	time.Sleep(6 * time.Second) // one interval: there is no event to wait for
	if b.js("document.querySelector('[data-live=when]').textContent.startsWith('7 ')") != true {
		t.Error("the page refreshes although that is switched off")
	}
}

func TestNothingFromOutsideRunsInABrowser(t *testing.T) {
	t.Parallel()
	tasks := some()
	for i := range tasks {
		const nasty = `"'><script>window.hacked=1</script><img src=x onerror="window.hacked=1">`
		tasks[i].ID += nasty
		tasks[i].Group += nasty
		tasks[i].Model += nasty
	}
	b, _ := look(t, tasks, "")
	if b.js("window.hacked === undefined && document.images.length === 0 && document.scripts.length === 1") != true {
		t.Error("a task's name became part of the page")
	}
	if n := b.js("document.querySelectorAll('[data-live=tasks] tbody tr').length"); n != 7.0 {
		t.Errorf("%v rows, want 7", n)
	}
	b.wantNoFaults() // a blocked script would be one
}

// unnamed returns what a screen reader comes to and has no name for.
func (b *browser) unnamed() (all []string) {
	b.t.Helper()
	type text struct{ Value string }
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name text
		}
	}
	b.do("Accessibility.getFullAXTree", nil, &tree)
	met := map[string]int{}
	for _, n := range tree.Nodes {
		switch role := n.Role.Value; role {
		case "searchbox", "combobox", "checkbox", "button", "link", "image", "region", "group", "navigation", "search", "list":
			met[role]++
			if !n.Ignored && n.Name.Value == "" {
				all = append(all, role)
			}
		}
	}
	if met["combobox"] != 4 || met["image"] != 1 || met["region"] != 5 {
		b.t.Errorf("met %v", met)
	}
	return all
}

func TestThePageCanBeUsedWithoutAMouseOrEyes(t *testing.T) {
	t.Parallel()
	b, _ := look(t, some(), "")
	b.press("Tab", 9)
	if b.js("document.activeElement.className") != "skip" || b.js("document.activeElement.getBoundingClientRect().left >= 0") != true {
		t.Error("the first stop is not a visible way past the filters")
	}
	if b.js("getComputedStyle(document.activeElement).outlineStyle") != "solid" {
		t.Error("the focus can't be seen")
	}
	if unnamed := b.unnamed(); len(unnamed) > 0 {
		t.Errorf("without a name: %v", unnamed)
	}
	for what, expression := range map[string]string{
		"landmarks":         "document.querySelectorAll('header, main, form[role=search], nav').length >= 4",
		"one heading 1":     "document.querySelectorAll('h1').length === 1",
		"column scopes":     "[...document.querySelectorAll('thead th')].every(e => e.scope === 'col')",
		"row scopes":        "[...document.querySelectorAll('tbody tr')].every(e => e.querySelector('th[scope=row]'))",
		"unique ids":        "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size === document.querySelectorAll('[id]').length",
		"scrolling by keys": "[...document.querySelectorAll('.scroll')].every(e => e.tabIndex === 0)",
	} {
		if b.js(expression) != true {
			t.Errorf("no %s", what)
		}
	}
	b.wantNoFaults()
}

// faint lists texts whose contrast with what is behind them is under 4.5:1.
const faint = `(() => {
	const numbers = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = numbers(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (numbers(c)[3] !== 0) return c; } return 'rgb(255, 255, 255)'; };
	const bad = new Set();
	for (const e of document.body.querySelectorAll('*')) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.closest('svg, option')) continue;
		const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
		const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (contrast < 4.5) bad.add(e.nodeName + '.' + e.className + ' ' + contrast.toFixed(2));
	}
	return [...bad].join();
})()`

func TestTextIsReadableInLightAndDark(t *testing.T) {
	t.Parallel()
	b, _ := look(t, some(), "?group=video&state=finished")
	grounds := map[any]bool{}
	for _, scheme := range []string{"light", "dark"} {
		b.prefer(scheme)
		grounds[b.js("getComputedStyle(document.body).backgroundColor")] = true
		if bad := b.js(faint); bad != "" {
			t.Errorf("%s: hard to read: %s", scheme, bad)
		}
		b.screenshot(scheme + ".png")
	}
	b.open(lacking(t) + "/tasks")
	for _, scheme := range []string{"light", "dark"} {
		b.prefer(scheme)
		if bad := b.js(faint); bad != "" {
			t.Errorf("%s, with replicas that gave no answer: hard to read: %s", scheme, bad)
		}
		b.screenshot("replicas-" + scheme + ".png")
	}
	if len(grounds) != 2 {
		t.Error("light and dark look the same")
	}
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": true}, nil)
	if b.js("document.documentElement.scrollWidth <= innerWidth") != true {
		t.Error("a telephone has to scroll the page sideways")
	}
	b.screenshot("telephone.png")
}

func TestFiltersWorkInABrowser(t *testing.T) {
	t.Parallel()
	b, _ := look(t, some(), "")
	b.js("document.querySelector('[name=group]').value = 'image'; document.querySelector('[name=state]').value = 'unfinished'; document.querySelector('form button').click()")
	b.eventually("location.search.includes('group=image') && document.readyState === 'complete'")
	ids := "[...document.querySelectorAll('[data-live=tasks] tbody tr')].map(e => e.dataset.key).join(' ')"
	if got := b.js(ids); got != "2-queuing 3-generating 4-pending" {
		t.Errorf("%v", got)
	}
	b.js("[...document.querySelectorAll('.filters a')].find(e => e.textContent.includes('state')).click()")
	b.eventually("!location.search.includes('state=') && document.readyState === 'complete'")
	if got := b.js(ids); !strings.Contains(got.(string), "5-fail-late") {
		t.Errorf("%v", got)
	}
	b.wantNoFaults()
}
