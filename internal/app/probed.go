// Probes of tasks that another replica has: its final record answers, or else that replica.

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/mailbox"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// probeAsked is what a replica is asked about a task. What has names has them here, as replicas of several versions ask each other.
type probeAsked struct {
	ID       string `json:"id"`
	Endpoint string `json:"endpoint"`
}

// probeAnswer is how a replica has probed a task.
type probeAnswer struct {
	view.Task

	Asked  bool          `json:"asked,omitempty"`
	Waited time.Duration `json:"waited,omitempty"`
	Took   time.Duration `json:"took,omitempty"`
	Error  *probeError   `json:"error,omitempty"`
}

// probeError is why a probe failed, without addresses.
type probeError struct {
	Class  *kie.Class `json:"class,omitempty"` // nil: the query was given up, or not sent
	Status int        `json:"status,omitempty"`
	Code   int        `json:"code,omitempty"`
	Text   string     `json:"text,omitempty"`
}

// remoteCause is why another replica failed, without addresses.
type remoteCause string

// Error implements error.
func (c remoteCause) Error() string { return string(c) }

// probe asks about a task, wherever it is.
func (e *exporter) probe(ctx context.Context, account, id string, at kie.Endpoint) view.Probe {
	if e.isHere(account, id) {
		p := e.tracker.ProbeAt(ctx, account, id, at)
		if e.replicas == nil || !errors.Is(p.Err, tracker.ErrNoAccount) && !errors.Is(p.Err, tracker.ErrElsewhere) {
			return p
		}
	}
	if !slices.ContainsFunc(e.config().Accounts, func(a config.Account) bool { return a.Name == account }) {
		return view.Probe{Err: tracker.ErrNoAccount} // it went by a reload just now
	}
	return e.probeElsewhere(ctx, account, id, at)
}

// probeElsewhere answers with a task's final record, or has the replica ask that has the task.
func (e *exporter) probeElsewhere(ctx context.Context, account, id string, at kie.Endpoint) view.Probe {
	known := view.Task{Task: kie.Task{ID: id, State: kie.StatePending}, Account: account}
	if r := e.store.Find(account, []string{id})[0]; r.State.Finished() && !r.KeptByID() {
		if slices.ContainsFunc(e.config().Groups, func(g config.Group) bool { return g.Name == r.Group && g.Account == account }) {
			known.Group = r.Group
		}
		known.Take(r.Task, time.Time{})
		return view.Probe{Task: known}
	}
	began := time.Now()
	body, err := e.replicas.mailbox.Ask(ctx, e.replicas.shareOf(account, id), question.Probe, probeAsked{id, at.Word()})
	if err != nil {
		return view.Probe{Task: known, Err: whyUnanswered(err), Waited: time.Since(began)}
	}
	var a probeAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return view.Probe{Task: known, Err: errors.New("the answer of the replica that has the task can't be read"), Waited: time.Since(began)}
	}
	return a.probe(account, id)
}

// whyUnanswered returns why a question was not answered, without addresses.
func whyUnanswered(err error) error {
	const what = "the replica that has the task can't be asked over Redis"
	if e, ok := errors.AsType[*redis.Error](err); ok {
		return fmt.Errorf("%s: %s", what, e.Result)
	}
	if errors.Is(err, mailbox.ErrSilent) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// answerProbe asks about a task for another replica.
func (e *exporter) answerProbe(ctx context.Context, sh share.Share, body []byte) (any, error) {
	var asked probeAsked
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	at, ok := kie.EndpointNamed(asked.Endpoint)
	if !ok || !kie.ValidID(asked.ID) || e.replicas.shareOf(sh.Account, asked.ID) != sh {
		return nil, errNoAnswer
	}
	p := e.tracker.ProbeAt(ctx, sh.Account, asked.ID, at)
	if errors.Is(p.Err, tracker.ErrNoAccount) || errors.Is(p.Err, tracker.ErrElsewhere) {
		return nil, p.Err
	}
	return answerOf(&p), nil
}

// answerOf returns a probe as another replica is told it.
func answerOf(p *view.Probe) *probeAnswer {
	a := &probeAnswer{Task: p.Task, Asked: p.Asked, Waited: p.Waited, Took: p.Took}
	if p.Err == nil {
		return a
	}
	a.Error = &probeError{Text: withoutAddresses(p.Err)}
	if of, ok := errors.AsType[*kie.Error](p.Err); ok {
		a.Error = &probeError{Class: &of.Class, Status: of.Status, Code: of.Code}
		if of.Err != nil {
			a.Error.Text = kindOfCause(of.Err)
		}
	}
	return a
}

// probe returns what another replica told.
func (a *probeAnswer) probe(account, id string) view.Probe {
	t := a.Task
	t.ID, t.Account, t.Model = id, account, kie.CleanLabel(t.Model)
	p := view.Probe{Task: t, Asked: a.Asked, Waited: a.Waited, Took: a.Took}
	switch e := a.Error; {
	case e == nil:
	case e.Class == nil:
		p.Err = remoteCause(e.Text)
	default:
		of := &kie.Error{Class: *e.Class, Status: e.Status, Code: e.Code}
		if e.Text != "" {
			of.Err = remoteCause(e.Text)
		}
		p.Err = of
	}
	return p
}
