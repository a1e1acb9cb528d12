// Promises of the simulated API as a whole: keys, ids, limits, credits, determinism.

package kiesim

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "test-key"

// got is an answer as a client sees it.
type got struct {
	Status int
	Header http.Header
	Body   string
	Code   int                        `json:"code"`
	Msg    *string                    `json:"msg"`
	Data   json.RawMessage            `json:"data"`
	Keys   map[string]json.RawMessage // of the envelope
}

func (g got) record(t *testing.T) shown {
	t.Helper()
	var r shown
	if err := json.Unmarshal(g.Data, &r); err != nil {
		t.Fatalf("data of %s: %v", g.Body, err)
	}
	return r
}

// shown is what of a record a client sees.
type shown struct {
	TaskID, Model, State, Param string
	ResultJSON                  any `json:"resultJson"`
	FailCode, FailMsg           any
	CompleteTime, UpdateTime    *int64
	CreateTime, CostTime        int64
	CreditsConsumed             *float64
}

// ask makes a request without a network.
func ask(t *testing.T, s *Server, target, key string) got {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return read(t, w.Result())
}

func read(t *testing.T, resp *http.Response) got {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	g := got{Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
	if json.Unmarshal(body, &g) == nil {
		_ = json.Unmarshal(body, &g.Keys)
	}
	return g
}

func askTask(t *testing.T, s *Server, id string) got {
	t.Helper()
	return ask(t, s, "/api/v1/jobs/recordInfo?taskId="+id, key)
}

func askCredits(t *testing.T, s *Server) float64 {
	t.Helper()
	g := ask(t, s, "/api/v1/chat/credit", key)
	var credits float64
	if err := json.Unmarshal(g.Data, &credits); err != nil {
		t.Fatalf("credits in %s: %v", g.Body, err)
	}
	return credits
}

func TestRequestsThatCannotBeAnsweredGetTheRightEnvelope(t *testing.T) {
	s := New(Options{Keys: []string{key}})
	for name, c := range map[string]struct {
		target, key  string
		status, code int
		msg          string
		data         bool
	}{
		"unknown id": {"/api/v1/jobs/recordInfo?taskId=x", key, 200, 422, "recordInfo is null", true},
		"missing id": {"/api/v1/jobs/recordInfo", key, 200, 400, "taskId is required", true},
		"wrong key":  {"/api/v1/jobs/recordInfo?taskId=x", "wrong", 200, 401, "You do not have access permissions", false},
		"no key":     {"/api/v1/chat/credit", "", 200, 401, "You do not have access permissions", false},
		"other path": {"/api/v1/jobs", key, 404, 404, "Not Found", true},
	} {
		t.Run(name, func(t *testing.T) {
			g := ask(t, s, c.target, c.key)
			if _, data := g.Keys["data"]; g.Status != c.status || g.Code != c.code || g.Msg == nil || *g.Msg != c.msg || data != c.data {
				t.Errorf("got status %d and %s", g.Status, g.Body)
			}
		})
	}
}

func TestKeysCanBeRotated(t *testing.T) {
	s := New(Options{})
	s.Put(Task{ID: "a"})
	if g := ask(t, s, "/api/v1/jobs/recordInfo?taskId=a", "anything"); g.Code != 200 {
		t.Errorf("without keys every key is accepted, got %s", g.Body)
	}
	s.SetKeys("new", "newer")
	for key, code := range map[string]int{"anything": 401, "new": 200, "newer": 200} {
		if g := ask(t, s, "/api/v1/jobs/recordInfo?taskId=a", key); g.Code != code {
			t.Errorf("key %s: got %s", key, g.Body)
		}
	}
}

func TestEveryAnswerHasItsOwnCookieAndTheSimulatedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{ClockOffset: time.Hour})
		s.Put(Task{ID: "a"})
		one, two := askTask(t, s, "a"), askTask(t, s, "a")
		if a, b := one.Header.Get("Set-Cookie"), two.Header.Get("Set-Cookie"); a == "" || a == b {
			t.Errorf("cookies %q and %q", a, b)
		}
		now := time.Now().Add(time.Hour)
		if d, err := http.ParseTime(one.Header.Get("Date")); err != nil || !d.Equal(now) {
			t.Errorf("Date %q, %v", one.Header.Get("Date"), err)
		}
		if r := one.record(t); r.CreateTime != now.UnixMilli() {
			t.Errorf("createTime %d, want %d", r.CreateTime, now.UnixMilli())
		}
	})
}

func TestNewTaskIsUnknownForItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Grace: 2 * time.Second})
		id, _ := s.Create()
		time.Sleep(2*time.Second - 1)
		if g := askTask(t, s, id); g.Code != 422 {
			t.Errorf("within its grace: %s", g.Body)
		}
		time.Sleep(time.Nanosecond)
		if g := askTask(t, s, id); g.Code != 200 {
			t.Errorf("after its grace: %s", g.Body)
		}
		s.Remove(id)
		if g := askTask(t, s, id); g.Code != 422 {
			t.Errorf("removed: %s", g.Body)
		}
	})
}

