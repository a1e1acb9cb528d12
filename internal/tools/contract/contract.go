// Package contract holds PromQL against the exporter's table of metrics: what
// an expression may name is what docs/metrics.md declares.
package contract

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Contract is the table of metrics, and the values of its closed labels.
type Contract struct {
	metrics map[string]metric
	values  map[string][]string // by label; a label that is not closed has none
}

type metric struct {
	kind   string
	labels []string
}

var (
	metricRow = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (gauge|counter|histogram) \\| (.*?) \\|")
	valuesRow = regexp.MustCompile("(?m)^\\| ([a-z ]+) \\| (`.*`) \\|$")
	code      = regexp.MustCompile("`([^`]+)`")
)

// closed says by which of the page's sets of values a label is closed.
var closed = map[string]string{
	"states": "state", "reasons": "reason", "gate reasons": "reason", "rejections": "reason", "refusals": "reason",
	"classes": "class", "endpoints": "endpoint", "callback results": "result",
}

// Read reads the generated page on metrics.
func Read(path string) (*Contract, error) {
	page, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Contract{metrics: map[string]metric{}, values: map[string][]string{}}
	for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
		c.metrics[row[1]] = metric{kind: row[2], labels: codes(row[3])}
	}
	for _, row := range valuesRow.FindAllStringSubmatch(string(page), -1) {
		if label, ok := closed[row[1]]; ok {
			c.values[label] = append(c.values[label], codes(row[2])...)
		}
	}
	if len(c.metrics) == 0 || len(c.values) == 0 {
		return nil, fmt.Errorf("%s: no metrics or no values of labels", path)
	}
	return c, nil
}

func codes(text string) []string {
	var all []string
	for _, match := range code.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// Record adds a series that a rule records, with its labels besides those of the target.
func (c *Contract) Record(name string, labels Labels) {
	c.metrics[name] = metric{labels: slices.Collect(maps.Keys(labels))}
}

// prometheus are series that a Prometheus makes itself, with the labels besides those of the target.
var prometheus = map[string][]string{
	"up": nil, "scrape_duration_seconds": nil, "scrape_samples_scraped": nil,
	"ALERTS": {"alertname", "alertstate", "severity"}, "ALERTS_FOR_STATE": {"alertname", "severity"},
}

// labelsOf returns the labels that a series of that name can have, as a Prometheus stores it.
func (c *Contract) labelsOf(name string) (Labels, error) {
	target := []string{"job", "instance"}
	if own, ok := prometheus[name]; ok {
		return setOf(target, own), nil
	}
	if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
		return setOf(target), nil
	}
	if m, ok := c.metrics[name]; ok { // a histogram by its bare name is a native one
		return setOf(target, m.labels), nil
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, ok := strings.CutSuffix(name, suffix)
		if m := c.metrics[base]; ok && m.kind == "histogram" {
			labels := setOf(target, m.labels)
			labels["le"] = suffix == "_bucket"
			return labels, nil
		}
	}
	return nil, fmt.Errorf("%s is not in the table of metrics", name)
}
