// Package push takes ids that producers push, over HTTP: it knows who may push, reads what they send within bounds, and answers once
// what they sent is safe.
package push

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Options say what is pushed where.
type Options struct {
	// Token returns what has the token of the group's producers, nil if they have none; ok is false if there is no such group, or one that
	// takes no pushes.
	Token func(group string) (token func() string, ok bool)
	// Push takes a push, and returns when it is known what came of it.
	Push func(p *source.Push)
	// Durable reports whether what is accepted outlives the process.
	Durable func() bool
	// Elsewhere says whose a task is that is another shard's; empty: it is not. Nil: none is.
	Elsewhere func(id string) string
	Log       *slog.Logger
}

// Receiver takes pushes.
type Receiver struct {
	options Options
	slots   *slots
	mux     *http.ServeMux

	mu      sync.Mutex        // guards what follows
	tallies map[string]*tally // by group
}

// New returns a receiver.
func New(o Options) *Receiver {
	r := &Receiver{options: o, slots: newSlots(), mux: http.NewServeMux(), tallies: make(map[string]*tally)}
	r.Register(r.mux)
	return r
}

// Register adds the paths at which pushes are taken. Who may push to a group without a token is for others to decide before.
func (r *Receiver) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/groups/{group}/tasks", r.serve(r.add))
	mux.HandleFunc("DELETE /api/v1/groups/{group}/tasks", r.serve(r.remove))
	mux.HandleFunc("DELETE /api/v1/groups/{group}/tasks/{id}", r.serve(r.removeOne))
}

// TakesToken reports whether a request is a push that a token decides about, and no password besides.
func (r *Receiver) TakesToken(req *http.Request) bool {
	if req.Method != http.MethodPost && req.Method != http.MethodDelete {
		return false
	}
	rest, found := strings.CutPrefix(req.URL.Path, "/api/v1/groups/")
	if !found {
		return false
	}
	group, _, found := strings.Cut(rest, "/")
	if !found {
		return false
	}
	token, ok := r.options.Token(group)
	return ok && token != nil
}

// WithToken serves pushes that a token decides about, and nothing else.
func (r *Receiver) WithToken() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !r.TakesToken(req) { // not any more, after a reload just now
			refuse(w, http.StatusServiceUnavailable, "1", "the configuration is changing")
			return
		}
		r.mux.ServeHTTP(w, req)
	})
}

// answer is what came of a push.
type answer struct {
	Accepted int            `json:"accepted"`
	Known    int            `json:"known"`
	Rejected []rejected     `json:"rejected"`
	More     int            `json:"more_rejected,omitempty"` // than those that are listed
	Ignored  map[string]int `json:"ignored,omitempty"`       // objects that have a key that is not read, by key
	Durable  *bool          `json:"durable,omitempty"`       // false, or absent
}

// forgotten is what came of a push that has ids forgotten.
type forgotten struct {
	Forgotten int        `json:"forgotten"`
	Unknown   int        `json:"unknown"`
	Rejected  []rejected `json:"rejected"`
	More      int        `json:"more_rejected,omitempty"`
	Durable   *bool      `json:"durable,omitempty"`
}

// rejected is a value that is not taken.
type rejected struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
}

// serve has a handler called for whoever may push to a group, if there is a slot, and counts what the push came to.
func (r *Receiver) serve(handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		group := req.PathValue("group")
		token, ok := r.options.Token(group)
		switch {
		case !ok:
			refuse(w, http.StatusNotFound, "", source.ErrNoPushes.Error())
		case token != nil && !bears(req, token()):
			w.Header().Set("WWW-Authenticate", challenge(req))
			r.count(group, refuse(w, http.StatusUnauthorized, "", "want Authorization: Bearer with the group's token"))
		default:
			r.count(group, r.inSlot(w, req, handle))
		}
	}
}

// challenge asks for a token, and says so where one was given in vain, as RFC 6750 has it.
func challenge(req *http.Request) string {
	if req.Header.Get("Authorization") == "" {
		return `Bearer realm="kie_exporter"`
	}
	return `Bearer realm="kie_exporter", error="invalid_token"`
}

// handler answers a push and returns the status of the answer.
type handler func(http.ResponseWriter, *http.Request, *slot) (status int)

// inSlot has a handler called if there is a slot.
func (r *Receiver) inSlot(w http.ResponseWriter, req *http.Request, handle handler) (status int) {
	p := r.slots.take(w)
	if p == nil {
		return refuse(w, http.StatusServiceUnavailable, "1", "too many pushes at a time")
	}
	defer p.giveBack()
	return handle(w, req, p)
}

