// Promises of lives: states, times, results, failures.

package kiesim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDocumentedExampleTook32Seconds(t *testing.T) {
	s := New(Options{})
	s.Put(Task{ID: "task_12345678", Model: "kling/v2-5-turbo-image-to-video-pro", Created: time.UnixMilli(1698765400000), Duration: 32 * time.Second})
	r := askTask(t, s, "task_12345678").record(t)
	if r.TaskID != "task_12345678" || r.State != stateSuccess || r.CreateTime != 1698765400000 || r.CompleteTime == nil || *r.CompleteTime != 1698765432000 {
		t.Errorf("got %+v", r)
	}
	if r.FailCode != "" || r.FailMsg != "" || r.UpdateTime != nil || r.CostTime != 32 {
		t.Errorf("got %+v", r)
	}
	want := `{"resultUrls":["https://files.example.com/` + Canary + `/task_12345678-0.bin"]}`
	if r.ResultJSON != want {
		t.Errorf("resultJson %v, want %v", r.ResultJSON, want)
	}
}

func TestLifeGoesThroughItsWordsAtItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Speed: 10})
		s.Put(Task{ID: "long", Duration: 30 * time.Second, InFlight: "waiting queuing generating", Credits: 4})
		s.Put(Task{ID: "plain", Duration: 30 * time.Second})
		s.Put(Task{ID: "stuck", Duration: -1, InFlight: "waiting"})
		start := time.Now()
		for _, step := range []struct {
			at                 time.Duration
			long, plain, stuck string
		}{
			{0, "waiting", "generating", "waiting"},
			{time.Second - 1, "waiting", "generating", "waiting"},
			{time.Second, "queuing", "generating", "waiting"},
			{2 * time.Second, "generating", "generating", "waiting"},
			{3*time.Second - 1, "generating", "generating", "waiting"},
			{3 * time.Second, "success", "success", "waiting"},
			{time.Hour, "success", "success", "waiting"},
		} {
			time.Sleep(time.Until(start.Add(step.at)))
			for id, want := range map[string]string{"long": step.long, "plain": step.plain, "stuck": step.stuck} {
				r := askTask(t, s, id).record(t)
				if r.State != want {
					t.Errorf("%s after %v: %s, want %s", id, step.at, r.State, want)
				}
				if done := want == stateSuccess; done != (r.CompleteTime != nil) || done != (r.ResultJSON != "") {
					t.Errorf("%s after %v: %+v", id, step.at, r)
				}
				if id == "long" && (*r.CreditsConsumed == 4) != (want == stateSuccess) {
					t.Errorf("after %v: %g credits", step.at, *r.CreditsConsumed)
				}
			}
		}
		if r := askTask(t, s, "long").record(t); *r.CompleteTime-r.CreateTime != 3000 {
			t.Errorf("latency %d ms, want 3000", *r.CompleteTime-r.CreateTime)
		}
	})
}

func TestScriptedTaskShowsWhatItIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		task Task
		want string // part of the body
	}{
		"string code":   {Task{Fail: &Failure{Code: "500", Msg: "nsfw"}}, `"failCode":"500","failMsg":"nsfw"`},
		"number code":   {Task{Fail: &Failure{Code: 500}}, `"failCode":500,`},
		"no code":       {Task{Fail: &Failure{}}, `"failCode":null,`},
		"null codes":    {Task{Quirks: QuirkNullCode}, `"failCode":null,"failMsg":null`},
		"empty":         {Task{EmptyResult: true}, `"resultJson":""`},
		"empty list":    {Task{EmptyResult: true, Quirks: QuirkEmptyList}, `"resultJson":"{\"resultUrls\":[]}"`},
		"object":        {Task{Quirks: QuirkResultObject}, `"resultJson":"{\"resultObject\":`},
		"plain":         {Task{Quirks: QuirkPlainResult}, `"resultJson":{"resultUrls":["`},
		"three results": {Task{ID: "a", Results: 3}, `/a-2.bin\"]}"`},
		"updateTime":    {Task{Quirks: QuirkUpdateTime, Created: time.UnixMilli(1698765400000), Duration: time.Second}, `"updateTime":1698765401000`},
		"no credits":    {Task{Quirks: QuirkNoCredits, Credits: 3}, `"creditsConsumed":null`},
		"credits":       {Task{Credits: 3.5}, `"creditsConsumed":3.5`},
		"own data":      {Task{Data: map[string]any{"state": "succeeded", "completeTime": nil}}, `"state":"succeeded"`},
		"raw":           {Task{Raw: `{"code":200,"data":[]}`}, `{"code":200,"data":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			s.Put(c.task)
			s.Put(Task{ID: "other"})
			id := c.task.ID
			if id == "" {
				c.task.ID, id = "task", "task"
				s.Put(c.task)
			}
			if g := askTask(t, s, id); !strings.Contains(g.Body, c.want) {
				t.Errorf("%s lacks %s", g.Body, c.want)
			}
		})
	}
}

func TestTaskCanBeReplacedMidLife(t *testing.T) {
	s := New(Options{})
	s.Put(Task{ID: "a", Duration: -1})
	s.Put(Task{ID: "a", Fail: &Failure{Code: "501"}})
	if r := askTask(t, s, "a").record(t); r.State != stateFail || r.FailCode != "501" {
		t.Errorf("got %+v", r)
	}
}

func TestRandomLivesShowEveryStateFailureAndResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Seed: 7})
		models, ids := map[string]int{}, []string{}
		for range 2000 {
			id, model := s.Create()
			models[model]++
			ids = append(ids, id)
		}
		seen := map[string]int{}
		for _, pause := range []time.Duration{time.Second, 80 * time.Second, 15 * time.Minute} {
			time.Sleep(pause)
			for _, id := range ids {
				note(seen, askTask(t, s, id).record(t))
			}
		}
		want := []string{
			"state waiting", "state queuing", "state generating", "state success", "state fail",
			"urls 1", "urls 2", "urls 3", "urls 4", "urls 5", "urls 6", "empty string", "empty list",
			"object", "plain", "failCode \"\"", "failCode <nil>", "updateTime", "failure charged", "failure refunded",
		}
		for _, f := range s.failures {
			want = append(want, fmt.Sprintf("failure %v %s", jsonValue(f.Code), f.Msg))
		}
		for _, w := range want {
			if seen[w] == 0 {
				t.Errorf("never seen: %s", w)
			}
		}
		if seen["state fail"] > seen["state success"]/5 {
			t.Errorf("%d failures, %d successes", seen["state fail"], seen["state success"])
		}
		for _, m := range s.o.Models {
			if models[m.Name] == 0 {
				t.Errorf("no task of %s", m.Name)
			}
		}
	})
}

// note counts what an answer shows.
func note(seen map[string]int, r shown) {
	seen["state "+r.State]++
	if r.UpdateTime != nil {
		seen["updateTime"]++
	}
	switch r.State {
	case stateFail:
		seen[fmt.Sprintf("failure %v %v", r.FailCode, r.FailMsg)]++
		if *r.CreditsConsumed == 0 {
			seen["failure refunded"]++
		} else {
			seen["failure charged"]++
		}
		return
	case stateSuccess:
		noteResult(seen, r.ResultJSON)
	}
	if r.FailCode == nil {
		seen["failCode <nil>"]++
	} else {
		seen[fmt.Sprintf("failCode %q", r.FailCode)]++
	}
}

func noteResult(seen map[string]int, result any) {
	text, ok := result.(string)
	switch {
	case !ok:
		seen["plain"]++
		return
	case text == "":
		seen["empty string"]++
		return
	case strings.Contains(text, "resultObject"):
		seen["object"]++
		return
	}
	var r struct{ ResultUrls []string }
	if json.Unmarshal([]byte(text), &r) != nil {
		return
	}
	if len(r.ResultUrls) == 0 {
		seen["empty list"]++
	}
	seen[fmt.Sprintf("urls %d", len(r.ResultUrls))]++
}

// jsonValue returns v as a JSON decoder would.
func jsonValue(v any) any {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	return v
}

func TestDurationsAreThoseOfTheirKind(t *testing.T) {
	s := New(Options{})
	for _, m := range s.o.Models {
		var low, high time.Duration
		switch {
		case strings.Contains(m.Name, "speech"):
			low, high = 2*time.Second, 3*time.Second
		case strings.Contains(m.Name, "video-upscale"):
			low, high = 3*time.Minute, 800*time.Second
		case strings.Contains(m.Name, "video"):
			low, high = 56*time.Second, 313*time.Second
		default:
			low, high = 12*time.Second, 113*time.Second
		}
		one := New(Options{Models: []Model{{Name: m.Name, Median: m.Median, Sigma: m.Sigma}}})
		for seq := range uint64(2000) {
			if d := one.draw(entry{seq: seq, created: time.Now()}).Duration; d < low || d > high {
				t.Errorf("%s: %v is not in %v to %v", m.Name, d, low, high)
				break
			}
		}
	}
}
