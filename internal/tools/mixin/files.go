// The files that the mixin renders from, and rendering.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-jsonnet"
)

// write writes the marked rules and dashboards next to the mixin.
func write(root string) error {
	folder := filepath.Join(root, "deploy", "mixin", "marked")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // users read these files
		return err
	}
	files, err := markedFiles(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(folder, name)
		if is, err := os.ReadFile(path); err == nil && bytes.Equal(is, text) {
			continue
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // users read these files
			return err
		}
	}
	return nil
}

// markedFiles returns the files of deploy/mixin/marked by name.
func markedFiles(root string) (map[string][]byte, error) {
	rules, err := markedRules(root)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	if files["rules.json"], err = encode(rules); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, "dashboards", "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no dashboards", root)
	}
	for _, path := range paths {
		dashboard, err := readDashboard(path)
		if err != nil {
			return nil, err
		}
		if dashboard, err = markDashboard(dashboard); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if files[filepath.Base(path)], err = encode(dashboard); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func readDashboard(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.ContainsAny(text, "«»") {
		return nil, fmt.Errorf("%s: « and » are for marks", path)
	}
	var dashboard any
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return dashboard, nil
}

// markDashboard marks what is asked of a Prometheus: queries of panels and annotations, and the values of variables.
func markDashboard(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		for i := range v {
			if v[i], err = markDashboard(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			text, isText := v[key].(string)
			switch {
			case !isText:
				v[key], err = markDashboard(v[key])
			case key == "expr":
				v[key], err = markQuery(text, "", "")
			case (key == "query" || key == "definition") && strings.HasPrefix(text, "label_values("):
				last := strings.LastIndex(text, ",")
				v[key], err = markQuery(text[len("label_values("):last], "label_values(", text[last:])
			case strings.Contains(text, "query_result("):
				return nil, fmt.Errorf("%s: the mixin knows no such query", text)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func markQuery(expr, before, after string) (string, error) {
	marks, err := selectors(expr, wholeSelector, moreSelector)
	return before + insert(expr, marks) + after, err
}

// encode writes JSON on few lines, as nobody edits it, in the order of names.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(value)
	return b.Bytes(), err
}

// repository is where jsonnet-bundler puts this repository below vendor/.
const repository = "github.com/kie-exporter/kie_exporter/"

// importer finds this repository as if it were vendored.
type importer struct {
	root  string
	files *jsonnet.FileImporter
}

func (i importer) Import(from, path string) (jsonnet.Contents, string, error) {
	if inner, ok := strings.CutPrefix(path, repository); ok {
		from, path = "", filepath.Join(i.root, inner)
	}
	return i.files.Import(from, path)
}

func newVM(root string) *jsonnet.VM {
	vm := jsonnet.MakeVM()
	vm.Importer(importer{root, &jsonnet.FileImporter{}})
	return vm
}

// render writes each file that a jsonnet file names, with the text that it has for it.
func render(root, file, folder string) error {
	vm := newVM(root)
	vm.StringOutput = true
	files, err := vm.EvaluateFileMulti(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // users read these files
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil { //nolint:gosec // users read these files
			return err
		}
	}
	return nil
}
