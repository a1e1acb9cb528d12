// Package e2e_test proves the exporter in a real Prometheus and Alertmanager, and checks what deploy/compose puts together.
// The API is simulated; all else is as users run it, each program a process of its own on a free port of the loopback.
//
// `make e2e` builds Prometheus, promtool and Alertmanager before; the exporter is built here.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// repo is the root of the repository.
const repo = "../.."

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kie_exporter-e2e-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = buildExporter(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// buildExporter builds kie_exporter into a folder and puts that first in PATH. So a stale program is never tested.
func buildExporter(dir string) error {
	build := exec.CommandContext(context.Background(), "go", "build", "-C", repo, "-buildvcs=false", "-o", dir, ".") //nolint:gosec // ours
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the exporter: %w\n%s", err, said)
	}
	return os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}
