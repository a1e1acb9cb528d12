package web_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/web"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

func finished(id string, learned kie.Time) view.Task {
	return view.Task{Task: kie.Task{ID: id, Model: "m", State: kie.StateSuccess, Created: at(0), Completed: at(1)}, Group: "g", Account: "a", Learned: learned}
}

// table reads an answer in CSV as a map for each row.
func table(tb testing.TB, h http.Handler, query string) (all []map[string]string) {
	tb.Helper()
	w := get(tb, h, "/api/v1/tasks?format=csv&"+query)
	cells, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || w.Code != http.StatusOK || len(cells) == 0 {
		tb.Fatalf("%s answers %d, %v: %s", query, w.Code, err, w.Body)
	}
	for _, row := range cells[1:] {
		m := map[string]string{}
		for i, name := range cells[0] {
			m[name] = row[i]
		}
		all = append(all, m)
	}
	return all
}

func column(rows []map[string]string, name string) (all []string) {
	for _, r := range rows {
		all = append(all, r[name])
	}
	return all
}

func TestCSVIsAsTheRFCHasItWithAHeader(t *testing.T) {
	tasks := some()[:2]
	tasks[1].Learned = at(61)
	w := get(t, serveAll(t, tasks), "/api/v1/tasks?format=csv")
	want := "task_id,group,account,model,state,created_at,completed_at,latency_seconds,fail_code,reason,credits,labels,overdue,given_up," +
		"first_seen_at,last_answer_at,query_error,learned_at,cursor\r\n" +
		`7-success,video,a,kling,success,2026-01-02T03:04:05.000Z,2026-01-02T03:04:37.000Z,32,,,12.5,"{""team"":""film""}",false,false,,,,,` + "\r\n" +
		"6-fail,video,a,kling,fail,2026-01-02T03:04:05.000Z,2026-01-02T03:05:05.000Z,60,501,upstream,,,false,false,,,,2026-01-02T03:05:06.000Z,\r\n"
	if got := w.Body.String(); got != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") {
		t.Errorf("%s\n%q\nwant\n%q", w.Header(), got, want)
	}
	if got := get(t, serveAll(t, nil), "/api/v1/tasks?format=csv&finished_after=0").Body.String(); got != want[:strings.Index(want, "\r\n")+2] {
		t.Errorf("of no task: %q", got)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for _, first := range []string{"=", "+", "-", "@"} {
		text := first + `cmd|' /C calc'!A0,"x"`
		k := finished(text, at(1))
		k.Model, k.State, k.FailCode = text, kie.StateFail, text
		h := serveAll(t, []view.Task{k})
		row := table(t, h, "")[0]
		for _, name := range []string{"task_id", "model", "fail_code"} {
			if row[name] != "'"+text {
				t.Errorf("%s is %q", name, row[name])
			}
		}
		var r struct {
			ID string `json:"task_id"`
		}
		if err := json.Unmarshal(get(t, h, "/api/v1/tasks?format=ndjson").Body.Bytes(), &r); err != nil || r.ID != text {
			t.Errorf("ndjson has %q, %v", r.ID, err)
		}
	}
}

func TestAStreamHasWhatMatchesAndNoPages(t *testing.T) {
	h := serveAll(t, some())
	if got := column(table(t, h, "group=video&state=finished"), "task_id"); !slices.Equal(got, []string{"7-success", "6-fail"}) {
		t.Errorf("%v", got)
	}
	if got := len(table(t, h, "")); got != len(some()) {
		t.Errorf("%d rows", got)
	}
	if got := column(table(t, h, "finished_after=2026-01-02T03:05:00Z"), "task_id"); !slices.Equal(got, []string{"5-fail-late"}) {
		t.Errorf("after a time: %v", got)
	}
	for query, want := range map[string]string{
		"format=xml":                                            "there are json, csv, ndjson",
		"finished_after=0":                                      "needs format=csv",
		"format=csv&limit=10":                                   "of pages",
		"format=ndjson&order=id":                                "of pages",
		"order=age":                                             "there is id",
		"order=id&after=1.2.x":                                  "another order",
		"after=5.0.x":                                           "another order",
		"format=ndjson&after=1.2.x":                             "of pages",
		"format=csv&finished_after=yesterday":                   "must be the cursor of a row",
		"format=csv&finished_after=":                            "must be the cursor of a row",
		"format=csv&finished_after=1.zz":                        "must be the cursor of a row",
		"format=csv&finished_after=-5.610a61":                   "must be the cursor of a row",
		"format=csv&finished_after=1&finished_after=2":          "may be given once",
		"format=csv&finished_after=" + strings.Repeat("1", 513): "at most 512 bytes",
		"format=csv&finished_after=" + url.QueryEscape("1.61\r\nX-Evil:1"): "must be the cursor of a row",
	} {
		if w := get(t, h, "/api/v1/tasks?"+query); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s answers %d %s", query, w.Code, w.Body)
		}
	}
	if w := get(t, h, "/tasks?format=csv"); w.Code != http.StatusBadRequest {
		t.Errorf("the page answers csv with %d", w.Code)
	}
}

