// Who spends an account's budget.

package tracker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/spending"
)

// account is a budget and the tasks that it is spent on. Its fields are guarded by the tracker's lock.
type account struct {
	tracker *Tracker
	name    string
	budget  *budget.Account
	log     *slog.Logger
	wake    chan struct{} // has a token when there may be something new to do

	work  func()        // dispatches until stop is called; nil: nobody does so yet
	stop  func()        // nil like work
	ended chan struct{} // closed when work is done; nil like it

	queue   schedule.Queue[*task]
	backlog backlog           // of the queue
	asking  map[*task]*query  // under way
	probing map[string]*query // of probes, by id, from before they have a permit
	clock   life.Clock
	gate    kie.Class // that closed the budget's gate, as last logged
	key     key
	failed  int  // requests in a row that showed the API not to be in working order
	foreign bool // something else answered one of these, as last logged
	waiting []*waiter
	credits credits

	unknownStates uint64   // answers with a word for a state that is not known
	words         []string // the first of these
}

func newAccount(t *Tracker, o AccountOptions) *account {
	a := &account{
		tracker: t,
		name:    o.Name,
		budget:  o.Budget,
		log:     t.log.With("account", o.Name),
		wake:    make(chan struct{}, 1),
		asking:  make(map[*task]*query),
		probing: make(map[string]*query),
		credits: credits{interval: o.CreditsInterval},
		key:     key{origin: o.KeyOrigin, untried: o.TryKey},
	}
	a.queue.Backlog = &a.backlog
	return a
}

// dispatch gives each free slot of the budget to the request that is worth most then, until ctx ends.
func (a *account) dispatch(ctx context.Context) {
	var requests sync.WaitGroup
	defer requests.Wait()
	for a.awaitWork(ctx) {
		permit, err := a.budget.Acquire(ctx)
		if err != nil {
			return
		}
		send := a.choose(permit)
		if send == nil {
			permit.Release()
			continue
		}
		requests.Go(func() { send(ctx) })
	}
}

// awaitWork waits until something is due; false: ctx has ended.
func (a *account) awaitWork(ctx context.Context) bool {
	for ctx.Err() == nil {
		wait, timed := a.untilWork(time.Now())
		if timed && wait <= 0 {
			return true
		}
		var timer <-chan time.Time
		if timed {
			timer = time.After(wait)
		}
		select {
		case <-a.wake:
		case <-timer:
		case <-ctx.Done():
		}
	}
	return false
}

// untilWork returns how long it is until something is due; false if nothing will be before somebody wakes the dispatcher.
func (a *account) untilWork(now time.Time) (time.Duration, bool) {
	t := a.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.options.Background && !now.Before(t.awakeUntil) && !a.key.untried {
		return 0, false
	}
	at, ok := a.queue.Earliest()
	if due, asks := a.credits.dueAt(); asks && (!ok || due.Before(at)) {
		at, ok = due, true
	}
	return at.Sub(now), ok
}

// isDue reports whether the dispatcher has something to ask now.
func (a *account) isDue() bool {
	wait, timed := a.untilWork(time.Now())
	return timed && wait <= 0
}

// wakeUp makes the dispatcher look for something to do.
func (a *account) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// choose returns the request that is worth most now; nil if nothing is due any more.
func (a *account) choose(permit *budget.Permit) func(context.Context) {
	now := time.Now()
	t := a.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	askCredits := func(ctx context.Context) { a.askCredits(ctx, permit) }
	if a.triesKey(permit) {
		return askCredits
	}
	if a.credits.isDue(now) && !permit.IsTrial() {
		a.key.untried = false
		a.credits.begin()
		return askCredits
	}
	k, ok := a.take(now, permit)
	if !ok {
		if !a.credits.isDue(now) {
			return nil
		}
		a.credits.begin()
		return askCredits
	}
	a.key.untried = false
	if k.unfinished.Answered.IsZero() {
		permit.Unproven()
	}
	a.begin(k)
	return func(ctx context.Context) {
		answer, err := permit.Record(ctx, k.id)
		t.learn(a, k, answer, err)
	}
}

// take takes the task to ask about. A trial of a closed gate is best about one that the API has answered about before: whoever lists ids
// on which it fails would have all trials spent on them. If no such task is due, about one that has not failed.
func (a *account) take(now time.Time, permit *budget.Permit) (*task, bool) {
	if !permit.IsTrial() {
		return a.queue.Take(now)
	}
	return a.queue.Take(now,
		func(k *task) bool { return k.unfinished.Answered.IsZero() },
		func(k *task) bool { return k.unfinished.Class != kie.ClassOK || permit.Avoids(k.id) },
	)
}

// triesKey begins a credit call if that is what a permit is for.
func (a *account) triesKey(permit *budget.Permit) bool {
	if a.credits.interval == 0 || a.credits.asking || !permit.PrefersCredit() {
		return false
	}
	a.credits.begin()
	return true
}

// begin notes that a task is being asked.
func (a *account) begin(k *task) {
	k.own().Begin()
	a.asking[k] = newQuery()
}

