// What a request is answered.

package kiesim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"
	"time"
)

// The codes of envelopes that the simulated API gives by itself.
const (
	codeOK          = 200
	codeBadRequest  = 400
	codeAuth        = 401
	codeCredits     = 402
	codeNotFound    = 404
	codeNoRecord    = 422
	codeRateLimited = 429
	codeMaintenance = 455

	codeGenerationFailed = 501
)

// reply is an answer, complete but for the headers that every answer has.
type reply struct {
	status int
	code   int // of the envelope; without one the status, without an answer 0
	header http.Header
	body   []byte
	cut    bool // the connection ends without a whole answer
}

// envelope is the body of almost every answer.
type envelope struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
	Data any    `json:"data,omitempty"`
}

// refuse returns an envelope without data. Like the real API it leaves out the key where access is the problem.
func refuse(code int, msg string) reply {
	e := envelope{Code: code, Msg: msg, Data: json.RawMessage("null")}
	if code == codeAuth || code == codeCredits {
		e.Data = nil
	}
	return wrap(e)
}

// accept returns an envelope with data.
func accept(data any) reply {
	return wrap(envelope{Code: codeOK, Msg: "success", Data: data})
}

func wrap(e envelope) reply {
	return reply{status: http.StatusOK, code: e.Code, body: []byte(toJSON(e))}
}

// reply settles what the request n is answered, and returns when the answer is due. Faults come before anything else. Access is
// judged when the request comes, the task's state when the answer goes.
func (s *Server) reply(r *http.Request, n arrival) reply {
	f := s.faultFor(n)
	if f.Hang {
		<-r.Context().Done()
		return reply{cut: true}
	}
	rep, settled := f.reply()
	if !settled {
		rep, settled = s.deny(r, n)
	}
	if !wait(r.Context(), s.latency(n)+f.Delay) {
		return reply{cut: true}
	}
	if !settled {
		rep = s.answer(n)
	}
	rep.header = f.Header
	return rep
}

// deny returns the answer to a request that has no access, if it has none.
func (s *Server) deny(r *http.Request, n arrival) (rep reply, denied bool) {
	if n.Endpoint == "" || r.Method != http.MethodGet {
		rep = refuse(codeNotFound, "Not Found")
		rep.status = http.StatusNotFound
		return rep, true
	}
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || !s.accepts(key) {
		return refuse(codeAuth, "You do not have access permissions"), true
	}
	code, refusing := s.refusal(n.At)
	switch {
	case refusing && code == codeMaintenance:
		return refuse(code, "The service is under maintenance"), true
	case refusing, !s.admit(key, n.At):
		return refuse(codeRateLimited, "Your call frequency is too high. Please try again later."), true
	}
	return reply{}, false
}

// accepts reports whether the key is accepted.
func (s *Server) accepts(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return key != "" && (len(s.keys) == 0 || s.keys[key])
}

// answer answers a request that has access.
func (s *Server) answer(n arrival) reply {
	if n.Endpoint == Credit {
		return accept(s.balance())
	}
	if n.Endpoint == ModelHealth {
		return s.health(n)
	}
	if n.ID == "" {
		return refuse(codeBadRequest, "taskId is required")
	}
	t, ok := s.task(n.ID)
	age := time.Since(t.Created)
	switch {
	case !ok || age < s.o.Grace || !t.isAt(n.Endpoint):
		return s.unknown(n.Endpoint, n.ID)
	case t.Raw != "":
		return reply{status: http.StatusOK, code: codeOK, body: []byte(t.Raw)}
	}
	return accept(s.dataOf(t, age))
}

// record is the data that tells of a task. The last keys are undocumented, as some of the real answers' are.
type record struct {
	TaskID     string `json:"taskId"`
	Model      string `json:"model"`
	State      string `json:"state"`
	Param      string `json:"param"`
	ResultJSON any    `json:"resultJson"`
	failMembers
	CompleteTime    *int64   `json:"completeTime"`
	CreateTime      int64    `json:"createTime"`
	UpdateTime      int64    `json:"updateTime,omitempty"`
	CostTime        int64    `json:"costTime"`
	CreditsConsumed *float64 `json:"creditsConsumed"`
	OperationType   string   `json:"operationType"`
	Progress        any      `json:"progress"`
}

// failMembers say how a task failed, or what is there while it has not: texts that are empty, or null.
type failMembers struct {
	FailCode any `json:"failCode"`
	FailMsg  any `json:"failMsg"`
}