// bears reports whether a request bears a token. How long that takes tells nothing of the token.
func bears(req *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

func (r *Receiver) add(w http.ResponseWriter, req *http.Request, p *slot) int {
	b, status := r.read(w, req, p)
	if b == nil {
		return status
	}
	misdirected := r.misdirected(b)
	push := source.Push{Group: req.PathValue("group"), Add: b.tasks, Rejected: b.counts}
	r.options.Push(&push)
	if push.Err != nil {
		return refusePush(w, push.Err)
	}
	status = http.StatusOK
	for i, reason := range push.Refused {
		b.reject(b.indices[i], words(reason))
	}
	switch {
	case push.IsOverLimit():
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", "60")
	case misdirected:
		status = http.StatusMisdirectedRequest
	}
	return send(w, status, answer{push.Accepted, push.Known, b.rejections(), b.more, b.ignored, r.durable()})
}

func (r *Receiver) remove(w http.ResponseWriter, req *http.Request, p *slot) int {
	b, status := r.read(w, req, p)
	if b == nil {
		return status
	}
	return r.forget(w, req, b)
}

func (r *Receiver) removeOne(w http.ResponseWriter, req *http.Request, p *slot) int {
	p.read()
	return r.forget(w, req, &body{tasks: []source.Task{{ID: req.PathValue("id")}}, indices: []int{0}})
}

// forget has ids forgotten, and says what came of that.
func (r *Receiver) forget(w http.ResponseWriter, req *http.Request, b *body) (status int) {
	status = http.StatusOK
	if r.misdirected(b) {
		status = http.StatusMisdirectedRequest
	}
	ids := make([]string, len(b.tasks))
	for i, t := range b.tasks {
		ids[i] = t.ID
	}
	push := source.Push{Group: req.PathValue("group"), Remove: ids}
	r.options.Push(&push)
	if push.Err != nil {
		return refusePush(w, push.Err)
	}
	return send(w, status, forgotten{push.Forgotten, len(ids) - push.Forgotten, b.rejections(), b.more, r.durable()})
}

// misdirected takes the tasks that are another shard's out of a body and has them rejected in the answer; false: there is none.
func (r *Receiver) misdirected(b *body) bool {
	if r.options.Elsewhere == nil {
		return false
	}
	kept := 0
	for i, t := range b.tasks {
		if why := r.options.Elsewhere(t.ID); why != "" {
			b.reject(b.indices[i], "shard: "+why)
			continue
		}
		b.tasks[kept], b.indices[kept] = t, b.indices[i]
		kept++
	}
	misdirected := kept < len(b.tasks)
	b.tasks, b.indices = b.tasks[:kept], b.indices[:kept]
	return misdirected
}

// durable returns what is said of how safe ids are; nil: nothing, for they are.
func (r *Receiver) durable() *bool {
	if r.options.Durable() {
		return nil
	}
	return new(bool)
}

// read reads the body of a push; nil: it was refused, with the status.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request, p *slot) (b *body, status int) {
	b, err := readBody(w, req)
	p.read()
	var large *tooLarge
	var other *unsupported
	switch {
	case err == nil:
		return b, 0
	case p.wasCut() || errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(w, http.StatusRequestTimeout, "1", "the body came too slowly")
	case errors.As(err, &large):
		return nil, refuse(w, http.StatusRequestEntityTooLarge, "", err.Error())
	case errors.As(err, &other):
		w.Header().Set(other.header, other.wanted)
		return nil, refuse(w, http.StatusUnsupportedMediaType, "", err.Error())
	default:
		return nil, refuse(w, http.StatusBadRequest, "", err.Error())
	}
}

// refusePush answers a push of which nothing counts.
func refusePush(w http.ResponseWriter, err error) int {
	switch {
	case errors.Is(err, source.ErrNoPushes):
		return refuse(w, http.StatusNotFound, "", err.Error())
	case errors.Is(err, source.ErrStarting):
		return refuse(w, http.StatusServiceUnavailable, "1", err.Error())
	default:
		return refuse(w, http.StatusServiceUnavailable, "10", err.Error())
	}
}

// refuse answers with what is wrong, and after how many seconds another try makes sense; empty: it makes none.
func refuse(w http.ResponseWriter, status int, retryAfter, what string) int {
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	return send(w, status, struct {
		Error string `json:"error"`
	}{what})
}

// send answers, and returns the status that it answers with.
func send(w http.ResponseWriter, status int, answer any) int {
	text, err := json.Marshal(answer)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer can't be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may be gone
	return status
}

// words says why an id was not taken.
func words(reason source.Rejection) string {
	switch reason {
	case source.RejectedLimit:
		return "limit: limits.tasks is reached"
	case source.RejectedMaxTasks:
		return "max_tasks: that of the group is reached"
	case source.RejectedSecret:
		return "secret: is a secret of the configuration"
	default:
		return string(reason)
	}
}
