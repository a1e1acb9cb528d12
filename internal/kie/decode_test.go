// What is read of a task and of a balance.

package kie

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// answered queries the test's task at an API whose data has these members.
func answered(t *testing.T, members string) Answer {
	t.Helper()
	a, err := ask(t, 200, `{"code":200,"msg":"success","data":{`+members+`}}`)
	wantClass(t, err, ClassOK)
	return a
}

func TestDocumentedExampleIsSuccessAfter32Seconds(t *testing.T) {
	a, err := ask(t, 200, documented, "Date", "Tue, 31 Oct 2023 15:17:13 GMT")
	wantClass(t, err, ClassOK)
	want := Answer{
		Task: Task{
			ID: testID, Model: "kling/v2-5-turbo-image-to-video-pro", State: StateSuccess,
			Created: 1698765400000, Updated: 1698765432000, Completed: 1698765432000,
			HasResult: true,
		}, Clock: 1698765433000,
	}
	if a != want {
		t.Errorf("answer %+v, want %+v", a, want)
	}
	if latency, ok := a.Latency(); !ok || latency != 32*time.Second {
		t.Errorf("latency %v %v, want 32s", latency, ok)
	}
}

func TestDataNeedsNothingAndIgnoresUnknownKeys(t *testing.T) {
	a := answered(t, "")
	if a.Clock.IsZero() {
		t.Error("no clock although the server sent a Date")
	}
	if a.Clock = 0; a != (Answer{Task: Task{ID: testID}}) {
		t.Errorf("answer %+v of empty data", a)
	}
	a = answered(t, `"state":"generating","operationType":"x","successFlag":0,"paramJson":"{}","response":{},"costTime":9,"progress":[1]`)
	if a.State != StateGenerating {
		t.Errorf("state %v beside unknown keys", a.State)
	}
}

func TestStateWords(t *testing.T) {
	for want, words := range map[State][]string{
		StateWaiting:    {"waiting", "WAITING", " Waiting "},
		StateQueuing:    {"queuing", "pending", "wait", "queued", "queueing", "submitted", "IN_QUEUE", "in queue", "scheduled", "not-started"},
		StateGenerating: {"generating", "processing", "running", "IN_PROGRESS", "in-progress", "In Progress", "inProgress", "starting", "started"},
		StateSuccess:    {"success", "succeeded", "completed", "succeed", "done", "finished", "SUCCESS", "Complete"},
		StateFail: {
			"fail", "failed", "error", "cancelled", "canceled", "aborted", "expired", "timeout", "Fail", "CANCELED", "timed_out", "time-out", "Timed Out", "failure",
		},
		StateUnknown: {
			"", " ", "dreaming", "cancelling", "canceling", "aborting", "expiring", "completing", "finishing", "unfinished", "incomplete", "not_done",
			"unsuccessful", "FIRST_SUCCESS", "text success", "successfully started", "partial", strings.Repeat("-", 1<<20) + "success",
		},
	} {
		for _, word := range words {
			if a := answered(t, fmt.Sprintf(`"state":%q`, word)); a.State != want {
				t.Errorf("%.50q: state %v, want %v", word, a.State, want)
			}
		}
	}
	for _, form := range []string{"null", "7", "{}", "[]", "true"} {
		if a := answered(t, `"state":`+form); a.State != StateUnknown {
			t.Errorf("%s: state %v, want unknown", form, a.State)
		}
	}
}

func TestAnUnknownStatesWordIsFitToBeLogged(t *testing.T) {
	long := strings.Repeat("dream", 40)
	for word, want := range map[string]string{
		`"dreaming"`: "dreaming", `" day-dreaming of_it "`: "day-dreaming of_it", `"träumend"`: "träumend", `"waiting"`: "", `"success"`: "", `""`: "", `" "`: "", `null`: "", `{}`: "",
		`"` + long + `"`: long[:40] + "…", `"a\nb"`: "(not a word)", `"sk_123"`: "(not a word)", `"https://example.com"`: "(not a word)", `7`: "(not a word)",
		`"a\u001b[31m"`: "(not a word)", `"\ud800"`: "(not a word)",
	} {
		if a := answered(t, `"state":`+word); a.Word != want {
			t.Errorf("%.50s: word %q, want %q", word, a.Word, want)
		}
	}
}

