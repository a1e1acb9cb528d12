// Package parse reads answers to scrapes with the parser of Prometheus' server.
package parse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Entry is a line of an answer, or of protobuf what stands for one.
type Entry struct {
	Kind      textparse.Entry // a help, a type, a series or a native histogram
	Key       string          // name of the metric, or all labels, without empty ones
	Labels    labels.Labels   // of a series or histogram
	Text      string          // the help, the type or the histogram
	Value     float64         // of a series
	Exemplars string          // as they are written after a sample
}

// Read returns all entries of an answer in order. No series may come twice.
func Read(body []byte, contentType string) ([]Entry, error) {
	parser, err := textparse.New(body, contentType, nil, textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		return nil, err
	}
	var all []Entry
	seen := map[Line]bool{}
	for {
		kind, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", contentType, err)
		}
		e, ok := read(parser, kind)
		if !ok {
			continue
		}
		line := Line{kind, e.Key}
		if seen[line] {
			return nil, fmt.Errorf("%s: %s comes twice", contentType, e.Key)
		}
		seen[line] = true
		all = append(all, e)
	}
}

// read returns the entry at which a parser is. Comments and units are none.
func read(parser textparse.Parser, kind textparse.Entry) (Entry, bool) {
	e := Entry{Kind: kind}
	switch kind {
	case textparse.EntryHelp:
		name, help := parser.Help()
		e.Key, e.Text = string(name), string(help)
	case textparse.EntryType:
		name, typ := parser.Type()
		e.Key, e.Text = string(name), string(typ)
	case textparse.EntrySeries:
		parser.Labels(&e.Labels)
		_, _, e.Value = parser.Series()
		e.Key, e.Exemplars = e.Labels.WithoutEmpty().String(), exemplars(parser)
	case textparse.EntryHistogram:
		parser.Labels(&e.Labels)
		_, _, h, _ := parser.Histogram()
		e.Key, e.Text, e.Exemplars = e.Labels.WithoutEmpty().String(), h.String(), exemplars(parser)
	default:
		return e, false
	}
	return e, true
}

func exemplars(parser textparse.Parser) string {
	var all strings.Builder
	var e exemplar.Exemplar
	for parser.Exemplar(&e) {
		fmt.Fprintf(&all, " # %s %v %d", e.Labels, e.Value, e.Ts)
		e = exemplar.Exemplar{}
	}
	return all.String()
}

// Samples returns the values of all series by name and labels.
func Samples(all []Entry) map[string]float64 {
	samples := map[string]float64{}
	for _, e := range all {
		if e.Kind == textparse.EntrySeries {
			samples[e.Key] = e.Value
		}
	}
	return samples
}

// Line names what an entry is about.
type Line struct {
	Kind textparse.Entry
	Key  string
}

// Lines returns what each line says, but for exemplars.
func Lines(all []Entry) map[Line]string {
	lines := map[Line]string{}
	for _, e := range all {
		lines[Line{e.Kind, e.Key}] = e.Text
		if e.Kind == textparse.EntrySeries {
			lines[Line{e.Kind, e.Key}] = strconv.FormatFloat(e.Value, 'g', -1, 64)
		}
	}
	return lines
}

// Dump returns everything in readable lines.
func Dump(all []Entry) []byte {
	var lines bytes.Buffer
	for _, e := range all {
		switch e.Kind { //nolint:exhaustive // there are no others
		case textparse.EntryHelp:
			fmt.Fprintf(&lines, "# HELP %s %s\n", e.Key, e.Text)
		case textparse.EntryType:
			fmt.Fprintf(&lines, "# TYPE %s %s\n", e.Key, e.Text)
		case textparse.EntrySeries:
			fmt.Fprintf(&lines, "%s %v%s\n", e.Key, e.Value, e.Exemplars)
		case textparse.EntryHistogram:
			fmt.Fprintf(&lines, "%s %s%s\n", e.Key, e.Text, e.Exemplars)
		}
	}
	return lines.Bytes()
}
