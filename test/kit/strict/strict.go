// Package strict has tests read OpenMetrics the way the strictest agents do.
package strict

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// python is Debian's, which python3-prometheus-client is for. Another one may come first in the path.
const python = "/usr/bin/python3"

// read has the reference parser read an answer. It says how many families there are, or refuses it.
const read = `import sys
from prometheus_client.openmetrics.parser import text_fd_to_metric_families
print(sum(1 for _ in text_fd_to_metric_families(sys.stdin)), 'families')`

// OpenMetrics fails the test unless the OpenMetrics parser of Prometheus' Python client, which takes nothing that the
// specification does not allow, reads the text. Where it is not installed the test is skipped, except in CI.
func OpenMetrics(t *testing.T, text []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := exec.CommandContext(ctx, python, "-c", "import prometheus_client.openmetrics.parser").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3-prometheus-client is not installed; `make packages` installs it")
		}
		t.Skip("python3-prometheus-client is not installed; with it this test reads OpenMetrics strictly")
	}
	c := exec.CommandContext(ctx, python, "-c", read)
	c.Env = append(os.Environ(), "PYTHONUTF8=1")
	c.Stdin = bytes.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("not valid OpenMetrics: %v\n%s", err, out)
	}
}
