package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/web"
	"github.com/kie-exporter/kie_exporter/test/kit/golden"
)

// fleet is replicas that ask each other.
type fleet struct {
	shares   []share.Share
	replicas map[string]*member

	mu      sync.Mutex                  // guards what follows
	held    map[share.Share]string      // by whom
	silent  map[string]bool             // those who don't answer
	away    bool                        // nobody can be asked
	distort func(answer map[string]any) // what is answered
	asked   []string                    // all that was sent
	loses   map[share.Share]bool        // what is lost at the first look at the tasks
}

// member is one of them.
type member struct {
	http.Handler

	*web.Tasks
	fleet *fleet
	name  string
}

func (m *member) Name() string { return m.name }

func (m *member) Own() (own []share.Share) {
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	for _, sh := range m.fleet.shares {
		if m.fleet.held[sh] == m.name {
			own = append(own, sh)
		}
	}
	return own
}

func (m *member) Holders(context.Context) (all []web.Holder) {
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	for _, sh := range m.fleet.shares {
		all = append(all, web.Holder{Share: sh, Replica: m.fleet.held[sh], Known: !m.fleet.away})
	}
	return all
}

func (m *member) Ask(ctx context.Context, replica string, question any) ([]byte, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	m.fleet.mu.Lock()
	m.fleet.asked = append(m.fleet.asked, m.name+" asks "+replica+": "+string(text))
	silent, distort, to := m.fleet.silent[replica], m.fleet.distort, m.fleet.replicas[replica]
	m.fleet.mu.Unlock()
	if silent || to == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	answer, err := to.Answer(ctx, text)
	if err != nil {
		return nil, err
	}
	text, err = json.Marshal(answer)
	if err != nil || distort == nil {
		return text, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	if fields["tasks"] == nil { // it was asked how it stands
		clear(fields)
	} else {
		distort(fields)
	}
	return json.Marshal(fields)
}

func (*member) Order() (accounts, groups []string) {
	return []string{"a", "b", "c"}, []string{"image", "video", "shop"}
}

// shareOf returns the share that a task is in: account a is in four parts.
func shareOf(k *view.Task) share.Share {
	parts := map[string]int{"a": 4}[k.Account]
	parts = max(parts, 1)
	return share.Share{Account: k.Account, Part: share.Of(k.ID, parts), Parts: parts}
}

// newFleet returns three replicas that know these tasks, each those of its shares, and what knows all.
func newFleet(tb testing.TB, tasks []view.Task) (f *fleet, one http.Handler) {
	tb.Helper()
	f = &fleet{replicas: make(map[string]*member), held: make(map[share.Share]string), silent: make(map[string]bool), loses: make(map[share.Share]bool)}
	for part := range 4 {
		f.shares = append(f.shares, share.Share{Account: "a", Part: part, Parts: 4})
	}
	f.shares = append(f.shares, share.Share{Account: "b", Parts: 1}, share.Share{Account: "c", Parts: 1})
	for i, sh := range f.shares {
		f.held[sh] = "replica-" + strconv.Itoa(i%3)
	}
	for n := range 3 {
		m := &member{fleet: f, name: fmt.Sprintf("replica-%d", n)}
		all := func() iter.Seq[view.Task] { // what it knows; of a share that it has just lost it knows tasks still
			return func(yield func(view.Task) bool) {
				for _, k := range tasks {
					sh := shareOf(&k)
					f.mu.Lock()
					holder := f.held[sh]
					if f.loses[sh] && holder == m.name {
						f.held[sh] = ""
					}
					f.mu.Unlock()
					if holder == m.name && !yield(k) {
						return
					}
				}
			}
		}
		known := known(web.Known{Tasks: all, Status: func() web.Status { return m.status() }, Replicas: m, Queries: func(string, string) ([]querylog.Query, int) {
			return []querylog.Query{{Ended: epoch, Took: time.Second, State: kie.StateGenerating}}, 3
		}})
		pages, err := web.NewTasks(known)
		if err != nil {
			tb.Fatal(err)
		}
		mux := http.NewServeMux()
		pages.Register(mux)
		mux.Handle("GET /{$}", pages.Landing(web.Landing{Version: "1.2.3", MetricsPath: "/metrics"}))
		m.Handler, m.Tasks = mux, pages
		f.replicas[m.name] = m
	}
	return f, serveKnown(tb, web.Known{Tasks: sequence(tasks)})
}

// status is how a replica stands: it has those accounts of which it holds something.
func (m *member) status() web.Status {
	s := web.Status{Status: view.Status{At: epoch, Keeps: true, Storage: store.Stats{Up: true, Tasks: 10}}}
	have := map[string]float64{}
	for _, sh := range m.Own() {
		have[sh.Account] += 1 / float64(sh.Parts)
	}
	for _, a := range slices.Sorted(maps.Keys(have)) {
		account := view.Account{Name: a, Requests: budget.Stats{Asked: true, Up: true, Pace: 2 * have[a]}}
		if a != "a" || slices.Contains(m.Own(), m.fleet.shares[0]) {
			account.Balance, account.HasBalance = 100, true
		}
		s.Accounts = append(s.Accounts, account)
		group := map[string]string{"a": "video", "b": "image", "c": "shop"}[a]
		s.Groups = append(s.Groups, view.GroupStatus{Name: group, Account: a, Tasks: int(400 * have[a])})
		s.Sources = append(s.Sources, source.Stat{Group: group, Source: group + ".txt", Tasks: int(400 * have[a]), Read: true, LastSuccess: epoch})
	}
	return s
}

// mixed returns many tasks of three accounts, in all states.
func mixed(n int) []view.Task {
	random := rand.New(rand.NewPCG(1, 2))
	var all []view.Task
	for i := range n {
		account := []string{"a", "a", "b", "c"}[random.IntN(4)]
		k := view.Task{
			Task:    kie.Task{ID: fmt.Sprintf("task_%06d", random.IntN(10*n)*10+i%10), Model: []string{"kling", "flux", "veo"}[random.IntN(3)], State: kie.States()[random.IntN(len(kie.States()))]},
			Account: account, Group: map[string]string{"a": "video", "b": "image", "c": "shop"}[account], Seen: epoch,
			Labels: map[string]string{"team": "film"},
		}
		created := at(random.IntN(1000)) // so that many are of the same time
		switch {
		case k.State == kie.StatePending:
			k.Model = ""
		case k.State.Finished():
			k.Created, k.Completed = created, created+kie.Time(1000*random.IntN(5000))
			k.Learned = k.Completed
			if k.State == kie.StateFail {
				k.FailCode, k.Reason = []string{"501", "none"}[random.IntN(2)], kie.Reasons()[random.IntN(len(kie.Reasons()))]
			} else {
				k.Credits, k.HasCredits = float64(random.IntN(100))/8, true
			}
		default:
			k.Created, k.LastAnswer, k.Overdue = created, epoch, random.IntN(5) == 0
			k.QueryError = kie.Classes()[random.IntN(len(kie.Classes()))]
			k.GivenUp = random.IntN(9) == 0
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b view.Task) int { return strings.Compare(a.ID+a.Account, b.ID+b.Account) })
	return slices.CompactFunc(all, func(a, b view.Task) bool { return a.ID == b.ID && a.Account == b.Account })
}

// Each replica shows what one process shows that knows all, byte for byte: sums, latencies, failures, filters, and the pages of the list, to and fro.
func TestAnyReplicaShowsWhatOneProcessShows(t *testing.T) {
	tasks := mixed(250)
	queries := []string{
		"", "limit=500", "limit=7", "group=video", "account=a", "account=b&account=c&limit=20", "model=kling&state=unfinished", "state=fail&reason=timeout", "fail_code=501",
		"order=id", "order=id&limit=7", "order=id&state=unfinished&limit=20", "overdue=true", "failing=true&limit=9", "missing=true", "q=17", "state=finished&q=1", "group=nowhere",
	}
	synctest.Test(t, func(t *testing.T) {
		f, one := newFleet(t, tasks)
		for i, query := range queries {
			here := f.replicas[fmt.Sprintf("replica-%d", i%3)]
			seen, pages := map[string]bool{}, []string{}
			for next := "?" + query; next != ""; {
				want, got := get(t, one, "/api/v1/tasks"+next), get(t, here, "/api/v1/tasks"+next)
				if got.Code != http.StatusOK || got.Body.String() != want.Body.String() {
					t.Fatalf("%s:\ngot  %d %.3000s\nwant %.3000s", next, got.Code, got.Body, want.Body)
				}
				pages = append(pages, want.Body.String())
				l := listed(t, here, "/api/v1/tasks"+next)
				for _, k := range l.Tasks {
					if seen[k.ID+" "+k.Account] {
						t.Errorf("%s: %s comes twice", query, k.ID)
					}
					seen[k.ID+" "+k.Account] = true
				}
				if next = l.Next; next == "" && len(seen) != l.Matching {
					t.Errorf("%s: %d tasks on %d pages, of %d", query, len(seen), len(pages), l.Matching)
				}
				back := l.Previous
				if back == "" || len(pages) > 20 {
					continue
				}
				if want, got := get(t, one, "/api/v1/tasks"+back), get(t, here, "/api/v1/tasks"+back); got.Body.String() != want.Body.String() {
					t.Fatalf("back by %s: got %.2000s\nwant %.2000s", back, got.Body, want.Body)
				}
			}
			page := func(h http.Handler) string { // but for how accounts stand, which is not the same here
				text := get(t, h, "/tasks?"+query).Body.String()
				from, to := strings.Index(text, `<section class="status"`), strings.Index(text, "<form")
				return text[:from] + text[to:]
			}
			if got, want := page(here), page(one); got != want {
				t.Errorf("the page of %q differs:\n%.3000s\nwant\n%.3000s", query, got, want)
			}
		}
	})
}

// page is what these tests read of a page of the list.
type page struct {
	Tracked, Matching, Earlier int
	Next, Previous             string
	Missing                    []web.Missing
	Tasks                      []struct {
		ID      string `json:"task_id"`
		Account string
	}
}

func listed(t *testing.T, h http.Handler, target string) (l page) {
	t.Helper()
	w := get(t, h, target)
	if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d, %v: %s", target, w.Code, err, w.Body)
	}
	return l
}

