// Command metricsdoc writes the contract of metrics into a folder: a page for people, and JSON for machines.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kie-exporter/kie_exporter/collector"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "metricsdoc:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the folder to write into, got %d", len(args))
	}
	for name, writeTo := range map[string]func(io.Writer) error{"metrics.md": collector.WriteDocs, "metrics.json": collector.WriteContract} {
		var text bytes.Buffer
		if err := writeTo(&text); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(args[0], name), text.Bytes(), 0o644); err != nil { //nolint:gosec // documentation is for everybody to read
			return err
		}
	}
	return nil
}