// note logs what the outcome of a request changed for the account as a whole, and at level debug the outcome itself.
func (a *account) note(err error, about ...any) {
	if kie.Cancelled(err) {
		return
	}
	if err != nil {
		a.log.Debug("A request failed", append(about, "err", err)...)
	}
	a.noteHealth(err)
	a.noteKey(err, len(about) == 0)
	if reason := a.budget.Closed(); reason != a.gate {
		a.gate = reason
		if reason == kie.ClassOK {
			a.log.Info("Asking again")
		} else {
			a.log.Warn("Not asking for now", "reason", reason.String())
		}
	}
}

// key is what is known of an account's key. Its fields are guarded by the tracker's lock.
type key struct {
	origin  string // in words
	untried bool   // and to be tried, whether or not somebody scrapes

	refusedBalance, refusedTasks bool // when last asked for that
}

// noteKey logs that the API refuses the key, once until it is taken for all that it was refused for: some gateways serve the tasks and
// not the balance.
func (a *account) noteKey(err error, balance bool) {
	refused := &a.key.refusedTasks
	if balance {
		refused = &a.key.refusedBalance
	}
	before := a.key.refusedBalance || a.key.refusedTasks
	switch kie.ClassOf(err) {
	case kie.ClassAuth:
		*refused = true
	case kie.ClassOK:
		*refused = false
	default: // says nothing about the key
	}
	switch now := a.key.refusedBalance || a.key.refusedTasks; {
	case now && !before:
		//nolint:sloglint // a whole sentence, for whoever has to go and mend it
		a.log.Error(fmt.Sprintf("The API refuses the key of account %s, %s", a.name, a.key.origin))
	case before && !now:
		a.log.Info("The API takes the key again")
	}
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

// failuresToLog is how many requests in a row must fail until that is worth a warning: single tasks may always fail.
const failuresToLog = 3

func (a *account) noteHealth(err error) {
	if !a.budget.Up() {
		defer a.noteForeign(err)
		if a.failed++; a.failed == failuresToLog {
			a.log.Warn("The API does not work for us", "err", err)
		}
		return
	}
	if a.failed >= failuresToLog {
		a.log.Info("The API works again")
	}
	a.failed, a.foreign = 0, false
}

// noteForeign logs once, until the API answers again, that something else does. A single page is no outage.
func (a *account) noteForeign(err error) {
	if a.foreign || !kie.IsForeign(err) || a.failed < failuresToLog && a.budget.Closed() == kie.ClassOK {
		return
	}
	a.foreign = true
	a.log.Warn("Something that is not the API answers at base_url. It tells nothing about tasks or credits; if it stays, look at base_url", "err", err)
}

// wordsToLog is how many unknown words for a state are logged.
const wordsToLog = 5

// noteWord counts an answer whose state has a word that is not known, and logs the first few words.
func (a *account) noteWord(answer kie.Answer) {
	if answer.Word == "" {
		return
	}
	a.unknownStates++
	if len(a.words) >= wordsToLog || slices.Contains(a.words, answer.Word) {
		return
	}
	a.words = append(a.words, answer.Word)
	a.log.Warn("The API uses a word for a task's state that is not known: such a task counts as unknown and is asked on", "word", answer.Word)
}

// credits is what is known of an account's balance. Its fields are guarded by the tracker's lock.
type credits struct {
	interval time.Duration // 0: never asked for
	asking   bool
	next     time.Time // when it is to be asked for; zero: at once
	failed   int       // calls in a row that failed
	balance  float64
	told     time.Time // when the balance was last told; zero: never
	used     float64
	spending spending.Rate
}

// dueAt returns when the balance is to be asked for; false: not before an answer has come, or never.
func (c *credits) dueAt() (time.Time, bool) { return c.next, c.interval > 0 && !c.asking }

func (c *credits) isDue(now time.Time) bool {
	at, asks := c.dueAt()
	return asks && !at.After(now)
}

// every has the balance asked for at another interval.
func (c *credits) every(interval time.Duration, now time.Time) {
	c.interval = interval
	if soonest := now.Add(interval); c.next.After(soonest) {
		c.next = soonest
	}
}

func (c *credits) begin() { c.asking = true }

// mostUsed is more than any account uses between two looks at its balance; what is beyond would spoil the sum for good.
const mostUsed = 1e9

// end takes what became of a credit call. A balance that has grown was topped up, and says nothing about use.
func (c *credits) end(balance float64, err error, now time.Time) {
	c.asking, c.next = false, now.Add(c.interval)
	if err != nil {
		c.failed++
		c.next = now.Add(max(min(schedule.Backoff(c.failed), c.interval), budget.RetryAfter(err)))
		return
	}
	c.failed = 0
	if used := c.balance - balance; !c.told.IsZero() && used > 0 && used <= mostUsed {
		c.used += used
	}
	c.balance, c.told = balance, now
	c.spending.Add(now, c.used)
}

// known returns the balance unless it is too old to be shown.
func (c *credits) known(now time.Time) (float64, bool) {
	return c.balance, !c.told.IsZero() && now.Sub(c.told) <= 3*c.interval
}

func (a *account) askCredits(ctx context.Context, permit *budget.Permit) {
	balance, err := permit.Credit(ctx)
	now := time.Now()
	a.tracker.mu.Lock()
	defer a.tracker.mu.Unlock()
	a.tracker.changes.Add(1)
	a.note(err)
	a.credits.end(balance, err, now)
	a.release()
	a.wakeUp()
}
