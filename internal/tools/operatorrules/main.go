// Command operatorrules writes the rules of alerts/ as PrometheusRules, the form in which prometheus-operator takes them.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: operatorrules ALERTS FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "operatorrules:", err)
		os.Exit(1)
	}
}

// run writes a PrometheusRule into folder for each file of rules in alerts, and names it after that file.
func run(alerts, folder string) error {
	paths, err := filepath.Glob(filepath.Join(alerts, "kie_exporter.*.yml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		rules, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(path), ".yml")
		text, err := prometheusRule(name, rules)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), text, 0o644); err != nil { //nolint:gosec // users read these files
			return err
		}
	}
	return nil
}

// prometheusRule wraps the groups of a file of rules, with their comments.
func prometheusRule(name string, rules []byte) ([]byte, error) {
	var file struct{ Groups yaml.Node }
	if err := yaml.Unmarshal(rules, &file); err != nil {
		return nil, err
	}
	type metadata struct {
		Name   string            `yaml:"name"`
		Labels map[string]string `yaml:"labels"`
	}
	type spec struct {
		Groups *yaml.Node `yaml:"groups"`
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Generated from alerts/%s.yml by `make generate`; do not edit.\n", name)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       spec     `yaml:"spec"`
	}{
		APIVersion: "monitoring.coreos.com/v1",
		Kind:       "PrometheusRule",
		Metadata: metadata{
			Name:   strings.NewReplacer("_", "-", ".", "-").Replace(name),
			Labels: map[string]string{"app.kubernetes.io/name": "kie_exporter"},
		},
		Spec: spec{Groups: &file.Groups},
	})
	return b.Bytes(), err
}