// words returns what is missing of a page, in words.
func words(missing []web.Missing) string {
	var all []string
	for _, m := range missing {
		all = append(all, m.String())
	}
	return strings.Join(all, "\n")
}

func TestSharesOfWhichNothingIsKnownAreNamed(t *testing.T) {
	tasks := mixed(300)
	count := func(of func(sh share.Share) bool) (n int) {
		for i := range tasks {
			if of(shareOf(&tasks[i])) {
				n++
			}
		}
		return n
	}
	part := func(sh share.Share, parts ...int) bool { return sh.Account == "a" && slices.Contains(parts, sh.Part) }
	for name, test := range map[string]struct {
		change  func(f *fleet)
		tracked int
		missing string
		waits   time.Duration
	}{
		"all answer": {func(*fleet) {}, len(tasks), "", 0},
		"a holder is silent": {
			func(f *fleet) { f.silent["replica-1"] = true }, count(func(sh share.Share) bool { return !part(sh, 1) && sh.Account != "b" }),
			"account a, part 1 of 4 (counted from 0), held by replica-1, which gave no answer\naccount b, held by replica-1, which gave no answer", 2 * time.Second,
		},
		"a holder is not there any more": {
			func(f *fleet) { f.held[f.shares[4]] = "gone" }, count(func(sh share.Share) bool { return sh.Account != "b" }),
			"account b, held by gone, which gave no answer", 2 * time.Second,
		},
		"nobody holds a share": {
			func(f *fleet) { f.held[f.shares[5]] = "" }, count(func(sh share.Share) bool { return sh.Account != "c" }),
			"account c, held by nobody as far as is known", 0,
		},
		"Redis does not answer": {
			func(f *fleet) { f.away = true }, count(func(sh share.Share) bool { return part(sh, 0, 3) }),
			"account a, part 1 of 4 (counted from 0), held by replica-1; Redis does not answer\naccount a, part 2 of 4 (counted from 0), held by replica-2; Redis does not answer\n" +
				"account b, held by replica-1; Redis does not answer\naccount c, held by replica-2; Redis does not answer", 0,
		},
		"a share is lost here meanwhile": {
			func(f *fleet) { f.loses[f.shares[0]] = true }, count(func(sh share.Share) bool { return !part(sh, 0) }),
			"account a, part 0 of 4 (counted from 0), held by nobody as far as is known; it is on its way from one replica to another", 0,
		},
		"a share is lost there meanwhile": {
			func(f *fleet) { f.loses[f.shares[4]] = true }, count(func(sh share.Share) bool { return sh.Account != "b" }),
			"account b, held by replica-1; it is on its way from one replica to another", 0,
		},
		"an answer tells of tasks of others": {
			func(f *fleet) {
				f.distort = func(a map[string]any) {
					a["tasks"].(map[string]any)["page"].([]any)[0].(map[string]any)["account"] = "b"
				}
			}, count(func(sh share.Share) bool { return part(sh, 0, 3) || part(sh, 1) || sh.Account == "b" }),
			"account a, part 2 of 4 (counted from 0), held by replica-2, which gave no answer\naccount c, held by replica-2, which gave no answer", 0,
		},
		"an answer has numbers that can't be": {
			func(f *fleet) {
				f.distort = func(a map[string]any) { a["tasks"].(map[string]any)["matching"] = -1 }
			}, count(func(sh share.Share) bool { return part(sh, 0, 3) }), "account a, part 1", 0,
		},
		"an answer has bars that there are not": {
			func(f *fleet) {
				f.distort = func(a map[string]any) {
					a["tasks"].(map[string]any)["rows"].([]any)[0].(map[string]any)["bins"] = map[string]int{"4711": 1}
				}
			}, count(func(sh share.Share) bool { return part(sh, 0, 3) }), "account a, part 1", 0,
		},
		"an answer is about nothing": {
			func(f *fleet) { f.distort = func(a map[string]any) { clear(a) } }, count(func(sh share.Share) bool { return part(sh, 0, 3) }), "account a, part 1", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := newFleet(t, tasks)
				test.change(f)
				began := time.Now()
				l := listed(t, f.replicas["replica-0"], "/api/v1/tasks?limit=500")
				if took := time.Since(began); took != test.waits {
					t.Errorf("it took %v, want %v", took, test.waits)
				}
				if got := words(l.Missing); !strings.HasPrefix(got, test.missing) || test.missing == "" && got != "" {
					t.Errorf("missing:\n%s\nwant\n%s", got, test.missing)
				}
				if l.Tracked != test.tracked || l.Matching != test.tracked || len(l.Tasks) != test.tracked {
					t.Errorf("%d tracked, %d matching, %d shown, want %d", l.Tracked, l.Matching, len(l.Tasks), test.tracked)
				}
				if strings.HasSuffix(test.missing, "to another") {
					return // it is no longer on its way
				}
				for _, path := range []string{"/tasks", "/"} {
					page := get(t, f.replicas["replica-0"], path).Body.String()
					first, _, _ := strings.Cut(test.missing, "\n")
					if strings.Contains(page, "Not all is shown.") != (test.missing != "") || !strings.Contains(page, first) {
						t.Errorf("%s does not say what is missing: %.3000s", path, page)
					}
				}
			})
		})
	}
}

func TestReplicasStandTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFleet(t, mixed(100))
		for _, m := range f.replicas {
			var d struct {
				Well     bool
				Missing  []web.Missing
				Accounts []struct {
					Account string
					Pace    float64 `json:"pace_requests_per_second"`
					Balance float64
				}
				Groups []struct {
					Group string
					Tasks int
				}
				Sources []struct {
					Source string
					IDs    int
				}
				Storage struct {
					Mode  string
					Tasks int
				}
			}
			body := get(t, m, "/api/v1/status").Body.Bytes()
			if err := json.Unmarshal(body, &d); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(d); got != "{true [] [{a 2 100} {b 2 100} {c 2 100}] [{image 400} {video 400} {shop 400}] [{image.txt 400} {video.txt 400} {shop.txt 400}] {disk 30}}" {
				t.Errorf("%s: %s", m.name, got)
			}
		}
		f.silent["replica-2"] = true
		if body := get(t, f.replicas["replica-0"], "/api/v1/status").Body.String(); !strings.Contains(body, `"well":false,"missing":[{"account":"a","part":2,"parts":4,"held_by":"replica-2","reason":"silent"}`) {
			t.Error(body)
		}
	})
}

func TestProblemsOfReplicasAreToldOnceOrWithTheirName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFleet(t, nil)
		// In place of what newFleet tells: two replicas are refused as to account a, one has no disk.
		for n, name := range []string{"replica-0", "replica-1", "replica-2"} {
			m := f.replicas[name]
			pages, err := web.NewTasks(known(web.Known{Tasks: sequence(nil), Replicas: m, Status: func() web.Status {
				s := m.status()
				if n < 2 {
					s.Accounts[0].Requests.Closed, s.Accounts[0].Requests.ClosedSince = kie.ClassAuth, epoch.Add(-time.Duration(n+1)*time.Minute)
				}
				s.Storage.Up = n != 1
				return s
			}}))
			if err != nil {
				t.Fatal(err)
			}
			m.Tasks = pages
			mux := http.NewServeMux()
			pages.Register(mux)
			m.Handler = mux
		}
		var d struct {
			Problems []struct {
				Kind, Account, Replica string
				Since                  time.Time
			}
			Accounts []struct {
				Up   bool
				Gate struct {
					Closed bool
					Since  time.Time
				}
			}
			Storage struct{ Mode string }
		}
		if err := json.Unmarshal(get(t, f.replicas["replica-2"], "/api/v1/status").Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		since := epoch.Add(-2 * time.Minute)
		if len(d.Problems) != 2 || d.Problems[0].Account != "a" || !d.Problems[0].Since.Equal(since) || d.Problems[1].Replica != "replica-1" || d.Problems[1].Kind != "storage" {
			t.Errorf("problems: %+v", d.Problems)
		}
		if !d.Accounts[0].Gate.Closed || !d.Accounts[0].Gate.Since.Equal(since) || d.Storage.Mode != "failing" {
			t.Errorf("%+v", d)
		}
		if page := get(t, f.replicas["replica-0"], "/tasks").Body.String(); !strings.Contains(page, `<span class="where">replica replica-1</span>`) {
			t.Errorf("the page does not name the replica: %.3000s", page)
		}
	})
}

