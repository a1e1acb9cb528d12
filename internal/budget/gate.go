// When an account is closed, for how long, and what opens it.

package budget

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	// faultsToClose is how many tasks in a row must meet a fault of the API or of the way to it.
	faultsToClose = 5
	// mostClosers is how many tasks are remembered as those that a trial should not be about.
	mostClosers = 16
	// refusalsToClose is how many tasks in a row must be refused for lack of credits or as disabled.
	refusalsToClose = 3
	// answeredLately is for how long an answer shows that the API works, against faults of tasks about which it never answered.
	answeredLately = time.Minute
	// leftToOthers is how long a trial that is due waits for a request that is not about a task that closed the gate.
	leftToOthers = 30 * time.Second
	// afterCancelled is the least time from a cancelled trial to the next: a cancelled one says nothing about the reason.
	afterCancelled = time.Second
	// shortestClosed and longestClosed bound what Retry-After asks for.
	shortestClosed = time.Second
	longestClosed  = 5 * time.Minute
)

// gate closes an account after an outcome that concerns all its requests. Closed, it lets nothing pass until its time is
// over, then one request as a trial. Only a request that was sent after the gate last moved moves it.
type gate struct {
	reason       kie.Class // that closed it; ok: open
	since        time.Time // when it closed
	until        time.Time // when a trial is due
	level        int       // trials in a row that failed as the reason says
	moves        uint64    // counts openings, closings and prolongations
	trialPending bool
	trials       int      // since it closed
	closers      []string // subjects of the requests that closed it
	key          string   // that was in force when it closed

	streak      kind // what the last outcomes have in common
	streakTasks []string
	proven      int       // of these: tasks about which the API has answered before, or the balance
	answered    time.Time // when it last answered about a task that is tracked
}

type trial uint8

const (
	trialNone   trial = iota
	trialTask         // a task that did not close the gate, if there is one
	trialCredit       // the credit call, which needs nothing but the key
)

// outcome is what became of a request.
type outcome struct {
	class      kie.Class
	retryAfter time.Duration
	subject    string // the task's id; empty for a credit call
	key        string
	moves      uint64
	trial      trial
	unlisted   bool // the task is not tracked
	unproven   bool // it is about a task about which the API has never answered
	cancelled  bool
}

func outcomeOf(p *Permit, subject string, err error) outcome {
	o := outcome{
		class: kie.ClassOf(err), subject: subject, key: p.key,
		moves: p.moves, trial: p.trial, unlisted: p.unlisted, unproven: p.unproven, cancelled: kie.Cancelled(err),
	}
	o.retryAfter = RetryAfter(err)
	return o
}

// RetryAfter returns how long an outcome asks not to be asked again, in bounds; 0 if it does not. Only a rate limit and
// a fault of the API itself may: of all others it returns 0, too.
func RetryAfter(err error) time.Duration {
	e, ok := errors.AsType[*kie.Error](err)
	if !ok || e.RetryAfter <= 0 || (e.Class != kie.ClassRateLimited && e.Class != kie.ClassServer) {
		return 0
	}
	return min(max(e.RetryAfter, shortestClosed), longestClosed)
}

// wait returns for how long no request about the task of an id may be sent; an empty id: the task is picked later. A task that closed
// the gate would keep it closed for all others, so for leftToOthers the trial is left to another task.
func (g *gate) wait(now time.Time, id string) time.Duration {
	switch {
	case g.reason == kie.ClassOK:
		return 0
	case g.trialPending:
		return longestPoll // the trial's end moves the gate, which wakes waiting acquires
	case id != "" && g.closedBy(id):
		return g.until.Add(leftToOthers).Sub(now)
	default:
		return g.until.Sub(now)
	}
}

// beginTrial makes the next request a trial if the gate is closed. A refused key is tried with the credit call and a task alternately:
// an API that refuses the credit call alone must not keep the gate closed.
func (g *gate) beginTrial() trial {
	if g.reason == kie.ClassOK {
		return trialNone
	}
	g.trialPending = true
	g.trials++
	if g.reason == kie.ClassAuth && g.trials%2 == 1 {
		return trialCredit
	}
	return trialTask
}

// abandonTrial leaves the trial to the next request.
func (g *gate) abandonTrial() {
	g.trialPending = false
	g.trials--
}

// settle opens, closes or prolongs the gate after an outcome. Outcomes of requests sent before the gate last moved change nothing.
func (g *gate) settle(o outcome, now time.Time) {
	if o.moves != g.moves {
		return
	}
	if o.cancelled {
		if o.trial != trialNone {
			g.abandonTrial()
			g.until = now.Add(afterCancelled)
		}
		return
	}
	if o.unlisted && !g.counts(o.class) {
		if o.trial != trialNone {
			g.abandonTrial()
		}
		return
	}
	g.countStreak(o, now)
	reason := g.closingClass(o, now)
	switch {
	case reason != kie.ClassOK && reason == g.reason, g.bothFaults(reason):
		g.reason = reason
		g.failed(o)
		g.prolong(now, o.retryAfter)
	case reason != kie.ClassOK:
		g.close(reason, o, now)
	case g.reason != kie.ClassOK && kindOf(o.class) == kindFault:
		g.failed(o) // a trial that met a fault says nothing about the reason
		g.prolong(now, o.retryAfter)
	case g.reason != kie.ClassOK:
		g.open()
	}
}

// counts reports whether an outcome of a query about an unlisted task counts: only if it says the same of every task, or that a closed
// account works again. The API may fail on that one id, which anybody may have named.
func (g *gate) counts(c kie.Class) bool {
	f := kindOf(c)
	return f == kindAlone || f == kindNone && g.reason != kie.ClassOK
}

