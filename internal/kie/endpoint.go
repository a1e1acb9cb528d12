// What the API can be asked, and how it answers: a table with a row for each endpoint.

package kie

// Endpoint is a thing that the API can be asked. The zero one is Jobs.
type Endpoint uint8

// The endpoints. A new one is a constant here, a row below, and no code.
const (
	Jobs   Endpoint = iota // what was made with createTask
	Credit                 // the account's balance, which is no task
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

// endpoint is a row of the table.
type endpoint struct {
	name string // jobs are called by the last part of their path
	path string // below the base URL
	id   string // the query parameter that names a task; empty: it is asked about none
	task fields
}

// fields name the members of the data that an endpoint tells of a task. What has no name is not told.
type fields struct {
	id    key // the task's
	model key

	state  []key            // the first that is there tells the state
	states map[string]State // plain words, or numbers, that mean something here that they do not mean everywhere

	created, updated, completed key
	text                        bool // times may be texts as in RFC 3339, with a zone

	code, message key   // of a failure
	credits       key   // consumed
	results       []key // one of which holds something if there is a result
}

// endpoints is the table.
var endpoints = []endpoint{
	Jobs: {
		name: "recordInfo", path: "api/v1/jobs/recordInfo", id: "taskId",
		task: fields{
			id: "taskId", model: "model", state: []key{"state"},
			created: "createTime", updated: "updateTime", completed: "completeTime",
			code: "failCode", message: "failMsg", credits: "creditsConsumed", results: []key{"resultJson", "response"},
		},
	},
	Credit: {name: "credit", path: "api/v1/chat/credit"},
}

// members are the names of all that is read of an answer, whichever endpoint gives it.
var members = membersOf(endpoints)

func membersOf(rows []endpoint) map[string]key {
	all := map[string]key{"code": "code", "msg": "msg", "message": "message", "data": "data"}
	for _, row := range rows {
		f := &row.task
		for _, names := range [][]key{f.state, f.results, {f.id, f.model, f.created, f.updated, f.completed, f.code, f.message, f.credits}} {
			for _, name := range names {
				all[string(name)] = name
			}
		}
	}
	return all
}

// stateOf returns what a word means at this endpoint.
func (f *fields) stateOf(word string) State {
	if s, ok := f.states[plainWord(word)]; ok {
		return s
	}
	return stateOf(word)
}
