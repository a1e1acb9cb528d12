// What can be altered in a rule.

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// mutant is a rule that differs in one thing from the one at a place.
type mutant struct {
	at         place
	rule       rulefmt.Rule
	kind, what string
}

// mutantsOf returns every mutant of a rule.
func mutantsOf(rule rulefmt.Rule) ([]mutant, error) {
	all := durations(rule)
	count, err := sitesOf(rule.Expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(rule), err)
	}
	for i := range count.edits {
		fresh, err := sitesOf(rule.Expr)
		if err != nil {
			return nil, err
		}
		e := fresh.edits[i]
		e.do()
		altered := rule
		altered.Expr = fresh.expr.String()
		if _, err := parse(altered.Expr); err != nil {
			continue // not PromQL any more: nobody could load it
		}
		all = append(all, mutant{rule: altered, kind: e.kind, what: strings.Join(strings.Fields(altered.Expr), " ")})
	}
	return all, nil
}

// durations alters how long a rule waits and how long it is kept.
func durations(rule rulefmt.Rule) []mutant {
	var all []mutant
	for name, field := range map[string]func(*rulefmt.Rule) *model.Duration{
		"for":             func(r *rulefmt.Rule) *model.Duration { return &r.For },
		"keep_firing_for": func(r *rulefmt.Rule) *model.Duration { return &r.KeepFiringFor },
	} {
		was := *field(&rule)
		if was == 0 {
			continue
		}
		for _, is := range []model.Duration{0, was / 2, was * 2} {
			altered := rule
			*field(&altered) = is
			all = append(all, mutant{rule: altered, kind: name, what: fmt.Sprintf("%s instead of %s", is, was)})
		}
	}
	return all
}

// sites are the places of an expression where something can be altered.
type sites struct {
	expr  parser.Expr
	edits []edit
}

type edit struct {
	kind string
	do   func()
}

func parse(expr string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(expr)
}

func sitesOf(expr string) (*sites, error) {
	parsed, err := parse(expr)
	if err != nil {
		return nil, err
	}
	s := &sites{expr: parsed}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.NumberLiteral:
			s.number(n)
		case *parser.MatrixSelector:
			s.add("range doubled", func() { n.Range *= 2 })
			s.add("range halved", func() { n.Range = max(n.Range/2, time.Minute) })
		case *parser.VectorSelector:
			s.matchers(n)
		case *parser.AggregateExpr:
			s.aggregation(n)
		case *parser.BinaryExpr:
			s.binary(n)
		case *parser.Call:
			if other, ok := parser.Functions[otherFunction[n.Func.Name]]; ok {
				s.add("function", func() { n.Func = other })
			}
		}
		return nil
	})
	return s, nil
}

var otherFunction = map[string]string{
	"increase": "resets", "rate": "resets", "clamp_max": "clamp_min", "absent": "timestamp",
}

func (s *sites) add(kind string, do func()) { s.edits = append(s.edits, edit{kind, do}) }

func (s *sites) number(n *parser.NumberLiteral) {
	if n.Val == 0 {
		s.add("number raised", func() { n.Val = 2 })
		s.add("number lowered", func() { n.Val = -1 })
		return
	}
	s.add("number raised", func() { n.Val *= 1.5 })
	s.add("number lowered", func() { n.Val /= 1.5 })
}

func (s *sites) matchers(n *parser.VectorSelector) {
	for i, m := range n.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		opposite := map[labels.MatchType]labels.MatchType{
			labels.MatchEqual: labels.MatchNotEqual, labels.MatchNotEqual: labels.MatchEqual,
			labels.MatchRegexp: labels.MatchNotRegexp, labels.MatchNotRegexp: labels.MatchRegexp,
		}[m.Type]
		s.add("matcher negated", func() { n.LabelMatchers[i] = labels.MustNewMatcher(opposite, m.Name, m.Value) })
		s.add("matcher dropped", func() { n.LabelMatchers = slices.Delete(n.LabelMatchers, i, i+1) })
		values := strings.Split(m.Value, "|")
		if len(values) == 1 {
			continue
		}
		for k := range values {
			fewer := strings.Join(slices.Delete(slices.Clone(values), k, k+1), "|")
			s.add("alternative dropped", func() { n.LabelMatchers[i] = labels.MustNewMatcher(m.Type, m.Name, fewer) })
		}
	}
}

func (s *sites) aggregation(n *parser.AggregateExpr) {
	if other, ok := map[parser.ItemType]parser.ItemType{
		parser.SUM: parser.MAX, parser.MAX: parser.MIN, parser.MIN: parser.MAX, parser.GROUP: parser.COUNT,
	}[n.Op]; ok {
		s.add("aggregation", func() { n.Op = other })
	}
	for i := range n.Grouping {
		s.add("grouping label dropped", func() { n.Grouping = slices.Delete(n.Grouping, i, i+1) })
	}
}

var otherOperator = map[parser.ItemType]parser.ItemType{
	parser.GTR: parser.LSS, parser.GTE: parser.LSS, parser.LSS: parser.GTR, parser.LTE: parser.GTR,
	parser.EQLC: parser.NEQ, parser.NEQ: parser.EQLC,
	parser.LAND: parser.LUNLESS, parser.LUNLESS: parser.LAND, parser.LOR: parser.LAND,
	parser.ADD: parser.SUB, parser.SUB: parser.ADD, parser.MUL: parser.ADD, parser.DIV: parser.MUL,
}

func (s *sites) binary(n *parser.BinaryExpr) {
	if other, ok := otherOperator[n.Op]; ok {
		kind := "operator"
		if n.Op.IsComparisonOperator() {
			kind = "comparison"
		}
		s.add(kind, func() { n.Op = other })
	}
	switch n.Op {
	case parser.LAND, parser.LOR:
		s.add("right side dropped", func() { n.RHS = n.LHS })
		s.add("left side dropped", func() { n.LHS = n.RHS })
	case parser.LUNLESS:
		s.add("right side dropped", func() { n.Op, n.RHS = parser.LOR, n.LHS })
	}
}
