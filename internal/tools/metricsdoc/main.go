// Command metricsdoc writes the page on all metrics into the file it is given.
package main

import (
	"bytes"
	"fmt"
	"os"

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
		return fmt.Errorf("want one argument, the file to write, got %d", len(args))
	}
	var page bytes.Buffer
	if err := collector.WriteDocs(&page); err != nil {
		return err
	}
	return os.WriteFile(args[0], page.Bytes(), 0o644) //nolint:gosec // documentation is for everybody to read
}
