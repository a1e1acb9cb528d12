// One task as JSON.

package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// recordDocument is what /api/v1/tasks/{id} answers, with a task of each account that has the id. Fields are only added to it.
type recordDocument struct {
	At    time.Time   `json:"at"`
	Tasks []knownTask `json:"tasks"`
}

// knownTask is all that is known of a task.
type knownTask struct {
	taskRecord
	Tracked bool          `json:"tracked"` // false: it left memory, and is as it was kept on disk
	Queries []queryRecord `json:"queries"` // and callbacks: the first and last ones, of those since the start
	Left    int           `json:"queries_left_out,omitempty"`
}

type queryRecord struct {
	Ended    time.Time `json:"ended_at"`
	Took     float64   `json:"duration_seconds"`
	Class    string    `json:"class,omitempty"`
	State    string    `json:"state,omitempty"`    // that an answer told
	Callback bool      `json:"callback,omitempty"` // nothing was asked: a callback came then
}

func (t *Tasks) serveRecord(w http.ResponseWriter, r *http.Request) {
	secure(w, "default-src 'none'; frame-ancestors 'none'")
	id, account := r.PathValue("id"), r.URL.Query().Get("account")
	d := recordDocument{At: moment(time.Now()), Tasks: []knownTask{}}
	add := func(tasks []view.Task, tracked bool) {
		for i := range tasks {
			k := &tasks[i]
			other := func(known knownTask) bool { return known.Account == k.Account }
			if (account == "" || k.Account == account) && !slices.ContainsFunc(d.Tasks, other) {
				queries, left := t.known.Queries(k.Account, id)
				d.Tasks = append(d.Tasks, knownTask{newRecord(k), tracked, queryRecords(queries), left})
			}
		}
	}
	add(t.known.Find(id), true)
	add(t.known.Kept(id), false)
	if len(d.Tasks) == 0 {
		sendJSON(w, http.StatusNotFound, refusal{t.unknown("no task of this id is known", id)})
		return
	}
	sendJSON(w, http.StatusOK, d)
}

func queryRecords(queries []querylog.Query) []queryRecord {
	all := make([]queryRecord, 0, len(queries))
	for _, q := range queries {
		r := queryRecord{Ended: moment(q.Ended), Took: q.Took.Seconds(), Callback: q.Callback}
		if !q.Callback {
			r.Class = q.Class.String()
		}
		if !q.Callback && q.Class == kie.ClassOK {
			r.State = q.State.String()
		}
		all = append(all, r)
	}
	return all
}