// A cursor leads to every finished task once, whatever finishes between one request and the next, and in whatever order tasks are held.
func TestCursorsLeadToEveryFinishedTaskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tasks []view.Task
		h := serve(t, func() iter.Seq[view.Task] { return slices.Values(tasks) })
		var want, got []string
		next := "0"
		for round := range 50 {
			for i := range 20 {
				id := fmt.Sprintf("%02d-%d", (i*7+round*13)%97, round*20+i)
				k := finished(id, kie.TimeOf(time.Now()))
				if i%4 == 0 { // two accounts' tasks of one id, of which one learns in one moment
					k.Account = "b"
					tasks = append(tasks, finished(id, k.Learned))
					want = append(want, "a"+id)
				}
				tasks = append([]view.Task{k}, tasks...)
				want = append(want, k.Account+id)
				if i%3 == 0 {
					time.Sleep(700 * time.Millisecond)
				}
			}
			for _, r := range table(t, h, "finished_after="+next) {
				got = append(got, r["account"]+r["task_id"])
				if r["cursor"] <= next && next != "0" {
					t.Errorf("%s comes after %s", r["cursor"], next)
				}
				next = r["cursor"]
			}
		}
		time.Sleep(time.Minute)
		for _, r := range table(t, h, "finished_after="+next) {
			got = append(got, r["account"]+r["task_id"])
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d tasks came, want %d, each once", len(got), len(want))
		}
	})
}

// What is read both in memory and on disk comes once, as it is in memory.
func TestATaskThatIsAlsoOnDiskComesOnce(t *testing.T) {
	k := finished("x", at(1))
	kept := k
	k.Labels = map[string]string{"team": "film"}
	h := serveKnown(t, web.Known{Finished: func(_ func(kie.Time) bool, yield func(view.Task) bool) error {
		_ = yield(k) && yield(kept) && yield(finished("evicted", at(0)))
		return nil
	}})
	rows := table(t, h, "finished_after=0")
	if got := column(rows, "task_id"); !slices.Equal(got, []string{"evicted", "x"}) || rows[1]["labels"] == "" {
		t.Errorf("%v", rows)
	}
}

// lots yields n finished tasks that nobody holds, in an order that is not that of time.
func lots(n int) func() iter.Seq[view.Task] {
	return func() iter.Seq[view.Task] {
		return func(yield func(view.Task) bool) {
			for i := range n {
				j := i * 7919 % n // n must not be a multiple of 7919
				k := finished(fmt.Sprintf("%08x%024d", int64(j)*2654435761%(1<<32), j), epochMillis+kie.Time(j/3))
				if !yield(k) {
					return
				}
			}
		}
	}
}

const epochMillis kie.Time = 1767323045000

// counting is a client that keeps nothing but the number of lines and the most of the heap that is in use meanwhile.
type counting struct {
	http.ResponseWriter
	lines, writes int
	most          int64
}

func (c *counting) Write(b []byte) (int, error) {
	c.lines += strings.Count(string(b), "\n")
	if c.writes++; c.writes%1000 == 0 {
		c.most = max(c.most, heap.InUse())
	}
	return len(b), nil
}

func TestLargeStreamTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute, and what is written is the same whatever the processor")
	}
	const n, most = 1_000_000, 64 << 20
	for _, query := range []string{"format=csv&finished_after=0", "format=ndjson"} {
		h := serve(t, lots(n))
		before := heap.InUse()
		w := &counting{ResponseWriter: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/tasks?"+query, http.NoBody))
		if w.lines < n || w.lines > n+1 || w.writes < 1000 {
			t.Errorf("%s: %d lines, want %d", query, w.lines, n)
		}
		if took := w.most - before; took > most {
			t.Errorf("%s: %d MiB in use meanwhile, want %d at the most", query, took>>20, most>>20)
		} else {
			t.Logf("%s: %d MiB in use meanwhile", query, took>>20)
		}
	}
}

