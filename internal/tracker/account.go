// The tasks of one account, as its dispatcher sees them.

package tracker

import (
	"log/slog"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/backlog"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/dispatch"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

var _ dispatch.Tasks = (*account)(nil)

// account is a budget and the tasks that it is spent on. Its fields are guarded by the tracker's lock.
type account struct {
	tracker    *Tracker
	name       string
	budget     *budget.Account
	dispatcher *dispatch.Dispatcher
	lastRun    time.Time // what finished after it and was there at the start is news

	work  func()        // dispatches until stop is called; nil: nobody does so yet
	stop  func()        // nil like work
	ended chan struct{} // closed when work is done; nil like it

	queue   schedule.Queue[*task]
	backlog backlog.List[*task] // of the queue
	asking  map[*task]*query    // under way
	probing map[string]*query   // of probes, by id, from before they have a permit
	clock   life.Clock
	waiting dispatch.Waiters
}

// log returns the log, with the account's name.
func (a *account) log() *slog.Logger { return a.tracker.log.With("account", a.name) }

// dispatchOptions are what a dispatcher is to know of an account's options.
func dispatchOptions(o AccountOptions, log *slog.Logger) dispatch.Options {
	return dispatch.Options{
		Name: o.Name, Budget: o.Budget, CreditsInterval: o.CreditsInterval, KeyOrigin: o.KeyOrigin, TryKey: o.TryKey,
		Log: log.With("account", o.Name),
	}
}

func newAccount(t *Tracker, o AccountOptions) *account {
	a := &account{
		tracker: t,
		name:    o.Name,
		budget:  o.Budget,
		lastRun: t.lastRun(o.Name),
		asking:  make(map[*task]*query),
		probing: make(map[string]*query),
	}
	a.dispatcher = dispatch.New(dispatchOptions(o, t.log), a)
	a.queue.Backlog = &a.backlog
	return a
}

// NextDue implements dispatch.Tasks.
func (a *account) NextDue(now time.Time) (at time.Time, ok, awake bool) {
	t := a.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok = a.queue.Earliest()
	return at, ok, t.options.Background || now.Before(t.awakeUntil)
}

// Take implements dispatch.Tasks. A trial of a closed gate is best about a task that the API has answered about before: whoever lists ids
// on which it fails would have all trials spent on them. If no such task is due, about one that has not failed.
func (a *account) Take(now time.Time, permit *budget.Permit) (dispatch.Query, bool) {
	t := a.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	var avoid []func(*task) bool
	if permit.IsTrial() {
		avoid = append(avoid,
			func(k *task) bool { return !k.unfinished.IsAnswered() },
			func(k *task) bool { return k.unfinished.Class != kie.ClassOK || permit.Avoids(k.id) })
	}
	k, ok := a.queue.Take(now, avoid...)
	if !ok {
		return dispatch.Query{}, false
	}
	a.begin(k)
	return dispatch.Query{
		ID: k.id, Unproven: !k.unfinished.IsAnswered(),
		Learn: func(answer kie.Answer, err error) { t.learn(a, k, answer, err) },
	}, true
}

// Settled implements dispatch.Tasks.
func (a *account) Settled() {
	a.tracker.do(a.release)
}

// begin notes that a task is being asked.
func (a *account) begin(k *task) {
	k.own().Begin()
	a.asking[k] = newQuery()
}

// end stops the dispatcher and waits until its last request has ended, and lets go whoever waits for an answer.
func (a *account) end() {
	if a.ended != nil {
		a.stop()
		<-a.ended
	}
	a.tracker.mu.Lock()
	defer a.tracker.mu.Unlock()
	a.release()
}
