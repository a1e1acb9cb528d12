// The page at the root.

package web

import (
	"fmt"
	"net/http"
	"strconv"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// Landing returns the page at the root, which links to the others.
func Landing(version, metricsPath string, profiles bool) (http.Handler, error) {
	page, err := toolkit.NewLandingPage(toolkit.LandingConfig{
		Name:        "kie_exporter",
		Description: "Prometheus exporter for kie.ai tasks",
		Version:     version,
		Profiling:   strconv.FormatBool(profiles),
		Links: []toolkit.LandingLinks{
			{Address: metricsPath, Text: "Metrics", Description: "what Prometheus scrapes"},
			{Address: "/tasks", Text: "Tasks", Description: "what is known of each, for people"},
			{Address: "/api/v1/tasks", Text: "Tasks as JSON", Description: "the same for programs"},
			{Address: "/config", Text: "Configuration", Description: "what is in force, without secrets"},
			{Address: "/-/healthy", Text: "Health", Description: "the process answers"},
			{Address: "/-/ready", Text: "Readiness", Description: "every source of task ids was read once, or has failed for a minute"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("landing page: %w", err)
	}
	return page, nil
}
