// Tasks as a stream, for programs that want all of them: tracked ones as they come, or finished ones in their order.

package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// mostStreams is how many streams there are at a time, since each holds two portions at the most.
	mostStreams = 2
	// settled is how long ago it was learned that a task has finished before it is in a stream. By then its record is on disk, so that it
	// is found there if it leaves memory while the stream passes over both.
	settled = 5 * time.Second
	// streamTimeout is how long a client may take to read 64 KiB.
	streamTimeout = 30 * time.Second
	// looks is after how many tasks is looked whether the client is still there.
	looks = 1 << 12
)

// serveStream answers with all tasks that a query matches. Its client is waited for without any lock, and without the turn of those
// who go through all tasks. An answer that can't be finished is cut off, so that no client takes it for whole.
func (t *Tasks) serveStream(w http.ResponseWriter, r *http.Request, q *query) {
	select {
	case t.streams <- struct{}{}:
		defer func() { <-t.streams }()
	default:
		w.Header().Set("Retry-After", "30")
		sendJSON(w, http.StatusServiceUnavailable, refusal{"as many streams of tasks as there may be are under way"})
		return
	}
	s := &stream{query: q, known: t.known, ctx: r.Context(), until: kie.TimeOf(time.Now().Add(-settled))}
	to := &deadlineWriter{w: w, control: http.NewResponseController(w)}
	t.nameMissing(r.Context(), w.Header())
	s.rows = newRows(q.format, w.Header(), to)
	if r.Method == http.MethodHead {
		return
	}
	send := s.tracked
	if q.finishedAfter != nil {
		send = s.finished
	}
	err := send()
	switch {
	case err == nil:
	case to.began || r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Retry-After", "30")
		sendJSON(w, http.StatusServiceUnavailable, refusal{"the tasks can't be read now: " + err.Error()})
	}
}

// missingHeader names the shares whose tasks are not in a stream, and who holds them, and mostNamed is how many it names.
const (
	missingHeader = "Kie-Missing"
	mostNamed     = 100
)

// nameMissing says in a header which shares other replicas hold: a stream has the tasks of its own replica.
func (t *Tasks) nameMissing(ctx context.Context, h http.Header) {
	if t.known.Replicas == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patienceOfReplicas)
	defer cancel()
	own := t.known.Replicas.Own()
	var names []string
	for _, holder := range t.known.Replicas.Holders(ctx) {
		if slices.Contains(own, holder.Share) {
			continue
		}
		name := strconv.Quote(holder.String())
		if holder.Replica != "" {
			name += "; held_by=" + strconv.Quote(holder.Replica)
		}
		names = append(names, name)
	}
	if more := len(names) - mostNamed; more > 0 {
		names = append(names[:mostNamed], strconv.Quote(fmt.Sprint(more, " more")))
	}
	if len(names) > 0 {
		h.Set(missingHeader, strings.Join(names, ", "))
	}
}

// stream is one answer under way.
type stream struct {
	ctx   context.Context //nolint:containedctx // of the request, which ends with the stream
	query *query
	known Known
	until kie.Time
	rows  rows
	seen  int
}

// goes returns why the stream ends early, looked up now and then.
func (s *stream) goes() error {
	if s.seen++; s.seen%looks == 0 {
		return s.ctx.Err()
	}
	return nil
}

// tracked sends all tracked tasks, as they come.
func (s *stream) tracked() error {
	for k := range s.known.Tasks() {
		if err := s.goes(); err != nil {
			return err
		}
		if s.query.inScope(&k) && s.query.matches(&k) {
			if err := s.rows.write(&taskRow{taskRecord: newRecord(&k)}); err != nil {
				return err
			}
		}
	}
	return s.rows.flush()
}

// finished sends the finished tasks after a place, in their order.
func (s *stream) finished() error {
	p := &portion{until: s.until}
	after := *s.query.finishedAfter
	for more := true; more; {
		p.begin(after)
		if err := s.collect(p); err != nil {
			return err
		}
		var tasks []offered
		tasks, more = p.end()
		for i := range tasks {
			k := &tasks[i]
			if err := s.rows.write(&taskRow{newRecord(&k.task), k.String()}); err != nil {
				return err
			}
			after = k.cursor
		}
	}
	return s.rows.flush()
}

// collect offers a portion all tasks that match.
func (s *stream) collect(p *portion) (err error) {
	failed := s.known.Finished(p.wants, func(k view.Task) bool {
		if err = s.goes(); err == nil && s.query.inScope(&k) && s.query.matches(&k) {
			p.add(&k)
		}
		return err == nil
	})
	if err == nil {
		err = s.ctx.Err()
	}
	if err == nil {
		err = failed
	}
	return err
}

// deadlineWriter writes to a client as long as it goes on reading.
type deadlineWriter struct {
	w       io.Writer
	control *http.ResponseController
	began   bool
}

// Write implements io.Writer.
func (p *deadlineWriter) Write(b []byte) (int, error) {
	p.began = true
	_ = p.control.SetWriteDeadline(time.Now().Add(streamTimeout)) // a test's answer has none
	return p.w.Write(b)
}