func TestRateLimitHoldsInAnyWindow(t *testing.T) {
	for rate, want := range map[float64]int{3: 3 + 3*9, 0.5: 5, 2.5: 3 * 9} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{RequestsPerSecond: rate})
				s.Put(Task{ID: "a"})
				var passed int
				for range 1000 { // for ten seconds
					if g := askTask(t, s, "a"); g.Code == 200 {
						passed++
					} else if g.Code != 429 || g.Status != 200 {
						t.Fatalf("got %s", g.Body)
					}
					time.Sleep(10 * time.Millisecond)
				}
				if passed != want {
					t.Errorf("%d requests passed, want %d", passed, want)
				}
			})
		})
	}
}

func TestRateLimitIsPerKeyAndEndsWithItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := New(Options{RequestsPerSecond: 1}), time.Now()
		for _, step := range []struct {
			at   time.Duration
			key  string
			code int
		}{
			{0, "one", 200},
			{0, "two", 200},
			{time.Second - 1, "one", 429},
			{time.Second, "one", 200},
			{time.Second, "one", 429},
		} {
			time.Sleep(time.Until(start.Add(step.at)))
			if g := ask(t, s, "/api/v1/chat/credit", step.key); g.Code != step.code {
				t.Errorf("key %s at %v: %s", step.key, step.at, g.Body)
			}
		}
	})
}

func TestCreditsFallWithEachTaskAndAreToppedUp(t *testing.T) {
	s := New(Options{Credits: 100, TopUp: 100, Models: []Model{{Name: "m", Credits: 30}}})
	var balances []float64
	for range 5 {
		s.Create()
		balances = append(balances, askCredits(t, s))
	}
	if want := []float64{70, 40, 10, 100, 70}; !slices.Equal(balances, want) {
		t.Errorf("balances %v, want %v", balances, want)
	}
	s.SetCredits(5916.25)
	if g := ask(t, s, "/api/v1/chat/credit", key); string(g.Data) != "5916.25" {
		t.Errorf("got %s", g.Body)
	}
}

func TestLatencyIsFixedOrRealistic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := func(o Options) []time.Duration {
			s := New(o)
			var all []time.Duration
			for range 1000 {
				start := time.Now()
				ask(t, s, "/api/v1/chat/credit", key)
				all = append(all, time.Since(start))
			}
			slices.Sort(all)
			return all
		}
		if all := took(Options{Latency: 50 * time.Millisecond}); all[0] != 50*time.Millisecond || all[0] != all[999] {
			t.Errorf("fixed: %v to %v", all[0], all[999])
		}
		all := took(Options{RealisticLatency: true})
		if p50, p99 := all[500].Seconds(), all[990].Seconds(); math.Abs(p50-0.32) > 0.03 || math.Abs(p99-0.7) > 0.1 {
			t.Errorf("realistic: p50 %v, p99 %v", p50, p99)
		}
	})
}

func TestSameSeedSameLivesInAnyOrderOfRequests(t *testing.T) {
	lives := func(seed uint64, backwards bool) map[string]string {
		all := map[string]string{}
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{Seed: seed, Incidents: true})
			var ids []string
			for range 200 {
				id, model := s.Create()
				ids = append(ids, id)
				all[id] = model
				time.Sleep(time.Second)
			}
			if backwards {
				slices.Reverse(ids)
			}
			for _, id := range ids {
				all[id] += string(askTask(t, s, id).Data)
			}
		})
		return all
	}
	one, again, other := lives(1, false), lives(1, true), lives(2, false)
	for id, life := range one {
		if again[id] != life {
			t.Fatalf("%s: %s, then %s", id, life, again[id])
		}
		if _, ok := other[id]; ok {
			t.Fatalf("%s is known under another seed", id)
		}
	}
	if len(one) != 200 {
		t.Errorf("%d different ids, want 200", len(one))
	}
}

func TestParamHoldsThePromptAsJSONInAString(t *testing.T) {
	s := New(Options{})
	s.Put(Task{ID: "a", Model: `odd "model"`})
	var p struct {
		Model string
		Input struct{ Prompt string }
	}
	if err := json.Unmarshal([]byte(askTask(t, s, "a").record(t).Param), &p); err != nil {
		t.Fatal(err)
	}
	if p.Model != `odd "model"` || !strings.Contains(p.Input.Prompt, Canary) {
		t.Errorf("got %+v", p)
	}
}

func BenchmarkAnswer(b *testing.B) {
	s := New(Options{})
	id, _ := s.Create()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/jobs/recordInfo?taskId="+id, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+key)
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func BenchmarkCreate(b *testing.B) {
	s := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		s.Create()
	}
}
