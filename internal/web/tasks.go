// Tasks: the page a person looks at, and the same as JSON.

package web

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

//go:embed tasks
var files embed.FS

// patience is how long a request waits for its turn.
const patience = 5 * time.Second

// A page loads its own style, script and icon, talks to its own origin, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Known is what the pages are told.
type Known struct {
	Tasks func() iter.Seq[view.Task]
	Find  func(id string) []view.Task // the tracked ones of that id, one for each account that has it
	Kept  func(id string) []view.Task // likewise the finished ones that are not tracked but kept on disk
	// Finished calls yield with every finished task that is known, of those that wanted says by when that was learned, until it returns
	// false; what comes twice is the same. After an error, some were left out.
	Finished func(wanted func(learned kie.Time) bool, yield func(view.Task) bool) error
	Queries  func(account, id string) (queries []querylog.Query, left int)
	Next     func(account, id string) view.Next
	Status   func() Status
	Shard    share.Shard // that this process is: all else is known to others
	// Replicas are those among which what is known is divided; nil: all of it is known here.
	Replicas Replicas
	// Grafana is where Grafana is, for links to the dashboards; empty: there are none.
	Grafana string
}

// Tasks serves what is known of all tasks. It asks the API nothing, and keeps nothing between requests.
type Tasks struct {
	known Known
	turn  chan struct{} // held by the one request that goes through all tasks
	pages *template.Template

	streams chan struct{} // held by each stream of tasks
	asking  chan struct{} // held by each request that waits for other replicas
}

// NewTasks returns what serves what is known.
func NewTasks(known Known) (*Tasks, error) {
	pages, err := template.ParseFS(files, "tasks/*.html")
	if err != nil {
		return nil, fmt.Errorf("page of tasks: %w", err)
	}
	return &Tasks{known: known, turn: make(chan struct{}, 1), pages: pages, streams: make(chan struct{}, mostStreams), asking: make(chan struct{}, mostAsking)}, nil
}

// assets are what the pages load. A task of such an id has no page.
func assets() []string { return []string{"style.css", "script.js", "icon.svg"} }

// Register adds the paths that are served.
func (t *Tasks) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /tasks", t.servePage)
	mux.HandleFunc("GET /tasks/{id}", t.serveTask)
	mux.HandleFunc("GET /api/v1/tasks", t.serveJSON)
	mux.HandleFunc("GET /api/v1/tasks/{id}", t.serveRecord)
	mux.HandleFunc("GET /api/v1/status", t.serveStatus)
	for _, name := range assets() {
		mux.HandleFunc("GET /tasks/"+name, func(w http.ResponseWriter, r *http.Request) {
			secure(w, pagePolicy)
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, files, "tasks/"+name)
		})
	}
}

// unknown says that no task of an id is known, and who may know one, and returns the status of that answer: 503 if somebody who may know
// one can't be asked now.
func (t *Tasks) unknown(what, id string, missing []Missing) (text string, status int) {
	if other, is := t.known.Shard.Other(id); is {
		return what + "; it is one of " + other.String(), http.StatusNotFound
	}
	if len(missing) == 0 {
		return what, http.StatusNotFound
	}
	var others []string
	for _, m := range missing {
		others = append(others, m.String())
	}
	return what + "; it may be one of " + strings.Join(others, "; "), http.StatusServiceUnavailable
}

func (t *Tasks) servePage(w http.ResponseWriter, r *http.Request) {
	secure(w, pagePolicy)
	q, err := parseQuery(r.URL.RawQuery)
	if err == nil && q.format != formatJSON {
		err = errors.New("format: the page is of HTML; /api/v1/tasks has tasks as json, csv, ndjson")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s, known, err := t.gatherPage(r.Context(), q, true)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	t.send(w, http.StatusOK, "page.html", newContent(s, known))
}

// send answers with a page. The status is written when it is known that there is a page to send with it.
func (t *Tasks) send(w http.ResponseWriter, status int, page string, content any) {
	var body bytes.Buffer
	if err := t.pages.ExecuteTemplate(&body, page, content); err != nil {
		http.Error(w, "The page can't be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the client may be gone
}

func (t *Tasks) serveJSON(w http.ResponseWriter, r *http.Request) {
	secure(w, "default-src 'none'; frame-ancestors 'none'")
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		sendJSON(w, http.StatusBadRequest, refusal{err.Error()})
		return
	}
	if q.format != formatJSON {
		t.serveStream(w, r, q)
		return
	}
	s, known, err := t.gatherPage(r.Context(), q, false)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		sendJSON(w, http.StatusServiceUnavailable, refusal{err.Error()})
		return
	}
	d := newDocument(s)
	d.Missing = known.Missing
	sendJSON(w, http.StatusOK, d)
}

// refusal is what is answered in place of what was asked for.
type refusal struct {
	Error string `json:"error"`
}

// sendJSON answers in JSON. The status is written when it is known that there is something to send with it.
func sendJSON(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer can't be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// errTooMany says that a request finds no place among those that are answered.
var errTooMany = errors.New("too many look at the tasks at the same time")

// look goes through the tasks of a scope as a request asks, one request at a time.
func (t *Tasks) look(ctx context.Context, q *query, of scope) (*pass, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-waiting.Done():
		return nil, errTooMany
	}
	p, seen := newPass(q), 0
	for k := range t.known.Tasks() {
		if seen++; seen%looks == 0 && ctx.Err() != nil { // whoever asked is gone, or waits no longer
			return nil, ctx.Err()
		}
		if of.has(k.Account, k.ID) {
			p.add(&k)
		}
	}
	return p, nil
}

// secure sets the headers that keep what is served from being more than it is.
func secure(w http.ResponseWriter, policy string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}