func TestAnyReplicaTellsOfATask(t *testing.T) {
	tasks := mixed(200)
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFleet(t, tasks)
		for i := range tasks[:60] {
			k, sh := &tasks[i], shareOf(&tasks[i])
			here := f.replicas["replica-"+strconv.Itoa(i%3)]
			target := "/api/v1/tasks/" + k.ID
			w := get(t, here, target+"?account="+k.Account)
			var d struct {
				Tasks []struct {
					ID      string `json:"task_id"`
					Account string
					Tracked bool
					Left    int `json:"queries_left_out"`
					Queries []struct{ State string }
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", target, w.Code, w.Body)
			}
			if got := fmt.Sprint(d); got != fmt.Sprintf("{[{%s %s true 3 [{generating}]}]}", k.ID, k.Account) {
				t.Errorf("%s: %s", target, got)
			}
			if w := get(t, here, "/tasks/"+k.ID); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<dd>"+k.Account+"</dd>") {
				t.Errorf("the page of %s: %d %.2000s", k.ID, w.Code, w.Body)
			}
			if f.held[sh] == here.name {
				continue
			}
			f.silent[f.held[sh]] = true
			w = get(t, here, target+"?account="+k.Account)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "no task of this id is known; it may be one of account "+k.Account) {
				t.Errorf("without its holder: %d %s", w.Code, w.Body)
			}
			clear(f.silent)
		}
		f.asked = nil
		if w := get(t, f.replicas["replica-0"], "/api/v1/tasks/none?account=nowhere"); w.Code != http.StatusNotFound || len(f.asked) != 0 {
			t.Errorf("%d, and asked %q", w.Code, f.asked)
		}
	})
}

