// What is known by several replicas, of which each knows the tasks of the shares that it holds: any of them asks the others and puts
// together what they answer.

package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/share"
)

const (
	// patienceOfReplicas is how long other replicas are waited for.
	patienceOfReplicas = 2 * time.Second
	// mostAsking is how many requests wait for other replicas at a time.
	mostAsking = 16
)

// Replicas are this process and others, among which the shares of accounts are divided.
type Replicas interface {
	// Name returns the name of this one.
	Name() string
	// Own returns the shares whose tasks this one knows now.
	Own() []share.Share
	// Holders returns all shares and who holds them. It waits no longer than until ctx ends.
	Holders(ctx context.Context) []Holder
	// Ask asks a replica, which answers with Tasks.Answer, and waits until ctx ends.
	Ask(ctx context.Context, replica string, question any) ([]byte, error)
	// Order returns the names of accounts and groups as they are configured.
	Order() (accounts, groups []string)
}

// Holder is who holds a share.
type Holder struct {
	share.Share

	Replica string // empty: nobody, as far as is known
	Known   bool   // false: nobody can be asked now, and Replica is who held it last
}

// reason is why nothing is known of a share.
type reason string

const (
	unheld      reason = "unheld"      // nobody holds it
	silent      reason = "silent"      // its holder did not answer in time, or nothing that can be read
	unreachable reason = "unreachable" // nobody can be asked
	moving      reason = "moving"      // it is on its way from one replica to another
)

// Missing is a share of an account of which nothing is known here now.
type Missing struct {
	Account string `json:"account"`
	Part    int    `json:"part"`
	Parts   int    `json:"parts"`
	Holder  string `json:"held_by,omitempty"` // the replica that holds it; empty: nobody, as far as is known
	Reason  reason `json:"reason"`
}

// String returns which share it is, who holds it, and why nothing is known of it.
func (m Missing) String() string {
	text := "account " + m.Account
	if m.Parts > 1 {
		text += fmt.Sprintf(", part %d of %d (counted from 0)", m.Part, m.Parts)
	}
	if m.Holder == "" {
		text += ", held by nobody as far as is known"
	} else {
		text += ", held by " + m.Holder
	}
	switch m.Reason {
	case silent:
		text += ", which gave no answer"
	case unreachable:
		text += "; Redis does not answer"
	case moving:
		text += "; it is on its way from one replica to another"
	case unheld:
	}
	return text
}

func missingOf(sh share.Share, holder string, why reason) Missing {
	return Missing{sh.Account, sh.Part, sh.Parts, holder, why}
}

// asked is what a replica asks another one, about the shares that it takes that one to hold.
type asked struct {
	Shares  map[string][]int `json:"shares"`            // parts, by account
	Query   *string          `json:"query,omitempty"`   // a page of these tasks
	Status  bool             `json:"status,omitempty"`  // how it stands
	Task    string           `json:"task,omitempty"`    // all about the task of this id
	Account string           `json:"account,omitempty"` // of this account; empty: of any
}

// replicaAnswer is what it is answered.
type replicaAnswer struct {
	Shares  map[string][]int `json:"shares"` // of which the rest tells, of those that were asked about
	Tasks   *replicaPass     `json:"tasks,omitempty"`
	Status  *statusDocument  `json:"status,omitempty"`
	Records []replicaRecord  `json:"records,omitempty"`
}

// scope is shares whose tasks are told of; nil: all tasks are.
type scope map[string]share.Set

func scopeOf(shares []share.Share) scope {
	parts, held := make(map[string]int), make(map[string][]int)
	for _, sh := range shares {
		parts[sh.Account], held[sh.Account] = sh.Parts, append(held[sh.Account], sh.Part)
	}
	s := make(scope, len(parts))
	for account, n := range parts {
		s[account] = share.Some(n, held[account]...)
	}
	return s
}

// has reports whether a task is in the scope.
func (s scope) has(account, id string) bool {
	if s == nil {
		return true
	}
	set := s[account]
	return set.IsWhole() || set.Has(id)
}

// names returns the parts, by account.
func (s scope) names() map[string][]int {
	all := make(map[string][]int, len(s))
	for account, set := range s {
		all[account] = set.Held()
	}
	return all
}

