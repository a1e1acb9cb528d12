// What a query string asks for: which tasks, and which page of them.

package web

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	defaultLimit = 50
	maxLimit     = 500
	maxValues    = 50  // of one parameter
	maxText      = 256 // bytes of a value; an id with its account and its place in the list fits
)

// query says which tasks to show. Tasks in scope are summed up; those that match as well are listed.
type query struct {
	groups, models, accounts []string
	text                     string // part of the id

	states    []kie.State
	reasons   []string
	failCodes []string
	overdue   bool // only these
	failing   bool // only those whose last query failed
	missing   bool // only those that the API does not know

	limit         int
	byID          bool  // in this order, and not by what needs a look first
	after, before *rank // at most one of them

	format        string  // json: a page; else a stream of all that match
	finishedAfter *cursor // only finished tasks after it, in their order; nil: all, in none

	values url.Values // what was asked, without empty values and the place in the list
	raw    string     // as it came
}

// parseQuery reads a query string. Its errors are for people.
func parseQuery(raw string) (*query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("the query string can't be read: %w", err)
	}
	q := &query{limit: defaultLimit, format: formatJSON, values: url.Values{}, raw: raw}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		given := slices.DeleteFunc(values[name], func(v string) bool { return v == "" }) // forms send empty fields
		if err := q.set(name, given); err != nil {
			return nil, err
		}
	}
	if q.after != nil && q.before != nil {
		return nil, errors.New("after and before exclude each other")
	}
	if place := cmp.Or(q.after, q.before); place != nil && q.byID != (place.class == rankByID) {
		return nil, errors.New("after and before: the place is one of another order")
	}
	return q, q.checkFormat()
}

// checkFormat sees that pages and streams have the parameters that are theirs.
func (q *query) checkFormat() error {
	if q.format == formatJSON {
		if q.finishedAfter != nil {
			return errors.New("finished_after: needs format=csv or format=ndjson")
		}
		return nil
	}
	if q.after != nil || q.before != nil || q.values.Has("limit") || q.values.Has("order") {
		return errors.New("limit, order, after and before are of pages; csv and ndjson have all tasks that match")
	}
	return nil
}

func (q *query) set(name string, given []string) (err error) {
	switch {
	case len(given) == 0 && name == "finished_after": // no form sends it: a cursor that somebody lost, and without it all tasks would come
		return errCursor
	case len(given) == 0 && slices.Contains(parameters(), name):
		return nil
	case len(given) > maxValues:
		return fmt.Errorf("%s: at most %d values", name, maxValues)
	case len(given) > 1 && !repeatable(name):
		return fmt.Errorf("%s: may be given once", name)
	}
	for _, v := range given {
		if most := longest(name); !utf8.ValidString(v) || len(v) > most {
			return fmt.Errorf("%s: a value must be UTF-8 and at most %d bytes long", name, most)
		}
	}
	switch name {
	case "group":
		q.groups = given
	case "model":
		q.models = given
	case "account":
		q.accounts = given
	case "q":
		q.text = given[0]
	case "state":
		q.states, err = parseStates(given)
	case "reason":
		q.reasons, err = parseReasons(given)
	case "fail_code":
		q.failCodes = given
	case "overdue":
		q.overdue, err = parseBool(name, given[0])
	case "failing":
		q.failing, err = parseBool(name, given[0])
	case "missing":
		q.missing, err = parseBool(name, given[0])
	case "format":
		q.format, err = parseFormat(given[0])
	case "finished_after":
		q.finishedAfter, err = parseCursor(given[0])
	case "order":
		q.byID, err = parseOrder(given[0])
	case "limit":
		q.limit, err = parseLimit(given[0])
	case "after":
		q.after, err = parseRank(name, given[0])
		return err
	case "before":
		q.before, err = parseRank(name, given[0])
		return err
	default:
		return fmt.Errorf("there is no parameter %q; there are %s", name, strings.Join(parameters(), ", "))
	}
	q.values[name] = given
	return err
}

// parameters returns the names that are known.
func parameters() []string {
	return []string{"group", "model", "account", "q", "state", "reason", "fail_code", "overdue", "failing", "missing", "order", "limit", "after", "before", "format", "finished_after"}
}

