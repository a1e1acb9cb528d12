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
	At      time.Time   `json:"at"`
	Missing []Missing   `json:"missing,omitempty"` // shares that may have one, too
	Tasks   []knownTask `json:"tasks"`
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
	found, status, err := t.gatherTask(r.Context(), id, account)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		sendJSON(w, http.StatusServiceUnavailable, refusal{err.Error()})
		return
	}
	if len(found) == 0 {
		text, code := t.unknown("no task of this id is known", id, status.Missing)
		if code == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
		sendJSON(w, code, refusal{text})
		return
	}
	d := recordDocument{At: moment(time.Now()), Tasks: []knownTask{}, Missing: status.Missing}
	for i := range found {
		r := &found[i]
		d.Tasks = append(d.Tasks, knownTask{newRecord(r.Task.view()), r.Tracked, queryRecords(r.Queries), r.Left})
	}
	sendJSON(w, http.StatusOK, d)
}

// records returns all that is known here of the tasks of an id, one for each account that has it. What comes from disk is not tracked.
func (t *Tasks) records(id, account string, of scope) (all []replicaRecord) {
	add := func(tasks []view.Task, tracked bool) {
		for i := range tasks {
			k := &tasks[i]
			other := func(r replicaRecord) bool { return r.Task.Account == k.Account }
			if (account == "" || k.Account == account) && of.has(k.Account, id) && !slices.ContainsFunc(all, other) {
				queries, left := t.known.Queries(k.Account, id)
				all = append(all, replicaRecord{
					Task: forReplica(k), Tracked: tracked, Queries: queries, Left: left, Next: t.known.Next(k.Account, id),
				})
			}
		}
	}
	add(t.known.Find(id), true)
	add(t.known.Kept(id), false)
	return all
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
