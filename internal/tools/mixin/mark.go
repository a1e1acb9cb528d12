// Marks in expressions and texts: where the mixin's _config has a say.

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Marks, as deploy/mixin/mixin.libsonnet replaces them. A selector is either all of a series' matchers, or comes before others; within
// the quotes of an alert's template it is written in another way.
const (
	wholeSelector, moreSelector             = "«{selector}»", "«selector,»"
	wholeQuotedSelector, moreQuotedSelector = "«{quoted selector}»", "«quoted selector,»"
	jobMark                                 = "«job»"
)

// insertion replaces some bytes of a text.
type insertion struct {
	at, length int
	text       string
}

// insert makes all insertions, the last one first, so that the places of the others stay right.
func insert(text string, all []insertion) string {
	slices.SortFunc(all, func(a, b insertion) int { return b.at - a.at })
	for _, i := range all {
		text = text[:i.at] + i.text + text[i.at+i.length:]
	}
	return text
}

var (
	// Grafana's variables for durations. Others are within strings.
	grafanaDuration = regexp.MustCompile(`\[\$\w+`)
	// Queries in the templates of alerts; %q stands for a string.
	templateQuery = regexp.MustCompile(`(printf|query) "((?:[^"\\]|\\.)*)"`)
)

// parse parses an expression in which Grafana's variables and a template's verbs are replaced by what is as long.
func parse(expr string) (parser.Expr, error) {
	plain := grafanaDuration.ReplaceAllStringFunc(expr, func(variable string) string {
		return "[" + strings.Repeat("0", len(variable)-len("[5m")) + "5m"
	})
	plain = strings.ReplaceAll(plain, "%q", `""`)
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(plain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	return parsed, nil
}

// scraped says whether a series comes from a scrape: what rules record, and alerts, have no more labels than these give them.
func scraped(series string) bool {
	return !strings.Contains(series, ":") && !strings.HasPrefix(series, "ALERTS")
}

// selectors returns the marks of all selectors of scraped series.
func selectors(expr, whole, more string) ([]insertion, error) {
	parsed, err := parse(expr)
	if err != nil {
		return nil, err
	}
	var all []insertion
	for _, node := range nodes[*parser.VectorSelector](parsed) {
		after := int(node.PosRange.Start) + len(node.Name)
		switch {
		case node.Name == "" || !strings.HasPrefix(expr[node.PosRange.Start:], node.Name):
			return nil, fmt.Errorf("%s: a selector that does not begin with a name", expr)
		case !scraped(node.Name):
		case strings.HasPrefix(expr[after:], "{"):
			all = append(all, insertion{at: after + 1, text: more})
		default:
			all = append(all, insertion{at: after, text: whole})
		}
	}
	return all, nil
}

// numbers returns marks for a number wherever the expression has it.
func numbers(expr string, value float64, mark string) ([]insertion, error) {
	parsed, err := parse(expr)
	if err != nil {
		return nil, err
	}
	var all []insertion
	for _, node := range nodes[*parser.NumberLiteral](parsed) {
		if node.Val == value {
			all = append(all, insertion{int(node.PosRange.Start), int(node.PosRange.End - node.PosRange.Start), mark})
		}
	}
	return all, nil
}

// nodes returns the nodes of a kind.
func nodes[Node parser.Node](expr parser.Expr) []Node {
	var all []Node
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if n, ok := node.(Node); ok {
			all = append(all, n)
		}
		return nil
	})
	return all
}

// markTemplate marks the queries of an alert's annotation.
func markTemplate(text string) (string, error) {
	var all []insertion
	for _, at := range templateQuery.FindAllStringSubmatchIndex(text, -1) {
		expr := text[at[4]:at[5]]
		if !strings.Contains(expr, "_") {
			continue // a format of a number
		}
		marks, err := selectors(expr, wholeQuotedSelector, moreQuotedSelector)
		if err != nil {
			return "", err
		}
		if len(marks) > 0 && text[at[2]:at[3]] != "printf" {
			return "", fmt.Errorf("%s: the mixin writes selectors for printf only", expr)
		}
		for _, m := range marks {
			m.at += at[4]
			all = append(all, m)
		}
	}
	return insert(text, all), nil
}
