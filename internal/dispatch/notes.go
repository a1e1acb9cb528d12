// What outcomes say of the account as a whole, and what the log says of that.

package dispatch

import (
	"fmt"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// failuresToLog is how many requests in a row must fail until that is worth a warning: single tasks may always fail.
const failuresToLog = 3

// health is what was logged of whether the account is served.
type health struct {
	gate    kie.Class // that closed the budget's gate, as last logged
	failed  int       // requests in a row that showed the API not to be in working order
	foreign bool      // something else answered one of these, as last logged
}

// key is what is known of an account's key.
type key struct {
	origin  string // in words
	untried bool   // and to be tried, whether or not somebody scrapes

	refusedBalance, refusedTasks bool // when last asked for that
}

// wordsToLog is how many unknown words for a state are logged.
const wordsToLog = 5

// words are what the API calls states that are not known.
type words struct {
	count  uint64   // answers with such a word
	logged []string // the first of the words
}

// Note takes the outcome of a query about a tracked task for what it says of the account.
func (d *Dispatcher) Note(id string, answer kie.Answer, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.noteLocked(err, "task_id", id)
	d.noteWordLocked(answer)
}

// NoteStranger takes an answer about a task that is not tracked: that it fails would say nothing of the account.
func (d *Dispatcher) NoteStranger(answer kie.Answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.noteWordLocked(answer)
}

// noteLocked logs what the outcome of a request changed for the account as a whole, and at level debug the outcome itself.
func (d *Dispatcher) noteLocked(err error, about ...any) {
	if kie.Cancelled(err) {
		return
	}
	if err != nil {
		d.log.Debug("A request failed", append(about, "err", err)...)
	}
	d.noteHealthLocked(err)
	d.noteKeyLocked(err, len(about) == 0)
	if reason := d.budget.Closed(); reason != d.health.gate {
		d.health.gate = reason
		if reason == kie.ClassOK {
			d.log.Info("Asking again")
		} else {
			d.log.Warn("Not asking for now", "reason", reason.String())
		}
	}
}

func (d *Dispatcher) noteHealthLocked(err error) {
	h := &d.health
	if !d.budget.Up() {
		if h.failed++; h.failed == failuresToLog {
			d.log.Warn("The API does not work for us", "err", err)
		}
		d.noteForeignLocked(err)
		return
	}
	if h.failed >= failuresToLog {
		d.log.Info("The API works again")
	}
	h.failed, h.foreign = 0, false
}

// noteForeignLocked logs once, until the API answers again, that something else does. A single page is no outage.
func (d *Dispatcher) noteForeignLocked(err error) {
	if d.health.foreign || !kie.IsForeign(err) || d.health.failed < failuresToLog && d.budget.Closed() == kie.ClassOK {
		return
	}
	d.health.foreign = true
	d.log.Warn("Something that is not the API answers at base_url. It tells nothing about tasks or credits; if it stays, look at base_url", "err", err)
}

// keyTried notes that a request is sent that shows whether the key is taken.
func (d *Dispatcher) keyTried() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.key.untried = false
}

// noteKeyLocked logs that the API refuses the key, once until it is taken for all that it was refused for: some gateways serve the tasks and
// not the balance.
func (d *Dispatcher) noteKeyLocked(err error, balance bool) {
	k := &d.key
	refused := &k.refusedTasks
	if balance {
		refused = &k.refusedBalance
	}
	before := k.refusedBalance || k.refusedTasks
	switch kie.ClassOf(err) {
	case kie.ClassAuth:
		*refused = true
	case kie.ClassOK:
		*refused = false
	default: // says nothing about the key
	}
	switch now := k.refusedBalance || k.refusedTasks; {
	case now && !before:
		//nolint:sloglint // a whole sentence, for whoever has to go and mend it
		d.log.Error(fmt.Sprintf("The API refuses the key of account %s, %s", d.name, k.origin))
	case before && !now:
		d.log.Info("The API takes the key again")
	}
}

// noteWordLocked counts an answer whose state has a word that is not known, and logs the first few words.
func (d *Dispatcher) noteWordLocked(answer kie.Answer) {
	if answer.Word == "" {
		return
	}
	w := &d.words
	w.count++
	if len(w.logged) >= wordsToLog || slices.Contains(w.logged, answer.Word) {
		return
	}
	w.logged = append(w.logged, answer.Word)
	d.log.Warn("The API uses a word for a task's state that is not known: such a task counts as unknown and is asked on", "word", answer.Word)
}