// A client that does not read holds up neither those who look at the tasks nor, when it goes, its own stream.
func TestAStreamEndsWhenItsClientGoesAndHoldsNobodyUp(t *testing.T) {
	ended := make(chan struct{}, 1)
	all := func() iter.Seq[view.Task] {
		return func(yield func(view.Task) bool) {
			for k := range lots(300_000)() {
				if !yield(k) {
					ended <- struct{}{}
					return
				}
			}
		}
	}
	s := httptest.NewServer(serve(t, all))
	defer s.Close()
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/tasks?format=ndjson", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := bufio.NewReader(answer.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	other, err := s.Client().Get(s.URL + "/api/v1/tasks?limit=1") //nolint:noctx // a test's
	if err != nil || other.StatusCode != http.StatusOK {
		t.Fatalf("while somebody reads slowly: %v, %v", other, err)
	}
	_ = other.Body.Close()
	leave()
	select {
	case <-ended:
	case <-time.After(3 * time.Minute):
		t.Error("the stream goes on without its client")
	}
}

func TestMoreStreamsThanThereMayBeAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under := make(chan struct{})
		h := serve(t, func() iter.Seq[view.Task] { <-under; return slices.Values(some()) })
		for range 2 {
			go get(t, h, "/api/v1/tasks?format=csv")
		}
		synctest.Wait()
		if w := get(t, h, "/api/v1/tasks?format=csv"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("the third answers %d, %v", w.Code, w.Header())
		}
		close(under)
		synctest.Wait()
		if got := len(table(t, h, "")); got != len(some()) {
			t.Errorf("%d rows then", got)
		}
	})
}

// What can't be read is no empty answer, and what began and can't be finished is cut off: else a client would pass over what is missing.
func TestAStreamThatLacksTasksIsNotWhole(t *testing.T) {
	fails := func(n int) func(func(kie.Time) bool, func(view.Task) bool) error {
		passes := 0
		return func(_ func(kie.Time) bool, yield func(view.Task) bool) error {
			if passes++; passes > 1 || n == 0 {
				return errors.New("no disk")
			}
			for k := range lots(n)() {
				if !yield(k) {
					break
				}
			}
			return nil
		}
	}
	if w := get(t, serveKnown(t, web.Known{Finished: fails(0)}), "/api/v1/tasks?format=csv&finished_after=0"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s := httptest.NewServer(serveKnown(t, web.Known{Finished: fails(200_000)}))
	defer s.Close()
	answer, err := s.Client().Get(s.URL + "/api/v1/tasks?format=csv&finished_after=0") //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if n, err := io.Copy(io.Discard, answer.Body); err == nil || n == 0 {
		t.Errorf("%d bytes and %v", n, err)
	}
}

func TestOneTaskAsJSON(t *testing.T) {
	kept := finished("7-success", at(3))
	kept.Account = "z"
	h := serveKnown(t, web.Known{
		Tasks: sequence(some()), Kept: func(id string) []view.Task {
			if id != kept.ID {
				return nil
			}
			return []view.Task{kept}
		},
		Queries: func(string, string) ([]querylog.Query, int) {
			return []querylog.Query{{Ended: epoch, Took: time.Second, Class: kie.ClassOK, State: kie.StateSuccess}, {Ended: epoch, Class: kie.ClassTimeout}}, 3
		},
	})
	for target, want := range map[string]string{
		"7-success?account=a": `{"task_id":"7-success","group":"video","account":"a","model":"kling","labels":{"team":"film"},"state":"success","overdue":false,` +
			`"created_at":"2026-01-02T03:04:05Z","completed_at":"2026-01-02T03:04:37Z","latency_seconds":32,"credits":12.5,"tracked":true,` +
			`"queries":[{"ended_at":"2026-01-02T03:04:05Z","duration_seconds":1,"class":"ok","state":"success"},` +
			`{"ended_at":"2026-01-02T03:04:05Z","duration_seconds":0,"class":"timeout"}],"queries_left_out":3}]}`,
		"7-success?account=z": `"account":"z"`,
		"7-success":           `"tracked":false`,
	} {
		if w := get(t, h, "/api/v1/tasks/"+target); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s answers %d %s, want %s", target, w.Code, w.Body, want)
		}
	}
	if w := get(t, h, "/api/v1/tasks/none"); w.Code != http.StatusNotFound || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
