// The page at the root.

package web

import "net/http"

// Landing is what the page at the root says, besides how the exporter stands.
type Landing struct {
	Version     string
	MetricsPath string
	// What is served only if it is switched on.
	Profiles, Probe bool
}

type link struct{ Address, Text, About string }

// landingContent is what the page at the root fills in.
type landingContent struct {
	Version string
	At      stamp
	Status  viewStatus
	Links   []link
	Probe   bool
}

// Landing returns the page at the root, which links to what is served.
func (t *Tasks) Landing(l Landing) http.Handler {
	links := []link{
		{"tasks", "Tasks", "what is known of each, for people"},
		{l.MetricsPath[1:], "Metrics", "what Prometheus scrapes"},
		{"api/v1/tasks", "Tasks as JSON", "the same for programs"},
		{"api/v1/status", "Status as JSON", "accounts, lists and storage, and what is wrong with them"},
		{"config", "Configuration", "what is in force, without secrets"},
		{"-/healthy", "Health", "the process answers"},
		{"-/ready", "Readiness", "every source of task ids was read once, or has failed for a minute"},
	}
	if l.Profiles {
		links = append(links, link{"debug/pprof/", "Profiles", "of the process"})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w, pagePolicy)
		status, err := t.gatherStatus(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		t.send(w, http.StatusOK, "landing.html", landingContent{
			Version: l.Version, At: stamp{Exact: status.At.Format("2006-01-02 15:04:05 MST")}, Status: status.view(), Links: links, Probe: l.Probe,
		})
	})
}
