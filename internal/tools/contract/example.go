// Series that the contract allows, to try queries on.

package contract

import (
	"maps"
	"slices"
)

// An Example is a series that may exist.
type Example struct {
	Name   string
	Kind   string            // gauge or counter; "": recorded by a rule
	Share  float64           // of a counter's rise, if it is a bucket; else 1
	Labels map[string]string // besides those of the target
}

// Examples returns a series of every metric for each combination of the values of its closed labels; a label that is not
// closed has its own name as its value. A histogram is its classic series. They come in an order that stays.
func (c *Contract) Examples() []Example {
	var all []Example
	for _, name := range slices.Sorted(maps.Keys(c.metrics)) {
		m := c.metrics[name]
		for _, labels := range combinations(m.Labels) {
			if m.Type != "histogram" {
				all = append(all, Example{Name: name, Kind: m.Type, Share: 1, Labels: labels})
				continue
			}
			for _, b := range []struct {
				le    string
				share float64
			}{{"1", 0.5}, {"10", 0.95}, {"+Inf", 1}} {
				bucket := maps.Clone(labels)
				bucket["le"] = b.le
				all = append(all, Example{Name: name + "_bucket", Kind: "counter", Share: b.share, Labels: bucket})
			}
			all = append(all,
				Example{Name: name + "_sum", Kind: "counter", Share: 1, Labels: labels},
				Example{Name: name + "_count", Kind: "counter", Share: 1, Labels: labels},
			)
		}
	}
	return all
}

// combinations returns all values that labels can have together.
func combinations(of []Label) []map[string]string {
	all := []map[string]string{{}}
	for _, label := range of {
		if label.Name == "job" || label.Name == "instance" { // of a recorded series
			continue
		}
		values := label.Values
		if values == nil {
			values = []string{label.Name}
		}
		var more []map[string]string
		for _, so := range all {
			for _, value := range values {
				with := maps.Clone(so)
				with[label.Name] = value
				more = append(more, with)
			}
		}
		all = more
	}
	return all
}
