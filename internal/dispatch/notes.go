// What outcomes say of the account as a whole, and what the log says of that.

package dispatch

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// notes is what outcomes say of an account, as far as it was logged.
type notes struct {
	name   string
	budget *budget.Account
	log    *slog.Logger

	key          key
	health       health
	unknownWords unknownWords
}

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

// unknownWords are what the API calls states that are not known.
type unknownWords struct {
	count  uint64   // answers with such a word
	logged []string // the first of the words
}

// outcome logs what the outcome of a request changed for the account as a whole, and at level debug the outcome itself.
func (n *notes) outcome(err error, about ...any) {
	if kie.Cancelled(err) {
		return
	}
	if err != nil {
		n.log.Debug("A request failed", append(about, "err", err)...)
	}
	n.noteHealth(err)
	n.noteKey(err, len(about) == 0)
	n.noteGate()
}

// noteGate logs that the budget's gate closed, for another reason now, or opened.
func (n *notes) noteGate() {
	reason := n.budget.Closed()
	if reason == n.health.gate {
		return
	}
	n.health.gate = reason
	if reason == kie.ClassOK {
		n.log.Info("Asking again")
	} else {
		n.log.Warn("Not asking for now", "reason", reason.String())
	}
}

// noteHealth logs that the API does not work, or does so again.
func (n *notes) noteHealth(err error) {
	h := &n.health
	if !n.budget.Up() {
		if h.failed++; h.failed == failuresToLog {
			n.log.Warn("The API does not work for us", "err", err)
		}
		n.noteForeign(err)
		return
	}
	if h.failed >= failuresToLog {
		n.log.Info("The API works again")
	}
	h.failed, h.foreign = 0, false
}

// noteForeign logs once, until the API answers again, that something else does. A single page is no outage.
func (n *notes) noteForeign(err error) {
	if n.health.foreign || !kie.IsForeign(err) || n.health.failed < failuresToLog && n.budget.Closed() == kie.ClassOK {
		return
	}
	n.health.foreign = true
	n.log.Warn("Something that is not the API answers at base_url. It tells nothing about tasks or credits; if it stays, look at base_url", "err", err)
}

// noteKey logs that the API refuses the key, once until it is taken for all that it was refused for: some gateways serve the tasks and
// not the balance.
func (n *notes) noteKey(err error, balance bool) {
	k := &n.key
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
		n.log.Error(fmt.Sprintf("The API refuses the key of account %s, %s", n.name, k.origin))
	case before && !now:
		n.log.Info("The API takes the key again")
	}
}

// noteWord counts an answer whose state has a word that is not known, and logs the first few words.
func (n *notes) noteWord(answer kie.Answer) {
	if answer.Word == "" {
		return
	}
	w := &n.unknownWords
	w.count++
	if len(w.logged) >= wordsToLog || slices.Contains(w.logged, answer.Word) {
		return
	}
	w.logged = append(w.logged, answer.Word)
	n.log.Warn("The API uses a word for a task's state that is not known: such a task counts as unknown and is asked on", "word", answer.Word)
}
