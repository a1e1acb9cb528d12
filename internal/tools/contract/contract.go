// Package contract holds PromQL against the exporter's table of metrics: what
// an expression may name is what docs/metrics.json declares.
package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Contract is the table of metrics.
type Contract struct {
	metrics map[string]Metric
}

// Metric is what the contract says of one.
type Metric struct {
	Name       string
	Type       string
	Labels     []Label
	TaskLabels bool // there is also a label_… for each key of the tasks' own labels
}

// Label is a label of a metric. One whose values are not known beforehand has none.
type Label struct {
	Name   string
	Values []string
}

// Read reads docs/metrics.json.
func Read(path string) (*Contract, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct{ Metrics []Metric }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Metrics) == 0 {
		return nil, fmt.Errorf("%s: no metrics", path)
	}
	c := &Contract{metrics: map[string]Metric{}}
	for _, m := range file.Metrics {
		c.metrics[m.Name] = m
	}
	return c, nil
}

// labels returns the names of a metric's labels.
func (m Metric) labels() []string {
	var names []string
	for _, l := range m.Labels {
		names = append(names, l.Name)
	}
	if m.TaskLabels {
		names = append(names, anyTaskLabel)
	}
	return names
}

// Record adds a series that a rule records, with its labels besides those of the target, and those that the rule adds itself.
func (c *Contract) Record(name string, labels Labels, own ...string) {
	m := Metric{Name: name}
	for _, label := range own {
		m.Labels = append(m.Labels, Label{Name: label})
	}
	for label := range labels {
		m.Labels = append(m.Labels, Label{Name: label})
	}
	c.metrics[name] = m
}

// prometheus are series that a Prometheus makes itself, with the labels besides those of the target.
var prometheus = map[string][]string{
	"up": nil, "scrape_duration_seconds": nil, "scrape_samples_scraped": nil, "scrape_timeout_seconds": nil,
	"ALERTS": {"alertname", "alertstate", "severity", "group"}, "ALERTS_FOR_STATE": {"alertname", "severity"},
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
	m, suffix, ok := c.find(name)
	if !ok {
		return nil, fmt.Errorf("%s is not in the table of metrics", name)
	}
	labels := setOf(target, m.labels())
	if suffix != "" {
		labels["le"] = suffix == "_bucket"
	}
	return labels, nil
}

// find returns the metric that a series of that name is of, and what its name has besides the metric's. A histogram by its bare name is
// a native one.
func (c *Contract) find(name string) (m Metric, suffix string, ok bool) {
	if m, ok := c.metrics[name]; ok {
		return m, "", true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, ok := strings.CutSuffix(name, suffix)
		if m := c.metrics[base]; ok && m.Type == "histogram" {
			return m, suffix, true
		}
	}
	return Metric{}, "", false
}

// valuesOf returns all that a label of a series can be, or nothing if that is not known beforehand.
func (c *Contract) valuesOf(name, label string) []string {
	m, _, _ := c.find(name)
	for _, l := range m.Labels {
		if l.Name == label {
			return l.Values
		}
	}
	return nil
}
