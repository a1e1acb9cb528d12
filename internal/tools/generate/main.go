// Command generate writes all that is generated in this repository, or only what it is told to by name. What it knows of metrics comes
// from the collector's table, by way of docs/metrics.json.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// step is something that is generated: by a tool beside this one, seen from the tools' module.
type step struct {
	name string
	args []string
}

// root is the repository, seen from the tools' module.
const root = "../.."

// steps are in an order in which each finds what it reads.
func steps() []step {
	return []step{
		{"metrics", []string{"./metricsdoc", root + "/docs"}},
		{"settings", []string{"./settingsdoc", root}},
		{"dashboards", []string{"./dashboards", root + "/dashboards"}},
		{"operator-rules", []string{"./operatorrules", root + "/alerts", root + "/deploy/kubernetes/operator"}},
		{"mixin", []string{"./mixin", "write", root}},
		{"chart", []string{"./chart", root}},
		{"bad-input", []string{"./badinput", root, root + "/docs/bad-input.md"}},
		{"security", []string{"./badinput", "model", root, root + "/SECURITY.md"}},
		{"imports", []string{"./layers", "write", root, root + "/docs/architecture.md"}},
	}
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run generates what is named, or all. It is to be run in the folder of the tools' module.
func run(ctx context.Context, names []string) error {
	all := steps()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(s step) bool { return s.name == name }) {
			return fmt.Errorf("nothing is called %q; there are %s", name, strings.Join(namesOf(all), ", "))
		}
	}
	for _, s := range all {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		tool := exec.CommandContext(ctx, "go", append([]string{"run"}, s.args...)...) //nolint:gosec // ours
		tool.Stdout, tool.Stderr = os.Stdout, os.Stderr
		if err := tool.Run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func namesOf(all []step) []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.name
	}
	return names
}