// What goes over Redis about a page is no longer than the page, and each replica is asked once.
func TestAQuestionAndItsAnswerAreShort(t *testing.T) {
	tasks := mixed(5000)
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFleet(t, tasks)
		longest := 0
		f.distort = func(answer map[string]any) {
			text, err := json.Marshal(answer)
			if err != nil {
				t.Error(err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			longest = max(longest, len(text))
			for _, list := range []string{"page", "failures", "urgent", "missing"} {
				if n := len(answer["tasks"].(map[string]any)[list].([]any)); n > 500 || list != "page" && n > 20 {
					t.Errorf("%d tasks in %s", n, list)
				}
			}
		}
		l := listed(t, f.replicas["replica-0"], "/api/v1/tasks?limit=500")
		if len(l.Tasks) != 500 || len(f.asked) != 2 || longest > 300_000 {
			t.Errorf("%d tasks; asked %q; an answer has %d bytes", len(l.Tasks), f.asked, longest)
		}
		t.Logf("an answer has %d bytes at the most", longest)
	})
}

func TestAReplicaAnswersOnlyWhatItIsAsked(t *testing.T) {
	f, _ := newFleet(t, mixed(100))
	m := f.replicas["replica-0"]
	for name, question := range map[string]string{
		"garbage":         `[`,
		"a bad query":     `{"shares":{"a":[0,3]},"query":"limit=0"}`,
		"a bad parameter": `{"shares":{"a":[0,3]},"query":"nothing=1"}`,
	} {
		if answer, err := m.Answer(t.Context(), []byte(question)); err == nil {
			t.Errorf("%s is answered: %v", name, answer)
		}
	}
	for name, test := range map[string]struct{ question, want string }{
		"of others":             {`{"shares":{"b":[0]},"query":""}`, `{"shares":{},"tasks":{"tracked":0,"matching":0,"ahead":0,"page":[],"rows":[]}}`},
		"of less than is known": {`{"shares":{"a":[0]},"query":""}`, `{"shares":{},"tasks":{"tracked":0,"matching":0,"ahead":0,"page":[],"rows":[]}}`},
		"of nothing":            {`{"shares":{"a":[0,3]}}`, `{"shares":{"a":[0,3]}}`},
		"of a part too many":    {`{"shares":{"a":[0,1,3]},"task":"none"}`, `{"shares":{"a":[0,3]}}`},
	} {
		answer, err := m.Answer(t.Context(), []byte(test.question))
		text, _ := json.Marshal(answer)
		if err != nil || string(text) != test.want {
			t.Errorf("%s: %s, %v, want %s", name, text, err, test.want)
		}
	}
}

