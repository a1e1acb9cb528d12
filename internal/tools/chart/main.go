// Command chart writes what is generated of the Helm chart: the rules and dashboards in it, which a chart can only read from its own
// folder, the part of its schema that is the exporter's, and the tables of its README.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart REPOSITORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	chart := filepath.Join(root, "deploy", "helm", "kie-exporter")
	for _, files := range []struct{ pattern, folder string }{
		{filepath.Join(root, "alerts", "kie_exporter.*.yml"), filepath.Join(chart, "files", "alerts")},
		{filepath.Join(root, "dashboards", "*.json"), filepath.Join(chart, "files", "dashboards")},
	} {
		if err := mirror(files.pattern, files.folder); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	values, err := parse(text)
	if err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}
	if err := writeSchema(filepath.Join(chart, "values.schema.json"), filepath.Join(root, "config", "kie_exporter.schema.json"), values); err != nil {
		return fmt.Errorf("values.schema.json: %w", err)
	}
	return writeTables(filepath.Join(chart, "README.md"), values)
}

// mirror makes a folder hold the files of a pattern and nothing else. What is right already is not written.
func mirror(pattern, folder string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("no file is like %s (%w)", pattern, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // users read these files
		return err
	}
	wanted := map[string]bool{}
	for _, path := range paths {
		wanted[filepath.Base(path)] = true
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(folder, filepath.Base(path)), text); err != nil {
			return err
		}
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, file := range there {
		if !wanted[file.Name()] {
			if err := os.Remove(filepath.Join(folder, file.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func write(path string, text []byte) error {
	if is, err := os.ReadFile(path); err == nil && bytes.Equal(is, text) {
		return nil
	}
	return os.WriteFile(path, text, 0o644) //nolint:gosec // users read these files
}