// record returns what there is to tell of a task at an age. The credits of a task in flight are more than those in the end.
func (s *Server) record(t Task, age time.Duration) record {
	lifetime := s.lifetime(t)
	rec := record{
		TaskID: t.ID, Model: t.Model, State: t.state(age, lifetime), Param: param(t.Model), ResultJSON: "",
		failMembers: failMembers{"", ""}, CreateTime: t.Created.Add(s.o.ClockOffset).UnixMilli(),
		CreditsConsumed: new(t.Credits + 1), OperationType: "createTask",
	}
	if t.Quirks.has(QuirkNullCode) {
		rec.failMembers = failMembers{}
	}
	if rec.State == stateSuccess || rec.State == stateFail {
		rec.CompleteTime, rec.CreditsConsumed = new(rec.CreateTime+lifetime.Milliseconds()), &t.Credits
	}
	switch rec.State {
	case stateSuccess:
		rec.ResultJSON, rec.CostTime = result(t), int64(lifetime.Seconds())
	case stateFail:
		rec.failMembers = failMembers{t.Fail.Code, t.Fail.Msg}
	}
	if t.Quirks.has(QuirkUpdateTime) {
		rec.UpdateTime = rec.CreateTime
		if rec.CompleteTime != nil {
			rec.UpdateTime = *rec.CompleteTime
		}
	}
	if t.Quirks.has(QuirkNoCredits) {
		rec.CreditsConsumed = nil
	}
	return rec
}

// lifetime returns how long a task's life is in real time; negative: it never finishes.
func (s *Server) lifetime(t Task) time.Duration {
	if t.Duration <= 0 {
		return t.Duration
	}
	return time.Duration(float64(t.Duration) / s.o.Speed)
}

// overlay puts a scripted task's own keys over those of its record.
func overlay(rec any, own map[string]any) any {
	if len(own) == 0 {
		return rec
	}
	data := map[string]any{}
	if err := json.Unmarshal([]byte(toJSON(rec)), &data); err != nil {
		panic(err)
	}
	maps.Copy(data, own)
	return data
}

// param is the request that created the task, as a string of JSON.
func param(model string) string {
	type input struct {
		Prompt   string `json:"prompt"`
		ImageURL string `json:"image_url"`
	}
	return toJSON(struct {
		Model       string `json:"model"`
		CallBackURL string `json:"callBackUrl"`
		Input       input  `json:"input"`
	}{model, "https://hooks.example.com/" + Canary, input{Canary + ", oil on canvas", imageURL}})
}

// result is the resultJson of a success.
func result(t Task) any {
	var v any
	switch {
	case t.EmptyResult && !t.Quirks.has(QuirkEmptyList):
		return ""
	case t.EmptyResult:
		v = map[string]any{"resultUrls": []string{}}
	case t.Quirks.has(QuirkResultObject):
		v = map[string]any{"resultObject": map[string]any{"url": resultURL(t.ID, 0), "mask": true}}
	default:
		urls := make([]string, max(t.Results, 1))
		for i := range urls {
			urls[i] = resultURL(t.ID, i)
		}
		v = map[string]any{"resultUrls": urls}
	}
	if t.Quirks.has(QuirkPlainResult) {
		return v
	}
	return toJSON(v)
}

// toJSON encodes what can be encoded. Only a scripted task's Data may not be, which is its test's mistake.
func toJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func resultURL(id string, i int) string {
	return fmt.Sprintf("https://files.example.com/%s/%s-%d.bin", Canary, id, i)
}

// latency draws how long the answer to request n takes.
func (s *Server) latency(n arrival) time.Duration {
	d := s.o.Latency
	if s.o.RealisticLatency {
		// 0.3365 sigmas put the 99th percentile of this median at 0.7 s.
		d += time.Duration(0.32 * math.Exp(0.3365*s.rand(streamRequests, n.number).NormFloat64()) * float64(time.Second))
	}
	return d
}

// write sends the answer with the API's own date and a new session cookie.
func (s *Server) write(w http.ResponseWriter, number uint64, rep reply) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Date", s.clock().UTC().Format(http.TimeFormat))
	h.Set("Set-Cookie", fmt.Sprintf("session=%032x; Path=/; HttpOnly", number+1))
	for k, v := range rep.header {
		h[http.CanonicalHeaderKey(k)] = v
	}
	w.WriteHeader(rep.status)
	// A client that is gone misses its answer, which is its own business.
	_, _ = w.Write(rep.body)
}

// wait returns after d, or false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
