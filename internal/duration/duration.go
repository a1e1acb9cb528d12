// Package duration reads and writes times as people see them, in the configuration, on the command line and in what is shown: 500ms,
// 30s, 1m30s, 1d.
package duration

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// What says what a time must be.
const What = "a time with a unit, such as 30s or 1m30s"

// Parse reads a time. Its error completes "timeout: ".
func Parse(s string) (time.Duration, error) {
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("must be %s (got %s)", What, document.Quote(s))
	}
	return time.Duration(d), nil
}

// Format writes a time as Parse reads it.
func Format(d time.Duration) string { return model.Duration(d).String() }
