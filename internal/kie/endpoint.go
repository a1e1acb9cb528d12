// What the API can be asked, and how it answers: a table with a row for each endpoint.

package kie

import (
	"cmp"
	"maps"
)

// Endpoint is a thing that the API can be asked. The zero one is Jobs.
type Endpoint uint8

// The endpoints. A new one is a constant here, right before EndpointCount as the numbers are in the store's records, and a row below; one
// that tells of tasks needs no code. CONTRIBUTING.md ("A new endpoint") lists the other files.
const (
	Jobs   Endpoint = iota // what was made with createTask
	Credit                 // the account's balance, which is no task
	Playground
	Suno
	Veo
	GPT4oImage
	FluxKontext
	Runway
	Aleph
	Midjourney
	Luma
	Lyrics
	WAV
	VocalRemoval
	MP4
	MIDI
	Cover
	ModelHealth // how a model fares, which is no task
	EndpointCount
)

// Endpoints returns every endpoint.
func Endpoints() (all []Endpoint) {
	for e := range EndpointCount {
		all = append(all, e)
	}
	return all
}

// String returns the endpoint's name, which is the value of the label endpoint.
func (e Endpoint) String() string { return endpoints[e].name }

// Word returns how users name the endpoint; empty: it is asked about no task.
func (e Endpoint) Word() string {
	if endpoints[e].id == "" {
		return ""
	}
	return cmp.Or(endpoints[e].word, endpoints[e].name)
}

