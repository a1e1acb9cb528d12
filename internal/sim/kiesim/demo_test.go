// Promises of what the demo shows: the generator and the schedule of incidents.

package kiesim

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGeneratorsOfOneListDoNotMixTheirLines(t *testing.T) {
	for _, name := range []string{"tasks.txt", "tasks.jsonl"} {
		t.Run(name, func(t *testing.T) {
			s, path := New(Options{Speed: 1000}), filepath.Join(t.TempDir(), name)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if err := s.Generate(ctx, Program{Path: path, PerSecond: 10}); err != nil {
						t.Error(err)
					}
				})
			}
			for strings.Count(readFile(t, path), "\n") < 500 {
				time.Sleep(time.Millisecond) // a condition of a file can only be polled
			}
			cancel()
			wg.Wait()
			text := readFile(t, path)
			if !strings.HasSuffix(text, "\n") {
				t.Errorf("half a line at the end of %q", text)
			}
			for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
				id := line
				if strings.HasSuffix(name, ".jsonl") {
					var o struct{ TaskID, Model string }
					if err := json.Unmarshal([]byte(line), &o); err != nil || o.Model == "" {
						t.Fatalf("line %q: %v", line, err)
					}
					id = o.TaskID
				}
				if g := askTask(t, s, id); g.Code != 200 {
					t.Fatalf("task %q: %s", id, g.Body)
				}
			}
		})
	}
}

// readFile reads a file that may not be there yet.
func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

func TestGeneratorKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := New(Options{Speed: 10}), filepath.Join(t.TempDir(), "tasks")
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Second)
		defer cancel()
		if err := s.Generate(ctx, Program{Path: path, PerSecond: 0.1}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(readFile(t, path), "\n"); n < 900 || n > 1100 {
			t.Errorf("%d tasks in 1000 s, want about 1000", n)
		}
	})
}

func TestGeneratorReportsWhatItCannotDo(t *testing.T) {
	if err := New(Options{}).Generate(t.Context(), Program{Path: filepath.Join(t.TempDir(), "no", "folder"), PerSecond: 1}); err == nil {
		t.Error("a missing folder went unnoticed")
	}
	if err := New(Options{}).Generate(t.Context(), Program{Path: filepath.Join(t.TempDir(), "tasks")}); err == nil {
		t.Error("a rate of 0 went unnoticed")
	}
}

func TestOneMinuteOfDemoShowsEverything(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{Seed: seed, Speed: 10, Credits: 5000, TopUp: 5000, Incidents: true})
			path := filepath.Join(t.TempDir(), "tasks")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := s.Generate(ctx, Program{Path: path, PerSecond: 0.1}); err != nil {
					t.Error(err)
				}
			})
			seen, finished := map[string]bool{}, map[string]bool{}
			for range 59 {
				time.Sleep(time.Second)
				for id := range strings.FieldsSeq(readFile(t, path)) {
					if !finished[id] {
						finished[id] = look(seen, askTask(t, s, id))
					}
				}
			}
			wg.Wait()
			for _, want := range []string{"code 200", "code 422", "code 429", "success", "fail", "empty"} {
				if !seen[want] {
					t.Errorf("seed %d: never seen: %s", seed, want)
				}
			}
			var reasons int
			for what := range seen {
				if strings.HasPrefix(what, "message ") {
					reasons++
				}
			}
			if reasons < 2 {
				t.Errorf("seed %d: %d failure messages, want several", seed, reasons)
			}
			if credits := s.balance(); credits == 5000 {
				t.Errorf("seed %d: no credits were used", seed)
			}
		})
	}
}

// look notes what an answer shows, and tells whether its task is finished.
func look(seen map[string]bool, g got) (finished bool) {
	seen[fmt.Sprintf("code %d", g.Code)] = true
	var r shown
	if g.Code != 200 || json.Unmarshal(g.Data, &r) != nil {
		return false
	}
	seen[r.State] = true
	if text, ok := r.ResultJSON.(string); r.State == stateSuccess && ok && (text == "" || strings.Contains(text, "[]")) {
		seen["empty"] = true
	}
	if r.State == stateFail {
		seen[fmt.Sprintf("message %v", r.FailMsg)] = true
	}
	return r.State == stateSuccess || r.State == stateFail
}

func TestIncidentsKeepTheirSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Speed: 10, Incidents: true})
		refusals := map[int]int{0: 429, refuseEvery: 455, 2 * refuseEvery: 429, 3 * refuseEvery: 455} // by cycle
		for c := range 4 * refuseEvery {
			for _, step := range []struct {
				into  time.Duration // simulated
				code  int
				burst bool
			}{
				{29 * time.Second, 200, false},
				{31 * time.Second, 200, true},
				{149 * time.Second, 200, true},
				{151 * time.Second, 200, false},
				{239 * time.Second, 200, false},
				{241 * time.Second, cmp.Or(refusals[c], 200), false},
				{271 * time.Second, 200, false},
			} {
				time.Sleep(time.Until(s.start.Add((time.Duration(c)*cycle + step.into) / 10)))
				if g := ask(t, s, "/api/v1/chat/credit", key); g.Code != step.code {
					t.Errorf("cycle %d at %v: code %d, want %d", c, step.into, g.Code, step.code)
				}
				m, burst := s.burst(time.Now())
				if burst != step.burst || burst && m.Name != s.o.Models[c%len(s.o.Models)].Name {
					t.Errorf("cycle %d at %v: burst %v of %q", c, step.into, burst, m.Name)
				}
			}
		}
	})
}

func TestWhatIsAnnouncedOfTheScheduleIsWhatHappens(t *testing.T) {
	for _, ahead := range []time.Duration{0, 2 * cycle} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{Speed: 10, Incidents: true, IncidentsAhead: ahead})
			met := map[IncidentKind]int{}
			for incident := range s.Incidents(time.Now()) {
				if met[incident.Kind]++; met[Maintenance] == 2 {
					break
				}
				time.Sleep(time.Until(incident.From.Add(incident.To.Sub(incident.From) / 2)))
				want := map[IncidentKind]int{Burst: codeOK, RateLimit: codeRateLimited, Maintenance: codeMaintenance}[incident.Kind]
				if g := ask(t, s, "/api/v1/chat/credit", key); g.Code != want {
					t.Errorf("ahead %v: %+v: the API answers %d, want %d", ahead, incident, g.Code, want)
				}
				if m, burst := s.burst(time.Now()); burst != (incident.Kind == Burst) || m.Name != incident.Model {
					t.Errorf("ahead %v: %+v: a burst of %q", ahead, incident, m.Name)
				}
			}
			if met[Burst] < 6 || met[RateLimit] < 1 {
				t.Errorf("ahead %v: announced %v", ahead, met)
			}
		})
	}
	for incident := range New(Options{}).Incidents(time.Now()) {
		t.Fatalf("announced without a schedule: %+v", incident)
	}
}

// Who looks at a demo for an hour sees what happens now, not all that ever went wrong.
func TestAListIsKeptShortAndFreeOfIDsThatDoNotExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := New(Options{Speed: 10, Incidents: true}), filepath.Join(t.TempDir(), "tasks")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := s.Generate(ctx, Program{Path: path, PerSecond: 0.1, Keep: 300}); err != nil {
			t.Fatal(err)
		}
		ids := strings.Fields(readFile(t, path))
		bogus := map[bool]int{} // by whether they are among the older ones
		for i, id := range ids {
			if _, ok := s.task(id); !ok {
				bogus[i < len(ids)/2]++
			}
		}
		if len(ids) < 200 || len(ids) > 330 || bogus[true] > 0 || bogus[false] == 0 {
			t.Errorf("%d lines, %d ids that do not exist among the older half, %d among the newer", len(ids), bogus[true], bogus[false])
		}
	})
}

func TestAFinishedTaskIsCalledBackAboutOnceSignedAndAtItsEnd(t *testing.T) {
	type call struct {
		id     string
		signed bool
		late   time.Duration
	}
	s := New(Options{Speed: 100, Models: []Model{{Name: "m", Weight: 1, Median: 10 * time.Second, InFlight: "waiting"}}})
	calls := make(chan call, 1000)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ Data record }
		_ = json.NewDecoder(r.Body).Decode(&body)
		mac := hmac.New(sha256.New, []byte("hook-key"))
		mac.Write([]byte(body.Data.TaskID + "." + r.Header.Get("X-Webhook-Timestamp")))
		k, _ := s.task(body.Data.TaskID)
		calls <- call{
			body.Data.TaskID, base64.StdEncoding.EncodeToString(mac.Sum(nil)) == r.Header.Get("X-Webhook-Signature"),
			time.Since(k.Created) - s.lifetime(k),
		}
	}))
	defer hook.Close()
	path := filepath.Join(t.TempDir(), "tasks")
	ctx, cancel := context.WithCancel(t.Context())
	var program sync.WaitGroup
	program.Go(func() {
		if err := s.Generate(ctx, Program{Path: path, PerSecond: 1, Callbacks: &Callbacks{URL: hook.URL, Key: "hook-key"}}); err != nil {
			t.Error(err)
		}
	})
	called := map[string]bool{}
	for range 10 {
		c := <-calls
		if called[c.id] || !c.signed || c.late < 0 {
			t.Errorf("called back: %+v, before: %v", c, called[c.id])
		}
		called[c.id] = true
	}
	cancel()
	program.Wait() // and nothing is left running
}