// bothFaults reports whether the gate is closed for a fault and reason is one, too: one outage may show as several classes.
func (g *gate) bothFaults(reason kie.Class) bool {
	return kindOf(g.reason) == kindFault && kindOf(reason) == kindFault
}

// closingClass returns the class that closes the gate after the outcome, or keeps it closed; ok if there is none.
func (g *gate) closingClass(o outcome, now time.Time) kie.Class {
	closed := g.reason != kie.ClassOK
	switch kindOf(o.class) {
	case kindAlone:
		// A credit call alone does not refuse the key: some gateways serve the tasks and not the balance.
		if o.class == kie.ClassAuth && o.subject == "" && !closed {
			return kie.ClassOK
		}
		return o.class
	case kindFault:
		if g.isStreak(faultsToClose, now) || (closed && kindOf(g.reason) == kindFault) {
			return o.class
		}
	case kindCredits, kindDisabled:
		if g.isStreak(refusalsToClose, now) || o.class == g.reason {
			return o.class
		}
	case kindNone:
	}
	return kie.ClassOK
}

// isStreak reports whether so many tasks in a row met the same kind of outcome. Tasks about which the API never answered count only if
// it has answered about no other task for answeredLately: somebody may have listed ids on which it fails.
func (g *gate) isStreak(tasks int, now time.Time) bool {
	return g.proven >= tasks || len(g.streakTasks) >= tasks && now.Sub(g.answered) > answeredLately
}

// countStreak counts the different tasks in a row that met the same kind of outcome while the gate is open.
func (g *gate) countStreak(o outcome, now time.Time) {
	if (o.class == kie.ClassOK || o.class == kie.ClassNotFound) && o.subject != "" && !o.unlisted {
		g.answered = now
	}
	if g.reason != kie.ClassOK {
		return
	}
	f := kindOf(o.class)
	if f != g.streak || f == kindNone {
		g.streak, g.streakTasks, g.proven = f, nil, 0
	}
	if f != kindNone && !slices.Contains(g.streakTasks, o.subject) {
		g.streakTasks = append(g.streakTasks, o.subject)
		if !o.unproven {
			g.proven++
		}
	}
}

func (g *gate) close(reason kie.Class, o outcome, now time.Time) {
	g.reason, g.level, g.trials, g.key, g.since = reason, 0, 0, o.key, now
	g.closers, g.streak, g.streakTasks = g.streakTasks, kindNone, nil
	g.prolong(now, o.retryAfter)
}

// failed notes a trial that did not open the gate. The next one is about another task, if there is one.
func (g *gate) failed(o outcome) {
	g.level++
	g.closers = append(g.closers, o.subject)
	g.closers = g.closers[max(0, len(g.closers)-mostClosers):]
}

// prolong keeps the gate closed for as long as its reason demands.
func (g *gate) prolong(now time.Time, retryAfter time.Duration) {
	g.until = now.Add(closedFor(g.reason, g.level, retryAfter))
	g.trialPending = false
	g.moves++
}

func (g *gate) open() {
	g.reason, g.level, g.closers, g.trialPending = kie.ClassOK, 0, nil, false
	g.moves++
}

// opensWith reports whether another key than the one that closed the gate is reason to open it.
func (g *gate) opensWith(key string) bool {
	switch g.reason {
	case kie.ClassAuth, kie.ClassKeyLimit, kie.ClassCredits, kie.ClassDisabled:
		return key != g.key
	default:
		return false
	}
}

func (g *gate) closedBy(id string) bool { return slices.Contains(g.closers, id) }

// closedFor returns how long the gate stays closed after the level-th trial in a row that failed.
func closedFor(reason kie.Class, level int, retryAfter time.Duration) time.Duration {
	backsOff := reason == kie.ClassRateLimited || kindOf(reason) == kindFault
	switch {
	case backsOff && retryAfter > 0:
		return retryAfter
	case reason == kie.ClassRateLimited:
		return jittered(level, longestClosed)
	case backsOff:
		return jittered(level, time.Minute)
	default:
		return max(time.Minute, retryAfter)
	}
}

// jittered returns 5 s doubled level times and spread by ± 20 %, at most most.
func jittered(level int, most time.Duration) time.Duration {
	d := min(5*time.Second<<min(level, 10), most)
	return min(time.Duration(float64(d)*(0.8+0.4*rand.Float64())), most) //nolint:gosec // spreads load, guards no secret
}

// kind is what classes of outcome have in common for the gate.
type kind uint8

const (
	kindNone     kind = iota // concerns the one task, or nothing
	kindAlone                // one outcome closes the gate
	kindFault                // the API or the way to it is at fault
	kindCredits              // out of credits
	kindDisabled             // switched off
)

func kindOf(c kie.Class) kind {
	switch c {
	case kie.ClassRateLimited, kie.ClassAuth, kie.ClassKeyLimit, kie.ClassMaintenance:
		return kindAlone
	case kie.ClassTransport, kie.ClassTimeout, kie.ClassServer, kie.ClassDecode:
		return kindFault
	case kie.ClassCredits:
		return kindCredits
	case kie.ClassDisabled:
		return kindDisabled
	default: // concerns one task only
		return kindNone
	}
}

// Reasons returns the classes that can close a gate.
func Reasons() []kie.Class {
	return slices.DeleteFunc(kie.Classes(), func(c kie.Class) bool { return kindOf(c) == kindNone })
}
