// Package program builds the exporter for tests that run it as users do, in a process of its own.
package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// Main builds the exporter of the repository in a folder, runs the tests with it first in PATH, so that a stale program is never tested,
// and returns their exit code.
func Main(m *testing.M, repo string) int {
	dir, err := os.MkdirTemp("", "kie_exporter-built-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(repo, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds the exporter into a folder and puts that first in PATH. A test under the race detector builds it so, too.
func build(repo, dir string) error {
	args := []string{"build", "-C", repo, "-buildvcs=false", "-o", dir}
	if UnderRace() {
		args = append(args, "-race")
	}
	c := exec.CommandContext(context.Background(), "go", append(args, ".")...) //nolint:gosec // ours
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the exporter: %w\n%s", err, said)
	}
	return os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// UnderRace reports whether a test was built with the race detector.
func UnderRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Fewer returns few under the race detector, with which all takes ten times as long, and which sees in a few rounds what it sees in many. Elsewhere it returns
// many, as in the tests at 32 bits.
func Fewer[N int | uint64](few, many N) N {
	if UnderRace() {
		return few
	}
	return many
}
