// Command settingsdoc writes what follows from the declaration of the settings, below the root of the repository that it is given:
// the example, the JSON Schema for editors, and the page on all settings.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kie-exporter/kie_exporter/config"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "settingsdoc:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the root of the repository, got %d", len(args))
	}
	files, err := generate(args[0])
	if err != nil {
		return err
	}
	for name, text := range files {
		//nolint:gosec // documentation is for everybody to read
		if err := os.WriteFile(filepath.Join(args[0], name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files, by their names below root.
func generate(root string) (map[string][]byte, error) {
	comments, err := readComments(filepath.Join(root, "config"), filepath.Join(root, "internal", "httpclient"), filepath.Join(root, "internal", "replicas"), filepath.Join(root, "internal", "taskseries"))
	if err != nil {
		return nil, err
	}
	declared := config.Declaration()
	if err := comments.complete(declared); err != nil {
		return nil, err
	}
	schema, err := comments.schema(declared)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"config/kie_exporter.example.yml": comments.example(declared),
		"config/kie_exporter.schema.json": schema,
		"docs/configuration.md":           comments.page(declared),
	}, nil
}