// answered is what one replica answered about its shares.
type answered struct {
	replicaAnswer
	scope scope
	from  string
}

// askOthers asks whoever holds them about the shares that this replica does not have, each replica once and all at a time, and returns
// what they answer and of which shares nothing is known. Wanted, if given, says which shares matter.
func (t *Tasks) askOthers(ctx context.Context, own []share.Share, wanted func(share.Share) bool, about asked) (all []answered, missing []Missing, err error) {
	ctx, cancel := context.WithTimeout(ctx, patienceOfReplicas)
	defer cancel()
	waiting, stop := context.WithTimeout(ctx, patienceOfReplicas/2)
	defer stop()
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-waiting.Done():
		return nil, nil, errTooMany
	}
	matters := func(sh share.Share) bool { return wanted == nil || wanted(sh) }
	by := make(map[string][]share.Share)
	for _, h := range t.known.Replicas.Holders(ctx) {
		here := h.Replica == t.known.Replicas.Name()
		why := unreachable
		switch {
		case slices.Contains(own, h.Share):
			continue
		case h.Known && h.Replica != "" && !here:
			by[h.Replica] = append(by[h.Replica], h.Share)
			continue
		case h.Known && here:
			why = moving // it was taken a moment ago, or is lost
		case h.Known:
			why = unheld
		}
		if matters(h.Share) {
			missing = append(missing, missingOf(h.Share, h.Replica, why))
		}
	}
	var mu sync.Mutex // guards what is returned
	var asking sync.WaitGroup
	for replica, shares := range by {
		if !slices.ContainsFunc(shares, matters) {
			continue
		}
		asking.Go(func() {
			a, err := t.ask(ctx, replica, shares, about)
			mu.Lock()
			defer mu.Unlock()
			why := silent
			if err == nil {
				why = moving
				all = append(all, a)
			}
			for _, sh := range shares {
				if matters(sh) && !a.scope[sh.Account].HasPart(sh.Part) {
					missing = append(missing, missingOf(sh, replica, why))
				}
			}
		})
	}
	asking.Wait()
	slices.SortFunc(all, func(a, b answered) int { return strings.Compare(a.from, b.from) })
	return all, missing, nil
}

// ask asks one replica. What it answers is checked, as all is that comes from outside the process.
func (t *Tasks) ask(ctx context.Context, replica string, shares []share.Share, about asked) (a answered, err error) {
	of := scopeOf(shares)
	about.Shares = of.names()
	body, err := t.known.Replicas.Ask(ctx, replica, about)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a.replicaAnswer); err != nil {
		return a, err
	}
	var covered []share.Share
	for _, sh := range shares {
		if slices.Contains(a.Shares[sh.Account], sh.Part) {
			covered = append(covered, sh)
		}
	}
	a.scope, a.from = scopeOf(covered), replica
	if !a.isTo(&about) {
		return answered{}, errUnreadable
	}
	return a, nil
}

// errUnreadable says that an answer is none to what was asked.
var errUnreadable = errors.New("the answer can't be read")

// isTo reports whether an answer is one to a question, and tells of no tasks but those of its shares. Accounts of others it leaves out.
func (a *answered) isTo(about *asked) bool {
	if about.Query != nil && (a.Tasks == nil || !a.Tasks.isWithin(a.scope)) || about.Status && a.Status == nil {
		return false
	}
	if a.Status != nil {
		a.Status.limit(a.scope)
	}
	return !slices.ContainsFunc(a.Records, func(r replicaRecord) bool { return !r.Task.isWithin(a.scope) })
}

// lookAt tells of the tasks of some shares that are known here; nil: of all. Where some are lost meanwhile it looks again, at the others. It
// returns those that it told of.
func (t *Tasks) lookAt(shares []share.Share, tell func(scope) error) ([]share.Share, error) {
	if t.known.Replicas == nil {
		return nil, tell(nil)
	}
	for {
		if err := tell(scopeOf(shares)); err != nil {
			return nil, err
		}
		now := t.known.Replicas.Own()
		left := slices.DeleteFunc(slices.Clone(shares), func(sh share.Share) bool { return !slices.Contains(now, sh) })
		if len(left) == len(shares) {
			return shares, nil
		}
		shares = left
	}
}