// longest returns how many bytes a value of a parameter may have.
func longest(name string) int {
	if name == "finished_after" {
		return 2 * maxText // it has an id and an account in twice as many bytes
	}
	return maxText
}

// repeatable reports whether a parameter may have several values, of which a task must have one.
func repeatable(name string) bool {
	switch name {
	case "group", "model", "account", "state", "reason", "fail_code":
		return true
	}
	return false
}

func parseStates(given []string) (all []kie.State, err error) {
	for _, v := range given {
		switch v {
		case "unfinished":
			all = append(all, unfinished()...)
		case "finished":
			all = append(all, kie.StateSuccess, kie.StateFail)
		default:
			i := slices.IndexFunc(kie.States(), func(s kie.State) bool { return s.String() == v })
			if i < 0 {
				return nil, fmt.Errorf("state: there is no %q; there are %v, unfinished, finished", v, kie.States())
			}
			all = append(all, kie.States()[i])
		}
	}
	return all, nil
}

func parseReasons(given []string) ([]string, error) {
	for _, v := range given {
		if !slices.ContainsFunc(kie.Reasons(), func(r kie.Reason) bool { return r.String() == v }) {
			return nil, fmt.Errorf("reason: there is no %q; there are %v", v, kie.Reasons())
		}
	}
	return given, nil
}

func parseBool(name, v string) (bool, error) {
	if v != "true" && v != "false" {
		return false, fmt.Errorf("%s: %q is neither true nor false", name, v)
	}
	return v == "true", nil
}

// parseOrder reads an order, of which there is one that can be named: the other is what pages have without it.
func parseOrder(v string) (byID bool, err error) {
	if v != "id" {
		return false, fmt.Errorf("order: there is no %q; there is id, or none", v)
	}
	return true, nil
}

func parseFormat(v string) (string, error) {
	switch v {
	case formatJSON, formatCSV, formatNDJSON:
		return v, nil
	}
	return "", fmt.Errorf("format: there is no %q; there are %s, %s, %s", v, formatJSON, formatCSV, formatNDJSON)
}

func parseLimit(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		return 0, fmt.Errorf("limit: %q is not a number from 1 to %d", v, maxLimit)
	}
	return n, nil
}

// inScope reports whether a task is one of those that are summed up.
func (q *query) inScope(k *view.Task) bool {
	return oneOf(q.groups, k.Group) && oneOf(q.models, k.Model) && oneOf(q.accounts, k.Account) && strings.Contains(k.ID, q.text)
}

// matches reports whether a task in scope is one of those that are listed.
func (q *query) matches(k *view.Task) bool {
	if q.reasons != nil || q.failCodes != nil {
		if k.State != kie.StateFail || !oneOf(q.reasons, k.Reason.String()) || !oneOf(q.failCodes, k.FailCode) {
			return false
		}
	}
	return oneOf(q.states, k.State) && (!q.overdue || k.Overdue) && (!q.failing || k.QueryError != kie.ClassOK) && (!q.missing || isMissing(k))
}

// isMissing reports whether the API does not know an unfinished task, not any more or never did.
func isMissing(k *view.Task) bool { return k.GivenUp || k.QueryError == kie.ClassNotFound }

// isFailing reports whether the last query about a task that the API may know has failed.
func isFailing(k *view.Task) bool { return k.QueryError != kie.ClassOK && !isMissing(k) }

// oneOf reports whether v is among the wanted; where none is wanted, all are.
func oneOf[T comparable](wanted []T, v T) bool { return len(wanted) == 0 || slices.Contains(wanted, v) }

// with returns the query string with parameters, given as name and value, set or, where the value is empty, left out.
func (q *query) with(pairs ...string) string {
	v := maps.Clone(q.values)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			delete(v, pair[0])
		} else {
			v[pair[0]] = pair[1:]
		}
	}
	return "?" + v.Encode()
}

// statesCount is how many states there are.
const statesCount = int(kie.StatePending) + 1

func unfinished() []kie.State {
	return slices.DeleteFunc(kie.States(), func(s kie.State) bool { return s.Finished() })
}
