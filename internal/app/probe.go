// The probe endpoint: one task, asked now.

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// probeTimeout is how long a probe may take at the most.
const probeTimeout = 30 * time.Second

// limitedProbe answers a probe if there is a slot for it. It takes one while it waits, too: each asks something else.
func (m *metrics) limitedProbe(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), stalled/10)
	defer cancel()
	if !m.probes.serve(ctx, w, func(w http.ResponseWriter) { m.probe(w, r) }) {
		refuse(w)
	}
}

// probe answers with what is known of one task once it was asked. It keeps nothing for the next one.
func (m *metrics) probe(w http.ResponseWriter, r *http.Request) {
	account, id, err := m.target(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	endpoint, err := endpointOf(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	start := time.Now()
	ctx, cancel := m.deadline(r.Context(), r.Header, probeTimeout)
	defer cancel()
	p := m.exporter.probe(ctx, account, id, endpoint)
	took := time.Since(start)
	if errors.Is(p.Err, tracker.ErrNoAccount) { // it went by a reload just now
		http.Error(w, p.Err.Error(), http.StatusBadRequest)
		return
	}
	if errors.Is(p.Err, tracker.ErrElsewhere) {
		http.Error(w, cmp.Or(m.exporter.elsewhere(id), p.Err.Error()), http.StatusMisdirectedRequest)
		return
	}
	limitReading(w, r)
	if r.URL.Query().Get("debug") == "true" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = fmt.Fprint(w, describe(account, id, p, took))
		return
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector.ForProbe(p, took))
	m.exporter.exposition.ServeAll(w, r, registry)
}

// endpointOf returns where a probe asks about a task that is in no list. Nothing of what the query holds is in the error.
func endpointOf(query url.Values) (kie.Endpoint, error) {
	words := query["endpoint"]
	if len(words) == 0 {
		return kie.Jobs, nil
	}
	e, ok := kie.EndpointNamed(words[0])
	if !ok || len(words) > 1 {
		return 0, errors.New("endpoint must be given once, or not at all, and be one of " + strings.Join(kie.EndpointWords(), ", "))
	}
	return e, nil
}

// target returns whom a probe asks about what. Nothing of what the query holds is in the error.
func (m *metrics) target(query url.Values) (account, id string, err error) {
	cfg := m.exporter.config()
	ids, names, accounts := query["task_id"], query["account"], cfg.Accounts
	switch {
	case len(ids) != 1 || !kie.ValidID(ids[0]):
		return "", "", errors.New("task_id must be given once, with 1 to 128 bytes of UTF-8 without control characters")
	case strings.Contains(ids[0], "/"):
		return "", "", errors.New("task_id must be an id, not a path or a URL")
	case slices.Contains(cfg.Secrets(), ids[0]): // it would be sent to the API, and be a label
		return "", "", errors.New("task_id must be an id, not a secret of the configuration")
	case len(names) == 0 && len(accounts) == 1:
		return accounts[0].Name, ids[0], nil
	case len(names) != 1:
		return "", "", errors.New("account must be given once; it may be left out where there is one account")
	}
	for _, a := range accounts {
		if a.Name == names[0] {
			return a.Name, ids[0], nil
		}
	}
	return "", "", errors.New("account is none of those that are configured")
}

// describe says for a person what a probe asked and what became of it: nothing of the key, and nothing of the answer's text.
func describe(account, id string, p view.Probe, took time.Duration) string {
	var b strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&b, "%-12s %v\n", name+":", value) }
	line("task_id", id)
	line("account", account)
	line("asked", p.Asked)
	switch {
	case p.Err == nil && !p.Asked:
		line("outcome", "not asked: the task is known to be finished")
	case p.Asked && !kie.Cancelled(p.Err):
		line("class", kie.ClassOf(p.Err))
	}
	if p.Err != nil {
		line("error", withoutAddresses(p.Err))
	}
	line("state", p.Task.State)
	line("model", p.Task.Model)
	line("budget wait", p.Waited.Round(time.Microsecond))
	line("query", p.Took.Round(time.Microsecond))
	line("total", took.Round(time.Microsecond))
	return b.String()
}