func TestExactKeyWinsOverItsLikes(t *testing.T) {
	for _, members := range []string{
		`"state":"success","STATE":"waiting","State":"fail"`,
		`"STATE":"waiting","State":"fail","state":"success"`,
		`"state":"waiting","state":"success"`, // twice: the last one, as everywhere in JSON
	} {
		if a := answered(t, members); a.State != StateSuccess {
			t.Errorf("%s: state %v, want success", members, a.State)
		}
	}
	if a := answered(t, `"STATE":"success"`); a.State != StateUnknown {
		t.Errorf("state %v read from another key", a.State)
	}
}

func TestTimesAreReadOrAbsent(t *testing.T) {
	for form, want := range map[string]Time{
		`1698765432000`: 1698765432000, `"1698765432000"`: 1698765432000, `1698765432000.0`: 1698765432000, `1.698765432e12`: 1698765432000,
		`1698765432`: 1698765432000, `"1698765432"`: 1698765432000, `1698765432.0`: 1698765432000, `" 1698765432 "`: 1698765432000,
		`null`: 0, `0`: 0, `""`: 0, `"0"`: 0, `1e3`: 0, `15000.0`: 0, `1698765432.5`: 0, `-1698765432000`: 0, `"-1698765432"`: 0,
		`9223372036854775808`: 0, `1e400`: 0, `"NaN"`: 0, `"Inf"`: 0, `"1_698_765_432"`: 0, `"yesterday"`: 0, `169876543200`: 0, `16987654320000`: 0,
		`9999999999`: 0, `9999999999999`: 0, `true`: 0, `{}`: 0, `[1698765432000]`: 0,
	} {
		a := answered(t, `"state":"success","createTime":`+form+`,"updateTime":`+form+`,"completeTime":`+form)
		if a.Created != want || a.Updated != want || a.Completed != want {
			t.Errorf("%s: created %d, updated %d, completed %d, want %d", form, a.Created, a.Updated, a.Completed, want)
		}
	}
}

func TestTimesBeyondADayAheadAreAbsent(t *testing.T) {
	body := `{"code":200,"data":{"state":"success","createTime":1704067200000,"completeTime":%d}}`
	for _, offset := range []time.Duration{-23 * time.Hour, 0, 23 * time.Hour} {
		date := time.Now().Add(offset).Truncate(time.Second)
		latest := TimeOf(date.Add(24 * time.Hour))
		for completed, want := range map[Time]Time{latest: latest, latest + 1: 0, 9999999999999: 0} {
			a, err := ask(t, 200, fmt.Sprintf(body, completed), "Date", date.UTC().Format(http.TimeFormat))
			wantClass(t, err, ClassOK)
			if a.Completed != want {
				t.Errorf("completed %d by the API's clock, want %d", a.Completed, want)
			}
		}
	}
	// With a Date that can't be right the local clock is the measure.
	for ahead, present := range map[time.Duration]bool{23 * time.Hour: true, 25 * time.Hour: false} {
		for _, date := range []string{"Mon, 01 Jan 2024 00:00:00 GMT", "Fri, 01 Jan 2044 00:00:00 GMT"} {
			a, err := ask(t, 200, fmt.Sprintf(body, time.Now().Add(ahead).UnixMilli()), "Date", date)
			wantClass(t, err, ClassOK)
			if a.Completed.IsZero() == present {
				t.Errorf("completed %v ahead, %s: %v", ahead, date, a.Completed.Time())
			}
		}
	}
	// Without a Date header it is as well.
	for ahead, present := range map[time.Duration]bool{23 * time.Hour: true, 25 * time.Hour: false} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil
			answering(200, fmt.Sprintf(body, time.Now().Add(ahead).UnixMilli()))(w, r)
		})
		a, err := c.Record(t.Context(), Jobs, testID)
		wantClass(t, err, ClassOK)
		if a.Completed.IsZero() == present || !a.Clock.IsZero() {
			t.Errorf("%v ahead: completed %d, clock %d", ahead, a.Completed, a.Clock)
		}
	}
}

func TestMalformedOrAncientDateHeaderIsNoClock(t *testing.T) {
	for _, date := range []string{"yesterday", "Mon, 01 Jan 1900 00:00:00 GMT"} {
		a, err := ask(t, 200, documented, "Date", date)
		wantClass(t, err, ClassOK)
		if !a.Clock.IsZero() || a.Completed.IsZero() {
			t.Errorf("Date %s: clock %d, completed %d", date, a.Clock, a.Completed)
		}
	}
}

