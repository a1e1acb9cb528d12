// What --config.check says.

package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// checkLists reads the lists, those of servers too, and says what each has and what would be asked. All that can be wrong with
// the configuration itself has come out before. A list that can't be read now is no fault of the configuration, but worth a
// warning; a strict check fails after any.
func (f *flags) checkLists(ctx context.Context, e *exporter, stdout io.Writer) error {
	_ = e.sources.Load(ctx) // what can't be read is in the reports
	e.sources.LoadAgain(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	lines := []string{"The configuration is valid."}
	warnings := 0
	warn := func(text string) {
		warnings++
		lines = append(lines, "Warning: "+text)
	}
	for _, g := range f.unreceived(e.config()) {
		warn("group " + g + " is polled like others: callbacks are not received without --web.webhook-listen-address.")
	}
	for _, g := range f.unguarded(e.config()) {
		warn("whoever reaches the port may push ids to group " + g + ": it has no credentials_file for pushes, and --web.config.file asks for no password.")
	}
	for _, w := range f.warnings(e.config()) {
		warn(w.about + " " + w.name + ": " + w.text + ".")
	}
	for _, r := range e.sources.Reports() {
		lines = append(lines, sourceLine(r))
		for _, text := range warningsOf(r) {
			warn(text)
		}
	}
	if text := e.inTwoAccounts(); text != "" {
		warn(text)
	}
	for account, plan := range e.plans() {
		if takesPushes(e.config(), account) {
			plan += "; what was pushed comes on top of that, up to limits.tasks in all, and is not counted here"
		}
		lines = append(lines, fmt.Sprintf("Account %s: %s.", account, plan))
	}
	if _, err := fmt.Fprintln(stdout, printable(strings.Join(lines, "\n"))); err != nil {
		return err
	}
	if f.strict && warnings > 0 {
		return fmt.Errorf("the check is strict, and there is %s", counted(warnings, "warning"))
	}
	return nil
}

// inTwoAccounts says which ids are in groups of several accounts; empty: none. Each account asks about them with its own key, and if both keys are
// of one account of the API, such a task counts in both.
func (e *exporter) inTwoAccounts() string {
	if len(e.config().Accounts) < 2 {
		return ""
	}
	first := make(map[string]string)
	ids, example := 0, ""
	for t := range e.tracker.All() {
		switch other, seen := first[t.ID]; {
		case !seen:
			first[t.ID] = t.Account
		case other != "" && other != t.Account:
			first[t.ID] = "" // once is enough
			accounts := []string{other, t.Account}
			slices.Sort(accounts)
			text := fmt.Sprintf("%s of %s and %s", oneLine(t.ID), accounts[0], accounts[1])
			if ids++; example == "" || text < example {
				example = text
			}
		}
	}
	if ids == 0 {
		return ""
	}
	return fmt.Sprintf("groups of different accounts have the same ids, %d of them (such as %s): each account asks about them, and is told of its own tasks only.", ids, example)
}

// takesPushes reports whether a group of an account does.
func takesPushes(cfg *config.Config, account string) bool {
	return slices.ContainsFunc(cfg.Groups, func(g config.Group) bool { return g.Account == account && g.Push != nil })
}

// sourceLine tells what a source has and what of it was skipped.
func sourceLine(r source.Report) string {
	if r.Pushed {
		return fmt.Sprintf("Source %s of group %s: what was pushed is known to a running exporter alone.", r.Source, r.Group)
	}
	text := fmt.Sprintf("Source %s of group %s: %s", r.Source, r.Group, counted(r.IDs, "id"))
	var skipped []string
	for _, skip := range r.Skipped {
		skipped = append(skipped, fmt.Sprintf("%d %s%s", skip.Count, skip.Reason, firstAt(skip)))
	}
	if len(skipped) > 0 {
		text += "; skipped: " + strings.Join(skipped, ", ")
	}
	return text + "."
}

// firstAt says where the first is that was skipped, if that is known.
func firstAt(skip source.Skip) string {
	switch {
	case skip.Line == 0:
		return ""
	case skip.File == "":
		return fmt.Sprintf(" (the first in line %d)", skip.Line)
	default:
		return fmt.Sprintf(" (the first in line %d of %s)", skip.Line, oneLine(skip.File))
	}
}

// warningsOf returns what of a source deserves a warning.
func warningsOf(r source.Report) (texts []string) {
	of := fmt.Sprintf("source %s of group %s ", r.Source, r.Group)
	switch {
	case r.Partly:
		texts = append(texts, fmt.Sprintf("%scan't be read in whole: %s.", of, oneLine(r.Err.Error())))
	case r.Err != nil:
		return []string{fmt.Sprintf("%scan't be read: %s.", of, oneLine(r.Err.Error()))}
	}
	if r.IDs == 0 && !r.Pushed {
		texts = append(texts, of+"yields no ids.")
	}
	bad := func(s source.Skip) bool {
		return s.Reason != source.RejectedDuplicate && s.Reason != source.RejectedNoTask // both as they should be
	}
	if slices.ContainsFunc(r.Skipped, bad) {
		texts = append(texts, of+"has ids or lines that are not taken.")
	}
	return texts
}

// oneLine keeps what others have named from looking like lines of ours.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "?") }

// printable keeps what others have named from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
