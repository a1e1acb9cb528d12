// Command dashboards writes the Grafana dashboards of the exporter, as users import them, into a folder.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dashboards FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// run writes each dashboard to the file in folder that is named after its uid.
func run(folder string) error {
	for _, d := range all() {
		text, err := encode(d)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, d.file()), text, 0o644); err != nil { //nolint:gosec // users read these files
			return err
		}
	}
	return nil
}

func all() []dashboard { return []dashboard{overview(), tasks(), exporter()} }

func (d dashboard) file() string { return d.uid + ".json" }

// encode returns a dashboard as a file for Grafana: two spaces, and < and > as they are, so that a diff can be read.
func encode(d dashboard) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(d.render())
	return b.Bytes(), err
}