func TestStateWinsOverTimes(t *testing.T) {
	for _, state := range []string{"waiting", "queuing", "generating", "dreaming", ""} {
		a := answered(t, fmt.Sprintf(`"state":%q,"createTime":1698765400000,"completeTime":1698765432000`, state))
		if !a.Completed.IsZero() || a.Created != 1698765400000 {
			t.Errorf("%q: completed %d, created %d", state, a.Completed, a.Created)
		}
		if _, ok := a.Latency(); ok {
			t.Errorf("%q has a latency", state)
		}
	}
}

func TestNoLatencyFromTimesThatCannotBe(t *testing.T) {
	for _, members := range []string{
		`"createTime":1698765432000,"completeTime":1698765400000`,
		`"createTime":1698765432000,"completeTime":null`,
		`"completeTime":1698765432000`,
		`"createTime":0,"completeTime":1698765432000,"costTime":15`,
		`"createTime":1698765432000,"completeTime":9999999999999`,
		``,
	} {
		a := answered(t, strings.TrimSuffix(`"state":"fail",`+members, ","))
		if latency, ok := a.Latency(); ok || a.State != StateFail {
			t.Errorf("%s: latency %v of a task in state %v", members, latency, a.State)
		}
	}
	a := answered(t, `"state":"fail","createTime":1698765400,"completeTime":"1698765432000"`)
	if latency, ok := a.Latency(); !ok || latency != 32*time.Second {
		t.Errorf("latency %v from seconds and milliseconds, want 32s", latency)
	}
}

func TestFailCodeIsBoundedAndOnlyOfFailures(t *testing.T) {
	for form, want := range map[string]string{
		`""`: "", `null`: "", `" "`: "",
		`"500"`: "500", `500`: "500", `500.0`: "500", `5e2`: "500", `"422"`: "422", `"GENERATION_FAILED"`: "GENERATION_FAILED", `" 501 "`: "501",
		`"generation failed"`: "other", `"a\nb"`: "other", `-5`: "other", `5.5`: "other", `"é"`: "other", `"\ud800"`: "other",
		`"` + strings.Repeat("X", 32) + `"`: strings.Repeat("X", 32), `"` + strings.Repeat("X", 33) + `"`: "other",
		`"` + strings.Repeat("7", 10<<10) + `"`: "other", `1e300`: "other",
	} {
		if a := answered(t, `"state":"fail","failCode":`+form); a.FailCode != want {
			t.Errorf("%.50s: fail code %q, want %q", form, a.FailCode, want)
		}
		for _, state := range []string{"success", "waiting", "dreaming"} {
			if a := answered(t, fmt.Sprintf(`"state":%q,"failCode":%s`, state, form)); a.FailCode != "" || a.Reason != ReasonNone {
				t.Errorf("%s with fail code %q and reason %v", state, a.FailCode, a.Reason)
			}
		}
	}
	if a := answered(t, `"state":"fail"`); a.FailCode != "" || a.Reason != ReasonNone {
		t.Errorf("fail code %q, reason %v of a failure that names none", a.FailCode, a.Reason)
	}
}

func TestCreditsConsumedAreKnownOrUnknownButNeverGuessed(t *testing.T) {
	for form, want := range map[string]float64{`0.0`: 0, `12.5`: 12.5, `7`: 7, `"3.5"`: 3.5, `1e2`: 100, `-0.0`: 0} {
		a := answered(t, `"state":"success","creditsConsumed":`+form)
		if !a.HasCredits || a.Credits != want || math.Signbit(a.Credits) {
			t.Errorf("%s: credits %v %v, want %v", form, a.Credits, a.HasCredits, want)
		}
	}
	for _, form := range []string{`null`, `""`, `-1`, `"NaN"`, `"Inf"`, `1e400`, `{}`, `[1]`, `true`, `"0x10"`} {
		if a := answered(t, `"state":"success","creditsConsumed":`+form); a.HasCredits || a.Credits != 0 {
			t.Errorf("%s: credits %v, want unknown", form, a.Credits)
		}
	}
	if a := answered(t, `"state":"generating","creditsConsumed":4`); !a.HasCredits || a.State.Finished() {
		t.Errorf("in flight: %+v", a)
	}
	if a := answered(t, `"state":"success"`); a.HasCredits {
		t.Error("credits known that were not told")
	}
}

