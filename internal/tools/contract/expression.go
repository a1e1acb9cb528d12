// An expression and the labels of its result.

package contract

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Labels are the names of labels that a series may have.
type Labels map[string]bool

// Check parses an expression. It returns the labels that its result may have, or an error that names every metric, label
// and value of a closed label which is not in the contract.
func (c *Contract) Check(expr string) (Labels, error) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return nil, err
	}
	check := checker{contract: c}
	result := check.labels(parsed)
	return result, errors.Join(check.faults...)
}

type checker struct {
	contract *Contract
	faults   []error
}

func (k *checker) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Errorf(format, args...))
}

// labels returns the labels that the result of an expression may have; a scalar has none.
func (k *checker) labels(expr parser.Expr) Labels {
	switch e := expr.(type) {
	case *parser.VectorSelector:
		return k.selector(e)
	case *parser.AggregateExpr:
		return k.aggregate(e)
	case *parser.BinaryExpr:
		return k.binary(e)
	case *parser.Call:
		return k.call(e)
	}
	result := Labels{}
	for child := range parser.ChildrenIter(expr) {
		if e, ok := child.(parser.Expr); ok {
			maps.Copy(result, k.labels(e))
		}
	}
	return result
}

func (k *checker) selector(e *parser.VectorSelector) Labels {
	known, err := k.contract.labelsOf(e.Name)
	if err != nil {
		k.faults = append(k.faults, err)
		return Labels{}
	}
	for _, m := range e.LabelMatchers {
		if m.Name == model.MetricNameLabel {
			continue
		}
		k.exist("selector of "+e.Name, known, m.Name)
		k.values(e.Name, m)
	}
	return known
}

// values checks the values that a matcher of a closed label asks for, if they are a list.
func (k *checker) values(series string, m *labels.Matcher) {
	closed := k.contract.valuesOf(series, m.Name)
	asked := m.SetMatches()
	if m.Type == labels.MatchEqual || m.Type == labels.MatchNotEqual {
		asked = []string{m.Value}
	}
	for _, value := range asked {
		if closed != nil && !slices.Contains(closed, value) {
			k.fault("%s: no %s has that value", m, m.Name)
		}
	}
}

func (k *checker) aggregate(e *parser.AggregateExpr) Labels {
	inner := k.labels(e.Expr)
	k.exist(e.Op.String(), inner, e.Grouping...)
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK:
		return inner
	case e.Without:
		maps.DeleteFunc(inner, func(label string, _ bool) bool { return slices.Contains(e.Grouping, label) })
		return inner
	}
	return setOf(e.Grouping)
}

func (k *checker) binary(e *parser.BinaryExpr) Labels {
	left, right := k.labels(e.LHS), k.labels(e.RHS)
	matching := e.VectorMatching
	if matching == nil { // one side is a scalar
		maps.Copy(left, right)
		return left
	}
	k.exist("left of "+e.Op.String(), left, matching.MatchingLabels...)
	k.exist("right of "+e.Op.String(), right, matching.MatchingLabels...)
	if matching.Card == parser.CardManyToOne {
		k.exist("group_left", right, matching.Include...)
	}
	switch {
	case e.Op == parser.LOR:
		maps.Copy(left, right)
		return left
	case matching.Card == parser.CardOneToMany:
		k.exist("group_right", left, matching.Include...)
		left = right
	case matching.Card == parser.CardOneToOne && matching.On && !e.Op.IsComparisonOperator():
		return setOf(matching.MatchingLabels)
	}
	maps.Copy(left, setOf(matching.Include))
	return left
}

func (k *checker) call(e *parser.Call) Labels {
	result := Labels{}
	for _, arg := range e.Args {
		maps.Copy(result, k.labels(arg))
	}
	switch e.Func.Name {
	case "histogram_quantile", "histogram_fraction":
		delete(result, "le")
	case "label_replace":
		k.exist(e.Func.Name, result, text(e.Args[3]))
		result[text(e.Args[1])] = true
	}
	return result
}

func text(e parser.Expr) string {
	literal, ok := e.(*parser.StringLiteral)
	if !ok {
		return ""
	}
	return literal.Val
}

// exist reports labels that no series at hand can have.
func (k *checker) exist(where string, known Labels, names ...string) {
	for _, name := range names {
		if !known[name] && (!known[anyTaskLabel] || !strings.HasPrefix(name, "label_")) {
			k.fault("%s: no label %s", where, name)
		}
	}
}

// anyTaskLabel is how the page writes the labels that the configuration adds to tasks.
const anyTaskLabel = "label_…"

func setOf(lists ...[]string) Labels {
	set := Labels{}
	for _, list := range lists {
		for _, name := range list {
			set[name] = true
		}
	}
	return set
}
