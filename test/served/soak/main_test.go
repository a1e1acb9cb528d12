// Package soak_test lets the built exporter run against an API that misbehaves, task lists that are rewritten at any moment, reloads,
// and kills, and checks all along and at the end that everything it says is true. Another test lets strangers attack it at every door.
//
// SOAK is for how long (30s), SOAK_SEED what chance decides (1), SOAK_REPORT and SOAK_ATTACK_REPORT a document that gets the results
// between its markers.
// Chance decides the same for the same seed; what it meets depends on the machine's timing.
package soak_test

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

// repo is the root of the repository.
const repo = "../../.."

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kie_exporter-soak-")
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

// buildExporter builds kie_exporter into a folder and puts that first in PATH. A test under the race detector builds it so, too.
func buildExporter(dir string) error {
	args := []string{"build", "-C", repo, "-buildvcs=false", "-o", dir}
	if underRace() {
		args = append(args, "-race")
	}
	build := exec.CommandContext(context.Background(), "go", append(args, ".")...) //nolint:gosec // ours
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the exporter: %w\n%s", err, said)
	}
	return os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