func TestOnlyAnEmptyResultIsNone(t *testing.T) {
	for form, want := range map[string]bool{
		`""`: false, `null`: false, `" "`: false, `{}`: false, `[]`: false, `"{}"`: false, `"[]"`: false, `"null"`: false, `"\"\""`: false,
		`{"resultUrls":[]}`: false, `"{\"resultUrls\":[]}"`: false, `"{ \"resultUrls\" : [ ] }"`: false,
		`{"resultUrls":[""]}`: false, `{"resultUrls":["",null]}`: false, `{"resultUrls":null}`: false, `{"resultUrls":""}`: false,
		`{"resultObject":{}}`: false, `{"resultObject":null}`: false, `{"resultUrls":[],"resultObject":{ }}`: false,
		`{"resultUrls":[],"resultWaterMarkUrls":[]}`: false, `"{\"resultUrls\":[],\"resultWaterMarkUrls\":[]}"`: false,
		`{"resultUrls":[],"firstFrameUrl":"","lastFrameUrl":""}`: false, `{"resultUrls":[],"lastFrameUrl":null}`: false,
		`{"resultObject":{"text":""}}`: false, `{"resultObject":[1]}`: false, `[[],[{}],[[""]]]`: false, `7`: false, `true`: false,
		jsonIn(`{"resultUrls":[]}`, 2): false, jsonIn(`{"resultUrls":[""]}`, 3): false, jsonIn(`""`, 4): false,
		`{"resultJson":"{\"resultUrls\":[]}"}`: false, `{"data":{"resultJson":""}}`: false,
		// An envelope within, which tells of an error or of nothing.
		`{"code":500,"msg":"Internal Error","data":null}`: false, `"{\"code\":500,\"msg\":\"Internal Error\"}"`: false,
		`{"code":422,"message":"recordInfo is null","data":{"taskId":"x"}}`: false, `{"data":null,"msg":"success","code":200}`: false,
		`{"code":"501","msg":"failed"}`: false, `{"code":"GENERATION_FAILED","message":"no"}`: false, `{"error":"no"}`: false,
		`{"error":{"code":500,"message":"no"},"requestId":"x"}`: false, `{"success":false,"message":"no"}`: false,
		`{"errors":[{"message":"no"}],"requestId":"x"}`: false, `{"error_msg":"no"}`: false, `{"errMessage":"no"}`: false, `{"failReason":"no"}`: false,
		`{"status":"failed","message":"no"}`: false, `{"errorCode":5,"errorMessage":"no"}`: false, `{"resultObject":{"code":500,"msg":"no"}}`: false,

		`{"resultUrls":["https://example.com/1.jpg"]}`: true, `"{\"resultUrls\":[\"https://example.com/1.jpg\"]}"`: true,
		`{"resultUrls":["","https://example.com/2.jpg"]}`: true, `{"resultUrls":"https://example.com/1.jpg"}`: true,
		`{"resultUrls":[],"resultObject":{"text":"hello"}}`: true, `{"resultObject":{"answer":"7"}}`: true,
		`{"videoUrl":"https://example.com/1.mp4"}`: true, `["https://example.com/1.jpg"]`: true, `[{"url":"x"}]`: true,
		`"https://example.com/1.jpg"`: true, `"{truncated"`: true, `"7"`: true, `"hello"`: true,
		`{"state":"done"}`: true, `{"resultUrls":[],"lastFrameUrl":"x"}`: true, `{"message":"hello"}`: true, `{"resultObject":{"code":"print(1)"}}`: true,
		jsonIn(`{"resultUrls":["x"]}`, 2): true, jsonIn(`{"resultUrls":["x"]}`, 4): true,
		`{"code":200,"msg":"success","data":{"resultUrls":["x"]}}`: true, `{"error":null,"resultUrls":["x"]}`: true, `{"error":"","url":"x"}`: true,
		`{"errorCode":"0","errorMsg":"ok","url":"x"}`: true, `{"error":{"code":0,"message":""},"url":"x"}`: true, `{"failCode":"0","failMsg":"","url":"x"}`: true,
		`{"code":"SUCCESS","message":"done","url":"x"}`: true, `{"code":201,"msg":"created","url":"x"}`: true, `{"error":"none","errors":[],"url":"x"}`: true,
		`{"errorCode":0,"url":"x"}`: true, `{"success":true,"url":"x"}`: true, `[{"code":500,"msg":"no"},"https://example.com/2.jpg"]`: true,
	} {
		for name, members := range map[string]string{
			"resultJson": `"resultJson":` + form, "response": `"response":` + form,
			"both": `"resultJson":"","response":` + form, "the other": `"response":{},"resultJson":` + form,
		} {
			if a := answered(t, `"state":"success",`+members); a.HasResult != want {
				t.Errorf("%s %.80s: result %v, want %v", name, form, a.HasResult, want)
			}
		}
	}
	if a := answered(t, `"state":"success"`); a.HasResult {
		t.Error("a result that was not told")
	}
}

