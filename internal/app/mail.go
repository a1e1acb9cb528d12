// What replicas tell and ask each other: callbacks, pushes and probes come to any of them, and the one that holds the task acts.

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/mailbox"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/web"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// subject is which task a message is about.
type subject struct {
	ID string `json:"id"`
}

// newMailbox returns what this replica tells others through, and reads what it is told.
func (e *exporter) newMailbox() *mailbox.Mailbox {
	r := e.replicas
	return mailbox.New(mailbox.Options{
		Client: r.client, Cluster: r.cluster.Name, Replica: r.cluster.Replica, Held: e.boxes, Offset: r.keeper.Offset, Take: e.take, Answer: e.answer, Log: e.log,
	})
}

// mail returns what replicas asked each other; nil: there are none.
func (e *exporter) mail() map[question.Count]uint64 {
	if e.replicas == nil {
		return nil
	}
	return e.replicas.mailbox.Counts()
}

// boxes returns the shares whose boxes this replica reads: those that it holds and goes on holding, once they are in force.
func (e *exporter) boxes() []share.Share { return e.inForceOf(e.replicas.keeper.Keeps()) }

// inForceOf returns those of some shares that are in force.
func (e *exporter) inForceOf(shares []share.Share) []share.Share {
	g := e.inForce.Load()
	return slices.DeleteFunc(shares, func(sh share.Share) bool {
		a := g.account(sh.Account)
		return a == nil || !a.held.HasPart(sh.Part)
	})
}

// shareOf returns the share that a task of an account is in.
func (r *replicas) shareOf(account, id string) share.Share {
	parts := r.keeper.Parts(account)
	return share.Share{Account: account, Part: share.Of(id, parts), Parts: parts}
}

// isHere reports whether a task of an account is this replica's.
func (e *exporter) isHere(account, id string) bool {
	return e.replicas == nil || slices.Contains(e.boxes(), e.replicas.shareOf(account, id))
}

// forward hands the hint of a callback to the replica that has the task, if another one does.
func (e *exporter) forward(ctx context.Context, account, id string) (result webhook.Result, elsewhere bool) {
	if e.isHere(account, id) {
		return 0, false
	}
	sh := e.replicas.shareOf(account, id)
	if _, registers := e.registersIn(account); registers { // then it is safe once it is acknowledged, as a push is
		if e.replicas.store.Hint(ctx, partOf(sh), id) != nil {
			return webhook.Unforwarded, true
		}
		e.tellOfNotes(ctx, sh)
		return webhook.Forwarded, true
	}
	if e.replicas.mailbox.Tell(ctx, sh, question.Hint, subject{id}) != nil { // which is counted
		return webhook.Unforwarded, true
	}
	return webhook.Forwarded, true
}

// take takes what another replica tells about a share.
func (e *exporter) take(_ context.Context, q question.Kind, sh share.Share, body []byte) {
	var task subject
	switch {
	case q == question.Push:
		e.replicas.notes.arrive()
	case q == question.Hint && json.Unmarshal(body, &task) == nil && kie.ValidID(task.ID):
		e.webhook.Hint(sh.Account, task.ID)
	}
}

// errNoAnswer says that a question has no answer here.
var errNoAnswer = errors.New("there is no answer")

// answer answers what another replica asks about a share, or about all that this one holds.
func (e *exporter) answer(ctx context.Context, q question.Kind, sh share.Share, body []byte) (any, error) {
	pages := e.pages.Load()
	switch {
	case q == question.Probe && sh.Account != "":
		return e.answerProbe(ctx, sh, body)
	case q == question.Page && sh.Account == "" && pages != nil:
		return pages.Answer(ctx, body)
	}
	return nil, errNoAnswer
}

// pagesOfReplicas is the replicas as pages see them.
type pagesOfReplicas struct{ e *exporter }

// Name implements web.Replicas.
func (p pagesOfReplicas) Name() string { return p.e.replicas.cluster.Replica }

// Own implements web.Replicas.
func (p pagesOfReplicas) Own() []share.Share { return p.e.inForceOf(p.e.replicas.keeper.Held()) }

// Holders implements web.Replicas.
func (p pagesOfReplicas) Holders(ctx context.Context) (all []web.Holder) {
	holders, known := p.e.replicas.keeper.Holders(ctx)
	for _, h := range holders {
		all = append(all, web.Holder{Share: h.Share, Replica: h.Replica, Known: known})
	}
	return all
}

// errSecret says that what somebody looks for is a secret, which goes nowhere.
var errSecret = errors.New("the question has a secret of the configuration")

// Ask implements web.Replicas.
func (p pagesOfReplicas) Ask(ctx context.Context, replica string, about any) ([]byte, error) {
	text, err := json.Marshal(about)
	if err != nil {
		return nil, err
	}
	for _, secret := range p.e.config().Secrets() {
		if secret != "" && bytes.Contains(text, []byte(secret)) {
			return nil, errSecret
		}
	}
	return p.e.replicas.mailbox.AskReplica(ctx, replica, question.Page, json.RawMessage(text))
}

// Order implements web.Replicas.
func (p pagesOfReplicas) Order() (accounts, groups []string) {
	cfg := p.e.config()
	for _, a := range cfg.Accounts {
		accounts = append(accounts, a.Name)
	}
	for _, g := range cfg.Groups {
		groups = append(groups, g.Name)
	}
	return accounts, groups
}