// Golden pages: one where all answer, one where two shares are missing.
func TestMergedPagesAsTheyAre(t *testing.T) {
	tasks := slices.Clone(some())
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFleet(t, tasks)
		here := f.replicas["replica-0"]
		golden.Check(t, "merged.html", get(t, here, "/tasks").Body.Bytes())
		golden.Check(t, "merged.json", indented(t, get(t, here, "/api/v1/tasks?limit=3").Body.Bytes()))
		golden.Check(t, "merged_status.json", indented(t, get(t, here, "/api/v1/status").Body.Bytes()))
		f.silent["replica-1"], f.held[f.shares[5]] = true, ""
		golden.Check(t, "missing.html", get(t, here, "/tasks?"+url.Values{"group": {"video"}}.Encode()).Body.Bytes())
		golden.Check(t, "missing.json", indented(t, get(t, here, "/api/v1/tasks?limit=3").Body.Bytes()))
	})
}

func indented(t *testing.T, text []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// Who does not wait for an answer any more has nobody go through the tasks.
func TestALookEndsWithWhoeverAsked(t *testing.T) {
	f, _ := newFleet(t, mixed(20_000))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if answer, err := f.replicas["replica-0"].Answer(ctx, []byte(`{"shares":{"a":[0,3]},"query":""}`)); err == nil {
		t.Errorf("%v", answer)
	}
}

// While many wait for a replica that does not answer, no more are let wait than there may be.
func TestRequestsThatWaitForReplicasAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := newFleet(t, nil)
		f.silent["replica-1"] = true
		const most = 16
		var waiting sync.WaitGroup
		for range most {
			waiting.Go(func() {
				if w := get(t, f.replicas["replica-0"], "/api/v1/status"); w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		for _, path := range []string{"/api/v1/status", "/api/v1/tasks", "/api/v1/tasks/x", "/tasks", "/tasks/x", "/"} {
			waiting.Go(func() {
				w := get(t, f.replicas["replica-0"], path)
				if w.Code != http.StatusServiceUnavailable || time.Since(began) != time.Second || strings.HasPrefix(path, "/api/") && w.Header().Get("Retry-After") == "" {
					t.Errorf("%s: %d %s after %v", path, w.Code, w.Body, time.Since(began))
				}
			})
		}
		waiting.Wait()
	})
}

func TestAStreamSaysWhoseTasksItLacks(t *testing.T) {
	tasks := mixed(100)
	f, _ := newFleet(t, tasks)
	f.held[f.shares[5]] = ""
	w := get(t, f.replicas["replica-1"], "/api/v1/tasks?format=ndjson")
	const want = `"a/0"; held_by="replica-0", "a/2"; held_by="replica-2", "a/3"; held_by="replica-0", "c/0"`
	if got := w.Header().Get("Kie-Missing"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	own := 0
	for i := range tasks {
		if f.held[shareOf(&tasks[i])] == "replica-1" {
			own++
		}
	}
	if n := strings.Count(w.Body.String(), "\n"); n != own {
		t.Errorf("%d tasks, want %d", n, own)
	}
	f.shares, f.held = nil, map[share.Share]string{}
	for part := range 150 {
		f.shares = append(f.shares, share.Share{Account: "a", Part: part, Parts: 150})
	}
	if got := get(t, f.replicas["replica-1"], "/api/v1/tasks?format=csv").Header().Get("Kie-Missing"); !strings.HasSuffix(got, `"a/99", "50 more"`) {
		t.Errorf("of many: %s", got)
	}
}

// lacking serves the pages of a replica to which another one gives no answer, and returns where.
func lacking(t *testing.T) string {
	t.Helper()
	f, _ := newFleet(t, mixed(200))
	f.silent["replica-1"] = true
	server := httptest.NewServer(f.replicas["replica-0"])
	t.Cleanup(server.Close)
	return server.URL
}

// part is a replica that holds one of ten parts of an account.
type part struct {
	*web.Tasks

	number int
	all    []*part
}

func (p *part) Name() string { return strconv.Itoa(p.number) }

func (p *part) Own() []share.Share {
	return []share.Share{{Account: "a", Part: p.number, Parts: len(p.all)}}
}

func (p *part) Holders(context.Context) (all []web.Holder) {
	for _, o := range p.all {
		all = append(all, web.Holder{Share: o.Own()[0], Replica: o.Name(), Known: true})
	}
	return all
}

func (p *part) Ask(ctx context.Context, replica string, question any) ([]byte, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	to, err := strconv.Atoi(replica)
	if err != nil {
		return nil, err
	}
	answer, err := p.all[to].Answer(ctx, text)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func (*part) Order() (accounts, groups []string) { return []string{"a"}, nil }

// BenchmarkPageOfReplicas measures a page of a million tasks on ten replicas, all of them together, without Redis.
func BenchmarkPageOfReplicas(b *testing.B) {
	all := make([]*part, 10)
	tasks := make([][]view.Task, len(all))
	for _, k := range many(1_000_000) {
		k.Account = "a"
		n := share.Of(k.ID, len(all))
		tasks[n] = append(tasks[n], k)
	}
	for n := range all {
		p := &part{number: n, all: all}
		pages, err := web.NewTasks(known(web.Known{Tasks: sequence(tasks[n]), Replicas: p, Status: well}))
		if err != nil {
			b.Fatal(err)
		}
		p.Tasks, all[n] = pages, p
	}
	mux := http.NewServeMux()
	all[0].Register(mux)
	for b.Loop() {
		if w := get(b, mux, "/api/v1/tasks"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "held_by") {
			b.Fatalf("%d %.1000s", w.Code, w.Body)
		}
	}
}