// jsonIn puts JSON into a string in a string and so on.
func jsonIn(raw string, depth int) string {
	for range depth {
		quoted, err := json.Marshal(raw)
		if err != nil {
			panic(err)
		}
		raw = string(quoted)
	}
	return raw
}

func TestAResultOfAnyDepthIsRead(t *testing.T) {
	deep := strings.Repeat("[", 9_000) + `"x"` + strings.Repeat("]", 9_000)
	if a := answered(t, `"state":"success","resultJson":`+deep); !a.HasResult {
		t.Error("no result in 9,000 lists")
	}
	if a := answered(t, `"state":"success","resultJson":`+jsonIn(deep, 3)); !a.HasResult {
		t.Error("no result in 9,000 lists in a string")
	}
}

func TestAnswerAboutAnotherTaskIsRefused(t *testing.T) {
	for _, code := range []int{200, 408, 501} {
		a, err := ask(t, 200, fmt.Sprintf(`{"code":%d,"data":{"taskId":"another","state":"success"}}`, code))
		wantClass(t, err, ClassMismatch)
		if a != (Answer{}) {
			t.Errorf("code %d: answer %+v about another task", code, a)
		}
	}
	for _, same := range []string{`"` + testID + `"`, `""`, `null`} {
		if a := answered(t, `"state":"success","taskId":`+same); a.State != StateSuccess {
			t.Errorf("taskId %s: state %v", same, a.State)
		}
	}
}

func TestFailureInTheEnvelopeComesWithWhatIsKnown(t *testing.T) {
	for body, want := range map[string]Answer{
		`{"code":501,"msg":"failed"}`:               {Task: Task{FailCode: "501", Reason: ReasonUpstream}},
		`{"code":408,"data":null}`:                  {Task: Task{FailCode: "408", Reason: ReasonTimeout}},
		`{"code":"408","data":[]}`:                  {Task: Task{FailCode: "408", Reason: ReasonTimeout}},
		`{"code":501,"data":"x"}`:                   {Task: Task{FailCode: "501", Reason: ReasonUpstream}},
		`{"code":501,"data":{"failMsg":"strange"}}`: {Task: Task{FailCode: "501", Reason: ReasonUpstream}},
		`{"code":501,"data":{"taskId":"task_12345678","state":"success","failCode":"500","failMsg":"nsfw","model":"m",
			"createTime":1698765400000,"completeTime":1698765432000,"creditsConsumed":0.5}}`: {
			Task: Task{
				FailCode: "501", Reason: ReasonContentPolicy, Model: "m", Created: 1698765400000, Completed: 1698765432000,
				Credits: 0.5, HasCredits: true,
			},
		},
	} {
		a, err := ask(t, 200, body)
		wantClass(t, err, ClassTaskFailed)
		want.ID, want.State, want.Clock = testID, StateFail, a.Clock
		if a != want || a.Clock.IsZero() {
			t.Errorf("%s: answer %+v, want %+v", body, a, want)
		}
	}
}