// EndpointWords returns how users name the endpoints that tell of tasks.
func EndpointWords() (words []string) {
	for e := range EndpointCount {
		if word := e.Word(); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// EndpointNamed returns the endpoint that users name so; false: there is none.
func EndpointNamed(word string) (Endpoint, bool) {
	if word == "" {
		return Jobs, false
	}
	for e := range EndpointCount {
		if e.Word() == word {
			return e, true
		}
	}
	return Jobs, false
}

// TellsOfTasks reports whether there is such an endpoint, and it is one that is asked about tasks.
func (e Endpoint) TellsOfTasks() bool { return e < EndpointCount && e.Word() != "" }

// Model returns what the model of a task is called of which neither an answer nor a list tells one; empty: it has none.
func (e Endpoint) Model() string {
	if e == Jobs || e == Playground {
		return ""
	}
	return e.Word()
}

// endpoint is a row of the table.
type endpoint struct {
	name string // in metrics; jobs are called by the last part of their path there
	word string // what users write in the configuration and in lists; empty: name
	path string // below the base URL
	id   string // the query parameter that names a task; empty: it is asked about none
	task fields
}

// fields name the members of the data that an endpoint tells of a task. State, code and message have one; what else has none is not told.
type fields struct {
	id    key // the task's
	model key
	param key // JSON whose member model is the model, where the data has none

	state  []key            // the first with a known word tells the state
	states map[string]State // plain words, or numbers, that mean something here that they do not mean everywhere
	over   string           // the plain word for a task that is over, and a success if it has a result

	created, updated, completed key
	text                        bool // times may be texts: with a zone as in RFC 3339, or without one

	code, message key    // of a failure; where there is no code, a word for a state that is the endpoint's own is one
	credits       key    // consumed
	results       []path // where one holds something, there is a result
}

// path is where something is in the data: a member, and what is in it. Lists on the way are gone through.
type path []key

// The shapes that several endpoints have in common.
var (
	flags     = map[string]State{"0": StateGenerating, "1": StateSuccess, "2": StateFail, "3": StateFail}
	sunoWords = map[string]State{
		"pending": StateWaiting, "textsuccess": StateGenerating, "firstsuccess": StateGenerating, // the lyrics; the first of two tracks
		"createtaskfailed": StateFail, "generateaudiofailed": StateFail, "generatelyricsfailed": StateFail,
		"generatewavfailed": StateFail, "generatemp4failed": StateFail, "sensitiveworderror": StateFail,
	}
	jobsTask = fields{
		id: "taskId", model: "model", state: []key{"state"},
		created: "createTime", updated: "updateTime", completed: "completeTime",
		code: "failCode", message: "failMsg", credits: "creditsConsumed", results: []path{{"resultJson"}, {"response"}},
	}
)

// flagged returns the members of an endpoint that tells the state by a number.
func flagged(states map[string]State, results ...path) fields {
	return fields{
		id: "taskId", param: "paramJson", state: []key{"successFlag"}, states: states,
		created: "createTime", completed: "completeTime", text: true,
		code: "errorCode", message: "errorMessage", results: results,
	}
}

// worded returns the members of an endpoint that tells the state by Suno's words, which are in one of these members.
func worded(state key, results ...path) fields {
	f := flagged(sunoWords, results...)
	f.param, f.state, f.over = "param", []key{state}, "callbackexception"
	return f
}

// timeless returns members without those of times.
func (f fields) timeless() fields {
	f.created, f.completed, f.text = "", "", false
	return f
}

// and returns states with some more, or others.
func and(states, more map[string]State) map[string]State {
	all := maps.Clone(states)
	maps.Copy(all, more)
	return all
}

// response is a path in the member where most endpoints have their results.
func response(names ...key) path { return append(path{"response"}, names...) }

// endpoints is the table.
var endpoints = []endpoint{
	Jobs:       {name: "recordInfo", word: "jobs", path: "api/v1/jobs/recordInfo", id: "taskId", task: jobsTask},
	Credit:     {name: "credit", path: "api/v1/chat/credit"},
	Playground: {name: "playground", path: "api/v1/playground/recordInfo", id: "taskId", task: jobsTask}, // the older path of jobs
	Suno: {
		name: "suno", path: "api/v1/generate/record-info", id: "taskId",
		// The times in an answer are those of tracks.
		task: worded("status", response("sunoData", "audioUrl"), response("sunoData", "streamAudioUrl")).timeless(),
	},
	Veo: {
		name: "veo", path: "api/v1/veo/record-info", id: "taskId",
		task: flagged(flags, response("resultUrls"), response("originUrls"), response("mediaIds")),
	},
	GPT4oImage: {
		name: "gpt4o_image", path: "api/v1/gpt4o-image/record-info", id: "taskId",
		task: fields{
			id: "taskId", param: "paramJson", state: []key{"status", "successFlag"},
			states:  and(flags, map[string]State{"createtaskfailed": StateFail, "generatefailed": StateFail}),
			created: "createTime", completed: "completeTime", text: true,
			code: "errorCode", message: "errorMessage", results: []path{response("resultUrls"), response("result_urls")},
		},
	},
	FluxKontext: {
		name: "flux_kontext", path: "api/v1/flux/kontext/record-info", id: "taskId", // the origin's URL is good for 10 minutes, and no result
		task: flagged(flags, response("resultImageUrl")),
	},
	Runway: {
		name: "runway", path: "api/v1/runway/record-detail", id: "taskId", // of its one time nobody says what of
		task: fields{
			id: "taskId", state: []key{"state"}, code: "failCode", message: "failMsg", results: []path{{"videoInfo", "videoUrl"}},
		},
	},
	Aleph: {
		name: "aleph", path: "api/v1/aleph/record-info", id: "taskId",
		task: flagged(flags, response("resultVideoUrl"), response("resultImageUrl")),
	},
	Midjourney: {
		name: "midjourney", path: "api/v1/mj/record-info", id: "taskId",
		task: midjourney(),
	},
	Luma: {
		name: "luma", path: "api/v1/modify/record-info", id: "taskId",
		// 4: the callback failed, and the generation did not.
		task: flagged(and(flags, map[string]State{"4": StateSuccess}), response("resultUrls")),
	},
	Lyrics: {
		name: "lyrics", path: "api/v1/lyrics/record-info", id: "taskId",
		task: worded("status", response("data", "text")).timeless(),
	},
	WAV: {
		name: "wav", path: "api/v1/wav/record-info", id: "taskId",
		task: worded("successFlag", response("audioWavUrl")),
	},
	VocalRemoval: {
		name: "vocal_removal", path: "api/v1/vocal-removal/record-info", id: "taskId",
		task: worded("successFlag", response("vocalUrl"), response("instrumentalUrl")),
	},
	MP4: {
		name: "mp4", path: "api/v1/mp4/record-info", id: "taskId",
		task: worded("successFlag", response("videoUrl")),
	},
	MIDI: {
		name: "midi", path: "api/v1/midi/record-info", id: "taskId",
		task: flagged(flags, path{"midiData"}),
	},
	Cover: {
		name: "cover", path: "api/v1/suno/cover/record-info", id: "taskId",
		task: flagged(flags, response("images")),
	},
	ModelHealth: {name: "success_rate", path: "api/v1/models"},
}

// midjourney returns the members of its answers, which have no model but the kind of task, and their results in a text of JSON, or not.
func midjourney() fields {
	f := flagged(flags, path{"resultInfoJson", "resultUrls"})
	f.model, f.param = "taskType", ""
	return f
}

// members are the names of all that is read of an answer, whichever endpoint gives it.
var members = membersOf(endpoints)

func membersOf(rows []endpoint) map[string]key {
	all := map[string]key{
		"code": "code", "msg": "msg", "message": "message", "data": "data", modelMember: modelMember,
		pointsMember: pointsMember, endMember: endMember, successMember: successMember,
	}
	add := func(names ...key) {
		for _, name := range names {
			all[string(name)] = name
		}
	}
	for _, row := range rows {
		f := &row.task
		add(f.state...)
		add(f.id, f.model, f.param, f.created, f.updated, f.completed, f.code, f.message, f.credits)
		for _, p := range f.results {
			add(p...)
		}
	}
	return all
}

// modelMember is the one member of the request that is looked at.
const modelMember = "model"

// stateOf returns what a word means at this endpoint.
func (f *fields) stateOf(word string) State {
	if s, ok := f.states[plainWord(word)]; ok {
		return s
	}
	return stateOf(word)
}
