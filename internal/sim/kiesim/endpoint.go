// The endpoints, and for those whose tasks are no jobs their paths, words and shapes.

package kiesim

import (
	"strconv"
	"strings"
	"time"
)

// Endpoint names what is asked for. Empty: a path that the API does not have.
type Endpoint string

// The endpoints, by the names that the exporter's label has.
const (
	RecordInfo Endpoint = "recordInfo" // of jobs
	Credit     Endpoint = "credit"

	ModelHealth Endpoint = "success_rate" // how a model fares

	Playground   Endpoint = "playground" // the older path of jobs
	Suno         Endpoint = "suno"
	Veo          Endpoint = "veo"
	GPT4oImage   Endpoint = "gpt4o_image"
	FluxKontext  Endpoint = "flux_kontext"
	Runway       Endpoint = "runway"
	Aleph        Endpoint = "aleph"
	Midjourney   Endpoint = "midjourney"
	Luma         Endpoint = "luma"
	Lyrics       Endpoint = "lyrics"
	WAV          Endpoint = "wav"
	VocalRemoval Endpoint = "vocal_removal"
	MP4          Endpoint = "mp4"
	MIDI         Endpoint = "midi"
	Cover        Endpoint = "cover"
)

// shape is how an endpoint answers.
type shape struct {
	path     string
	inFlight string               // as in Task
	failed   string               // the word for a failure
	state    string               // the member that tells the state, by a number unless there are words
	param    string               // the member with the request
	times    func(at int64) any   // how times are told; nil: not at all
	result   func(url string) any // the response of a success
	under    string               // the member with that
	nullData bool                 // an id that is not known is answered with null
	models   []Model
}

func shapes() map[Endpoint]shape {
	words := func(path, failed string, result func(url string) any) shape {
		return shape{
			path: path, state: "successFlag", inFlight: "PENDING", failed: failed, param: "param", times: withoutZone, result: result, nullData: true,
		}
	}
	return map[Endpoint]shape{
		Suno: {
			path: "generate/record-info", state: "status", inFlight: "PENDING TEXT_SUCCESS FIRST_SUCCESS", failed: "GENERATE_AUDIO_FAILED",
			param: "param", nullData: true, result: track,
			models: []Model{
				{Name: "V4_5", Weight: 3, Median: 110 * time.Second, Sigma: 0.25, FailureRatio: 0.06, EmptyRatio: 0.01, Credits: 12},
				{Name: "V5", Weight: 1, Median: 140 * time.Second, Sigma: 0.3, FailureRatio: 0.08, Credits: 12},
			},
		},
		Veo: {
			path: "veo/record-info", state: "successFlag", param: "paramJson", times: millis, result: urls("resultUrls"),
			models: []Model{
				{Name: "veo3_fast", Weight: 3, Median: 75 * time.Second, Sigma: 0.3, FailureRatio: 0.1, EmptyRatio: 0.01, Credits: 60},
				{Name: "veo3", Weight: 1, Median: 160 * time.Second, Sigma: 0.3, FailureRatio: 0.1, Credits: 250},
			},
		},
		GPT4oImage: {
			path: "gpt4o-image/record-info", state: "status", inFlight: "GENERATING", failed: "GENERATE_FAILED", param: "paramJson", times: millis,
			result: urls("result_urls"),
		},
		FluxKontext: {path: "flux/kontext/record-info", state: "successFlag", param: "paramJson", times: withZone, result: one("resultImageUrl")},
		Runway: {
			path: "runway/record-detail", state: "state", inFlight: "wait queueing generating", failed: "fail", under: "videoInfo", nullData: true,
			result: one("videoUrl"),
		},
		Aleph:        {path: "aleph/record-info", state: "successFlag", times: millis, result: one("resultVideoUrl"), nullData: true},
		Midjourney:   {path: "mj/record-info", state: "successFlag", times: withZone, result: urls("resultUrls"), under: "resultInfoJson"},
		Luma:         {path: "modify/record-info", state: "successFlag", param: "paramJson", times: millis, result: urls("resultUrls")},
		Lyrics:       {path: "lyrics/record-info", state: "status", inFlight: "PENDING", failed: "GENERATE_LYRICS_FAILED", nullData: true, result: lyrics},
		WAV:          words("wav/record-info", "GENERATE_WAV_FAILED", one("audioWavUrl")),
		VocalRemoval: words("vocal-removal/record-info", "GENERATE_AUDIO_FAILED", one("vocalUrl")),
		MP4:          words("mp4/record-info", "GENERATE_MP4_FAILED", one("videoUrl")),
		MIDI: {
			path: "midi/record-info", state: "successFlag", times: millis, under: "midiData",
			result: func(string) any { return map[string]any{"instruments": []string{"drums"}} },
		},
		Cover: {path: "suno/cover/record-info", state: "successFlag", times: withoutZone, result: urls("images")},
	}
}