// gather is what all replicas know: tell tells of what is known here, and others answer meanwhile. Each share is told of by one of them at
// the most, so no task comes twice.
func (t *Tasks) gather(ctx context.Context, wanted func(share.Share) bool, about asked, tell func(scope) error) (others []answered, missing []Missing, err error) {
	if t.known.Replicas == nil {
		return nil, nil, tell(nil)
	}
	own := t.known.Replicas.Own()
	var asking sync.WaitGroup
	var failed error
	asking.Go(func() { others, missing, failed = t.askOthers(ctx, own, wanted, about) })
	left, err := t.lookAt(own, tell)
	asking.Wait()
	if err = errors.Join(err, failed); err != nil {
		return nil, nil, err
	}
	for _, sh := range own {
		if !slices.Contains(left, sh) && (wanted == nil || wanted(sh)) {
			missing = append(missing, missingOf(sh, "", moving))
		}
	}
	slices.SortFunc(missing, func(a, b Missing) int { return cmp.Or(strings.Compare(a.Account, b.Account), a.Part-b.Part) })
	return others, missing, nil
}

// gatherStatus returns how all replicas stand.
func (t *Tasks) gatherStatus(ctx context.Context) (d *statusDocument, err error) {
	others, missing, err := t.gather(ctx, nil, asked{Status: true}, func(of scope) error {
		d = t.ownStatus(of)
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.complete(d, others, missing)
	return d, nil
}

// gatherPage returns a page of the tasks of all replicas, what is missing of it, and, if that is wanted, how the replicas stand.
func (t *Tasks) gatherPage(ctx context.Context, q *query, status bool) (s *overview, d *statusDocument, err error) {
	var all *pass
	d = &statusDocument{}
	others, missing, err := t.gather(ctx, nil, asked{Status: status, Query: &q.raw}, func(of scope) (err error) {
		if all, err = t.look(ctx, q, of); err == nil && status {
			d = t.ownStatus(of)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range others {
		if a := &others[i]; a.Tasks != nil {
			all.take(a.Tasks)
		}
	}
	t.complete(d, others, missing)
	return all.overview(time.Now()), d, nil
}

// gatherTask returns all that is known of a task, and how the replicas stand that may know something of it.
func (t *Tasks) gatherTask(ctx context.Context, id, account string) (all []replicaRecord, d *statusDocument, err error) {
	may := func(sh share.Share) bool {
		return (account == "" || sh.Account == account) && share.Of(id, sh.Parts) == sh.Part
	}
	others, missing, err := t.gather(ctx, may, asked{Status: true, Task: id, Account: account}, func(of scope) error {
		all, d = t.records(id, account, of), t.ownStatus(of)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range others {
		all = append(all, others[i].Records...)
	}
	t.complete(d, others, missing)
	return all, d, nil
}

// Answer answers what another replica asks.
func (t *Tasks) Answer(ctx context.Context, body []byte) (any, error) {
	var a asked
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, err
	}
	var q *query
	if a.Query != nil {
		parsed, err := parseQuery(*a.Query)
		if err != nil {
			return nil, err
		}
		q = parsed
	}
	var answer replicaAnswer
	shares, err := t.lookAt(a.own(t.known.Replicas.Own()), func(of scope) error {
		answer = replicaAnswer{}
		if q != nil {
			p, err := t.look(ctx, q, of)
			if err != nil {
				return err
			}
			answer.Tasks = p.forReplica()
		}
		if a.Status {
			answer.Status = t.ownStatus(of)
		}
		if a.Task != "" {
			answer.Records = t.records(a.Task, a.Account, of)
		}
		return nil
	})
	answer.Shares = scopeOf(shares).names()
	return answer, err
}

// own returns those of the shares that are known here that are asked about. Of an account of which more is known nothing is told: how it
// stands would be told of what another replica tells of, too.
func (a *asked) own(known []share.Share) []share.Share {
	more := make(map[string]bool)
	for _, sh := range known {
		if !slices.Contains(a.Shares[sh.Account], sh.Part) {
			more[sh.Account] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(known), func(sh share.Share) bool { return more[sh.Account] })
}