func TestModelIsFitToBeALabel(t *testing.T) {
	for form, want := range map[string]string{
		`"kling/v2"`: "kling/v2", `null`: "", `{}`: "", `["m"]`: "", "\"a\xffb\"": "a\ufffdb", `"\ud800"`: "\ufffd",
		`"a\n\"b\"\\\u0000\u001b"`: `a"b"\`, `"` + strings.Repeat("m", 1<<20) + `"`: strings.Repeat("m", 128),
	} {
		if a := answered(t, `"model":`+form); a.Model != want {
			t.Errorf("%.50s: model %q, want %q", form, a.Model, want)
		}
	}
}

func TestBalanceIsABareNumber(t *testing.T) {
	for data, want := range map[string]float64{
		`5916.25`: 5916.25, `7`: 7, `0`: 0, `"12.5"`: 12.5, `"12"`: 12, `1e3`: 1000,
		`-18.5`: -18.5, `"-18.5"`: -18.5, `-1e-3`: -0.001, `1e300`: 1e300, `-1e12`: -1e12, `-0.0`: 0,
	} {
		got, err := serve(t, answering(200, `{"code":200,"msg":"success","data":`+data+`}`)).Credit(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: balance %v (%v), want %v", data, got, err, want)
		}
		if got == 0 && math.Signbit(got) {
			t.Errorf("%s: balance −0", data)
		}
	}
	for body, want := range map[string]Class{
		`{"code":200,"data":null}`: ClassDecode, `{"code":200}`: ClassDecode, `{"code":200,"data":{}}`: ClassDecode, `{"code":200,"data":[5]}`: ClassDecode,
		`{"code":200,"data":-1e400}`: ClassDecode, `{"code":200,"data":"-Infinity"}`: ClassDecode, `{"code":200,"data":"NaN"}`: ClassDecode, `{"code":200,"data":1e400}`: ClassDecode, `{"code":200,"data":""}`: ClassDecode,
		`{"code":401,"data":5}`: ClassAuth, `{"code":433}`: ClassKeyLimit, `{"code":429}`: ClassRateLimited, `{"code":500}`: ClassServer, ``: ClassDecode,
	} {
		got, err := serve(t, answering(200, body)).Credit(t.Context())
		if ClassOf(err) != want || got != 0 {
			t.Errorf("%s: balance %v, class %v, want %v", body, got, ClassOf(err), want)
		}
	}
}

func TestUnknownKeysCostNoMemory(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"code":200,"data":{"state":"success"`)
	for i := range 10_000 {
		fmt.Fprintf(&b, `,"%x":1`, i)
	}
	b.WriteString("}}")
	r := reply{status: 200, body: []byte(b.String())}
	var data object
	if err := json.Unmarshal(openEnvelope(r.body).data, &data); err != nil || len(data) != 2 {
		t.Fatalf("%d entries (%v), want the state and one for all others", len(data), err)
	}
	if a, err := r.record(&endpoints[Jobs].task, testID); err != nil || a.State != StateSuccess {
		t.Errorf("answer %+v, %v", a, err)
	}
}

// FuzzRecordAnswer: of every endpoint, the class is the one that status and code say when read in the plainest way, nothing is answered beside an
// error, and an answer has only labels that are clean and values that can be.
func FuzzRecordAnswer(f *testing.F) {
	f.Add([]byte(documented), 200)
	for _, seed := range []string{
		`{"code":501,"data":{"failMsg":"nsfw"}}`, `{"code":422,"msg":"recordInfo is null"}`, `{"code":"200","data":{"taskId":7}}`, `{"code":200,"data":[]}`,
		`{"code":200,"data":{"state":"fail","failCode":500,"failMsg":"timed out","createTime":"1698765400","completeTime":1698765432000,"creditsConsumed":"1e2"}}`,
		`{"code":200,"data":{"state":"waiting","completeTime":1698765432000,"model":" a\u0000\ud800","resultJson":"{\"resultUrls\":[\"\"]}"}}`,
		"", "null", "[[[[", "<html>", "{\"code\":200,\"data\":{\"STATE\":\"fail\",\"state\":\"\xff\"}}",
	} {
		f.Add([]byte(seed), 200)
		f.Add([]byte(seed), 501)
		f.Add([]byte(seed), 302)
	}
	for _, seed := range []string{
		`{"code":200,"data":{"status":"CALLBACK_EXCEPTION","param":"{\"model\":\"V4_5\"}","response":{"sunoData":[7,{"audioUrl":"x"}]}}}`,
		`{"code":200,"data":{"successFlag":1,"createTime":"2025-06-06 10:25:00","completeTime":"2025-06-06 10:25:09","resultInfoJson":"{\"resultUrls\":[{"}}`,
		`{"code":200,"data":{"status":"SENSITIVE_WORD_ERROR","errorCode":null,"paramJson":{"model":7}}}`,
	} {
		f.Add([]byte(seed), 200)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		for _, row := range endpoints {
			if row.id == "" {
				continue
			}
			r := reply{status: status, body: body}
			a, err := r.record(&row.task, testID)
			checkClass(t, r, ClassOf(err))
			if err != nil && ClassOf(err) != ClassTaskFailed {
				if a != (Answer{}) {
					t.Errorf("answer %+v beside %v", a, err)
				}
				continue
			}
			checkAnswer(t, a)
			if ClassOf(err) == ClassTaskFailed && (a.State != StateFail || a.FailCode != "408" && a.FailCode != "501") {
				t.Errorf("%s: task_failed with state %v and fail code %q", row.name, a.State, a.FailCode)
			}
		}
	})
}