func millis(at int64) any { return at / 1000 * 1000 } // rounded as the real ones

func withZone(at int64) any { return time.UnixMilli(at).UTC().Format(time.RFC3339) }

func withoutZone(at int64) any { return time.UnixMilli(at).UTC().Format(time.DateTime) }

func urls(name string) func(url string) any {
	return func(url string) any { return map[string]any{name: []string{url}} }
}

func one(name string) func(url string) any {
	return func(url string) any { return map[string]any{name: url} }
}

func track(url string) any {
	return map[string]any{"sunoData": []any{map[string]any{"id": "track", "audioUrl": url, "modelName": "chirp-auk"}}}
}

func lyrics(url string) any { return map[string]any{"data": []any{map[string]any{"text": url}}} }

// data is the data that tells of a task, as the endpoint shapes it.
func (f shape) data(t Task, rec record) map[string]any {
	d := map[string]any{"taskId": t.ID, f.state: f.word(rec.State)}
	if f.param != "" {
		d[f.param] = param(t.Model)
	}
	if f.times != nil {
		d["createTime"], d["completeTime"] = f.times(rec.CreateTime), nil
		if rec.CompleteTime != nil {
			d["completeTime"] = f.times(*rec.CompleteTime)
		}
	}
	under := f.under
	if under == "" {
		under = "response"
	}
	d[under] = nil
	if rec.State == stateSuccess && !t.EmptyResult {
		d[under] = f.result(resultURL(t.ID, 0))
	}
	code, message := "errorCode", "errorMessage"
	if f.state == "state" { // runway
		code, message = "failCode", "failMsg"
	}
	d[code], d[message] = nil, ""
	if rec.State == stateFail {
		d[code], d[message] = asNumber(t.Fail.Code), t.Fail.Msg
	}
	return d
}

// asNumber makes a text that is a number that number.
func asNumber(code any) any {
	text, _ := code.(string)
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return code
}

// word is how the endpoint calls a state.
func (f shape) word(state string) any {
	switch {
	case f.failed == "" && state == stateSuccess:
		return 1
	case f.failed == "" && state == stateFail:
		return 3
	case f.failed == "":
		return 0
	case state == stateFail:
		return f.failed
	case state == stateSuccess && f.failed != "fail":
		return strings.ToUpper(stateSuccess)
	}
	return state
}

// dataOf returns the data that tells of a task at an age.
func (s *Server) dataOf(t Task, age time.Duration) any {
	f, ok := s.shapes[t.Endpoint]
	if !ok {
		return overlay(s.record(t, age), t.Data)
	}
	if t.InFlight == "" {
		t.InFlight = f.inFlight
	}
	return overlay(f.data(t, s.record(t, age)), t.Data)
}

// unknown returns the answer about an id that an endpoint does not know.
func (s *Server) unknown(e Endpoint, id string) reply {
	switch f := s.shapes[e]; {
	case e == RecordInfo || e == Playground:
		return refuse(codeNoRecord, "recordInfo is null")
	case f.nullData:
		return wrap(envelope{Code: codeOK, Msg: "success"})
	case e == Veo:
		return refuse(codeNoRecord, "Record not found for taskId: "+id)
	}
	return refuse(codeNoRecord, "The record does not exist")
}

// isAt reports whether an endpoint tells of a task.
func (t Task) isAt(e Endpoint) bool {
	if t.Endpoint == "" || t.Endpoint == RecordInfo {
		return e == RecordInfo || e == Playground
	}
	return t.Endpoint == e
}

// endpointAt returns the endpoint that has a path, and whether it tells of tasks.
func (s *Server) endpointAt(path string) (e Endpoint, tasks bool) {
	switch path {
	case "/api/v1/jobs/recordInfo":
		return RecordInfo, true
	case "/api/v1/playground/recordInfo":
		return Playground, true
	case "/api/v1/chat/credit":
		return Credit, false
	}
	for e, f := range s.shapes {
		if path == "/api/v1/"+f.path {
			return e, true
		}
	}
	return "", false
}

// callback returns what the API posts about a task of the endpoint whose data it is.
func (f shape) callback(e Endpoint, id string, data map[string]any, stage string) any {
	code := codeOK
	if data[f.state] == f.word(stateFail) {
		code = codeGenerationFailed
	}
	body := map[string]any{"code": code, "msg": "All generated successfully."}
	switch e {
	case Aleph:
		body["taskId"], body["data"] = id, data["response"] // beside the data
	case Runway:
		body["data"] = map[string]any{"task_id": id, "video_url": "", "image_url": ""}
	case Suno:
		body["data"] = map[string]any{"callbackType": stage, "task_id": id, "data": []any{}}
	default:
		body["data"] = map[string]any{"taskId": id, "info": data["response"]}
	}
	return body
}
