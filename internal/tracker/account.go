// The tasks of one account, as its dispatcher sees them.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/dispatch"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

var _ dispatch.Tasks = (*dispatchedAccount)(nil)

func newAccount(t *Tracker, o AccountOptions) *dispatchedAccount {
	log := t.log.With("account", o.Name)
	a := &dispatchedAccount{tracker: t, has: o.Has, Account: entry.NewAccount(o.Name, o.Budget, log, t.records.LastRun(o.Name))}
	a.Dispatcher = dispatch.New(a.dispatchOptions(o), a)
	return a
}

// dispatchOptions are what a dispatcher is to know of an account's options.
func (a *dispatchedAccount) dispatchOptions(o AccountOptions) dispatch.Options {
	return dispatch.Options{
		Name: o.Name, Budget: o.Budget, CreditsInterval: o.CreditsInterval, ModelsInterval: o.ModelsInterval,
		KeyOrigin: o.KeyOrigin, TryKey: o.TryKey, Log: a.Log,
	}
}

// NextDue implements dispatch.Tasks.
func (a *dispatchedAccount) NextDue(now time.Time) (at time.Time, ok, awake bool) {
	t := a.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok = a.Queue.Earliest()
	return at, ok, t.options.Background || now.Before(t.awakeUntil)
}

// Take implements dispatch.Tasks. A trial of a closed gate goes to a task about which the API has answered before, or else to one that has
// not failed: ids that make the API fail must not use up all trials.
func (a *dispatchedAccount) Take(now time.Time, permit *budget.Permit) (dispatch.Query, bool) {
	t := a.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	var avoid []func(*entry.Task) bool
	if permit.IsTrial() {
		avoid = append(avoid,
			func(k *entry.Task) bool { return !k.Unfinished.IsAnswered() },
			func(k *entry.Task) bool { return k.Unfinished.Class != kie.ClassOK || permit.Avoids(k.ID) })
	}
	k, ok := a.Queue.Take(now, avoid...)
	if !ok {
		return dispatch.Query{}, false
	}
	a.Begin(k)
	return dispatch.Query{
		Endpoint: k.AskedAt(), ID: k.ID, Unproven: !k.Unfinished.IsAnswered(), Worth: a.Queue.Worth(),
		Learn: func(answer kie.Answer, err error) { t.learn(a.Account, k, answer, err) },
	}, true
}

// Models implements dispatch.Tasks.
func (a *dispatchedAccount) Models() []string {
	a.tracker.mu.Lock()
	defer a.tracker.mu.Unlock()
	return a.tracker.tasks.ModelsOf(a.Account)
}

// Settled implements dispatch.Tasks.
func (a *dispatchedAccount) Settled() { a.tracker.update(a.Release) }

// end stops the dispatcher, waits until its last request has ended, and ends the waiting of scrapes.
func (a *dispatchedAccount) end() {
	if a.ended != nil {
		a.stop()
		<-a.ended
	}
	a.tracker.mu.Lock()
	defer a.tracker.mu.Unlock()
	a.Release()
}
