// A scrape, read as Prometheus reads it.

package soak_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/kie-exporter/kie_exporter/test/served/parse"
)

// exposition is what a scrape showed.
type exposition struct {
	series map[string]float64  // by name and labels
	named  map[string][]sample // by name
}

type sample struct {
	labels labels.Labels
	value  float64
}

// value returns the value of the one series of a name.
func (e *exposition) value(name string) float64 {
	if len(e.named[name]) != 1 {
		return 0
	}
	return e.named[name][0].value
}

// with is labels that a series must have.
type with map[string]string

// sum adds up the series of a name that have some labels.
func (e *exposition) sum(name string, w with) (sum float64) {
	for _, k := range e.named[name] {
		if w.matches(k) {
			sum += k.value
		}
	}
	return sum
}

func (w with) matches(k sample) bool {
	for label, value := range w {
		if k.labels.Get(label) != value {
			return false
		}
	}
	return true
}

// format is a way to ask for metrics.
type format struct {
	name, accept string
	gzip         bool
}

func openMetrics() format {
	return format{"OpenMetrics, gzip", "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.1", true}
}

func plainText() format { return format{"text", "text/plain;version=0.0.4", false} }

// get asks for a page as a scraper with a timeout does, but waits for longer. The body is as it was before compression.
func get(ctx context.Context, url string, timeout, atMost time.Duration, f format) (status int, contentType string, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", nil, err
	}
	r.Header.Set("Accept", f.accept)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64))
	r.Header.Set("Accept-Encoding", "identity")
	if f.gzip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	var text io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if text, err = gzip.NewReader(resp.Body); err != nil {
			return 0, "", nil, err
		}
	}
	body, err = io.ReadAll(text)
	return resp.StatusCode, resp.Header.Get("Content-Type"), body, err
}

// read reads an answer strictly: each line, no series twice, and in OpenMetrics the mark at the end.
func read(body []byte, contentType string) (*exposition, error) {
	if len(body) == 0 || !bytes.HasSuffix(body, []byte("\n")) {
		return nil, errors.New("the last line has no end")
	}
	all, err := parse.Read(body, contentType)
	if err != nil {
		return nil, err
	}
	e := &exposition{series: parse.Samples(all), named: map[string][]sample{}}
	for _, entry := range all {
		if entry.Kind == textparse.EntrySeries {
			name := entry.Labels.Get(model.MetricNameLabel)
			e.named[name] = append(e.named[name], sample{entry.Labels, entry.Value})
		}
	}
	return e, nil
}
