// Package deploy_test checks what deploy/ holds besides the compose setup, as far as it can be told without a cluster, or a
// systemd that runs: that others' tools and types accept it, that nothing may be written but storage, and that the exporter
// accepts the configuration it would find there.
//
// `make deploy-check` builds promtool before and installs systemd-analyze where it may; the exporter is built here.
package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

const (
	repo   = "../.."
	deploy = repo + "/deploy"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, repo)) }

// command runs a program and returns what it said; wrong if it fails.
func command(t *testing.T, name string, args ...string) (said string) {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput() //nolint:gosec // ours
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(text)
}

// root is a folder that stands for a file system as an exporter would see it.
type root struct {
	*testing.T
	path string
	has  []string // absolute paths of files in it
}

// add makes a file. What it says of paths that are there by now leads into the folder.
func (r *root) add(path, text string) {
	r.Helper()
	path = filepath.Clean(path)
	inside := filepath.Join(r.path, path)
	if err := os.MkdirAll(filepath.Dir(inside), 0o700); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(inside, []byte(r.within(text)), 0o600); err != nil {
		r.Fatal(err)
	}
	r.has = append(r.has, path)
}

// within replaces in text the folders of files that are there.
func (r *root) within(text string) string {
	folders := map[string]bool{}
	for _, path := range r.has {
		if dir := filepath.Dir(path); !folders[dir] {
			folders[dir] = true
			text = strings.ReplaceAll(text, dir+"/", filepath.Join(r.path, dir)+"/")
		}
	}
	return text
}

// accepts has the exporter check its configuration with the arguments that it would be started with.
func (r *root) accepts(args []string) {
	r.Helper()
	check := []string{"--config.check"}
	for _, arg := range args {
		check = append(check, r.within(arg))
	}
	if said := command(r.T, "kie_exporter", check...); !strings.Contains(said, "The configuration is valid") || !regexp.MustCompile(`\b[1-9][0-9]* tasks?,`).MatchString(said) {
		r.Errorf("%s", said)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metric is what docs/metrics.json says of one.
type metric struct {
	Name   string
	Labels []struct{ Name string }
}

func (m metric) labels() []string {
	var names []string
	for _, l := range m.Labels {
		names = append(names, l.Name)
	}
	return names
}

// contract returns all metrics of the exporter.
func contract(t *testing.T) []metric {
	t.Helper()
	var file struct{ Metrics []metric }
	if err := json.Unmarshal([]byte(read(t, repo+"/docs/metrics.json")), &file); err != nil || len(file.Metrics) == 0 {
		t.Fatalf("%d metrics, %v", len(file.Metrics), err)
	}
	return file.Metrics
}