// FuzzBalance: a balance is a finite number, just the one in the plainest reading of the envelope where that has one, and 0 beside
// an error, which has a class. Without an envelope there is no balance, and no class but those that say nothing of the account.
func FuzzBalance(f *testing.F) {
	for _, seed := range []string{
		`{"code":200,"msg":"success","data":5916.25}`, `{"code":200,"data":"12.5"}`, `{"code":200,"data":-18.5}`, `{"code":200,"data":1e400}`,
		`{"code":200,"data":-1e308}`, `{"code":401}`, `{"code":200,"data":{}}`, "", "null", "<html>", `{"message":"insufficient credits"}`,
	} {
		f.Add([]byte(seed), 200)
		f.Add([]byte(seed), 402)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		r := reply{status: status, body: body}
		balance, err := r.credit()
		switch {
		case math.IsNaN(balance), math.IsInf(balance, 0), err != nil && balance != 0:
			t.Errorf("balance %v, error %v", balance, err)
		case err == nil && status/100 == 3:
			t.Errorf("a balance of HTTP status %d", status)
		}
		if _, classed := errors.AsType[*Error](err); err != nil && !classed {
			t.Errorf("error without a class: %v", err)
		}
		checkClass(t, r, ClassOf(err))
		var plain map[string]any
		if json.Unmarshal(body, &plain) != nil || status/100 == 3 {
			return
		}
		if left, ok := plain["data"].(float64); ok && plain["code"] == 200.0 && (err != nil || balance != left) {
			t.Errorf("balance %v (%v), want %v", balance, err, left)
		}
	})
}

// checkClass reads code and status in the plainest way and compares.
func checkClass(t *testing.T, r reply, got Class) {
	t.Helper()
	var plain map[string]any
	isObject := json.Unmarshal(r.body, &plain) == nil
	code, plainly := plain["code"].(float64)
	switch {
	case (got == ClassRedirect) != (r.status/100 == 3):
		t.Errorf("class %v of HTTP status %d", got, r.status)
	case got == ClassRedirect:
	case got == ClassTransport, got == ClassTimeout, got == ClassTooLarge:
		t.Errorf("class %v of a whole reply", got)
	case !isObject && r.status/100 == 2 && got != ClassDecode:
		t.Errorf("class %v of HTTP status %d without an object", got, r.status)
	case r.status/100 != 2 && plain["code"] == nil && got != foreignClass(r.status):
		t.Errorf("class %v of HTTP status %d without an envelope", got, r.status)
	case plainly && isGRPC(code) && got == ClassDecode: // of a gateway
	case plainly && code != 200 && (got == ClassOK || got == ClassDecode && code == math.Trunc(code) && math.Abs(code) < 1e9):
		t.Errorf("class %v of code %v", got, code)
	case plainly && code == 200 && got != ClassOK && got != ClassNotFound && got != ClassDecode && got != ClassMismatch:
		t.Errorf("class %v of code 200", got)
	}
}

// foreignClass is what a status means that is not the API's.
func foreignClass(status int) Class {
	switch status {
	case 401:
		return ClassAuth
	case 429:
		return ClassRateLimited
	}
	return ClassServer
}

// checkAnswer asserts what holds of every answer.
func checkAnswer(t *testing.T, a Answer) {
	t.Helper()
	latency, _ := a.Latency()
	limit := TimeOf(time.Now().Add(25 * time.Hour))
	switch {
	case a.ID != testID:
		t.Errorf("id %q", a.ID)
	case CleanLabel(a.Model) != a.Model, len(a.Model) > 128, !utf8.ValidString(a.Model):
		t.Errorf("model %q is not clean", a.Model)
	case !IsCleanLabel(a.Model), !ValidCode(a.FailCode), !ValidCredits(a.Credits),
		!a.Created.IsZero() && !a.Created.Valid(), !a.Completed.IsZero() && !a.Completed.Valid():
		t.Errorf("not valid by what records are held to: %+v", a)
	case len(a.FailCode) > 32, a.State != StateFail && (a.FailCode != "" || a.Reason != ReasonNone):
		t.Errorf("state %v with fail code %q, reason %v", a.State, a.FailCode, a.Reason)
	case a.FailCode != "" && a.Reason == ReasonNone:
		t.Errorf("fail code %q has no reason", a.FailCode)
	case min(a.Created, a.Updated, a.Completed) < 0, max(a.Created, a.Updated, a.Completed) > limit:
		t.Errorf("times %d, %d, %d", a.Created, a.Updated, a.Completed)
	case latency < 0:
		t.Errorf("latency %v", latency)
	case a.State != StateUnknown && a.Word != "", len(a.Word) > 4*longestState+3, strings.ContainsFunc(a.Word, unicode.IsControl):
		t.Errorf("state %v with the word %q", a.State, a.Word)
	case !a.State.Finished() && (!a.Completed.IsZero() || a.HasResult):
		t.Errorf("state %v, completed %d, result %v", a.State, a.Completed, a.HasResult)
	case !(a.Credits >= 0), math.IsInf(a.Credits, 0), !a.HasCredits && a.Credits != 0:
		t.Errorf("credits %v, known %v", a.Credits, a.HasCredits)
	}
}

func BenchmarkDecode(b *testing.B) {
	body := strings.Replace(documented, "a cat", strings.Repeat("a cat ", 240), 1)
	r := reply{status: 200, clock: 1698765433000, body: []byte(body)}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.record(&endpoints[Jobs].task, testID); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParamIsSkippedWhateverItIs(t *testing.T) {
	for _, param := range []string{`"{broken"`, `{"state":"fail","input":{"prompt":"x"}}`, `7`, `null`, `[[1]]`, `"` + strings.Repeat("x", 1<<20) + `"`} {
		a := answered(t, `"state":"success","param":`+param+`,"createTime":1698765400000,"completeTime":1698765432000`)
		if latency, ok := a.Latency(); a.State != StateSuccess || !ok || latency != 32*time.Second {
			t.Errorf("param %.40s: %+v", param, a)
		}
	}
}

func TestInFlightTasksHaveNoCompletion(t *testing.T) {
	for _, completed := range []string{"null", "1698765432000", "0"} {
		a := answered(t, `"state":"generating","createTime":1698765400000,"completeTime":`+completed)
		if _, ok := a.Latency(); ok || !a.Completed.IsZero() || a.Created != 1698765400000 {
			t.Errorf("completeTime %s: %+v", completed, a)
		}
	}
}

func TestCostTimeIsNotTheLatency(t *testing.T) {
	a := answered(t, `"state":"success","costTime":7,"createTime":1698765400000,"completeTime":1698765432000`)
	if latency, _ := a.Latency(); latency != 32*time.Second {
		t.Errorf("latency %v, want 32s", latency)
	}
}

func TestTaskIDMayBeANumberInTheAnswer(t *testing.T) {
	_, err := ask(t, 200, `{"code":200,"data":{"taskId":123,"state":"success"}}`)
	wantClass(t, err, ClassMismatch)
}

func TestAbsurdCreditsAreUnknown(t *testing.T) {
	for form, known := range map[string]bool{"1e9": true, "1.0e10": false, "1e308": false} {
		if a := answered(t, `"state":"success","creditsConsumed":`+form); a.HasCredits != known {
			t.Errorf("%s: known %v", form, a.HasCredits)
		}
	}
}

func TestRefusalsWithoutData(t *testing.T) {
	for code, class := range map[int]Class{401: ClassAuth, 402: ClassCredits} {
		_, err := ask(t, 200, fmt.Sprintf(`{"code":%d,"msg":"no"}`, code))
		wantClass(t, err, class)
	}
}
