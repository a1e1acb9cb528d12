package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const repo = "../../.."

// copied returns a folder with the files of the repository that are read or written.
func copied(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, pattern := range []string{
		"alerts/*.yml", "dashboards/*.json", "config/kie_exporter.schema.json", "deploy/helm/kie-exporter/*.*", "deploy/helm/kie-exporter/files/*/*",
	} {
		paths, err := filepath.Glob(filepath.Join(repo, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("nothing is like %s, %v", pattern, err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(repo, path)
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(to, name), get(t, path))
		}
	}
	return to
}

func get(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGeneratedPartsOfTheChartAreCurrent(t *testing.T) {
	root := copied(t)
	if err := run(root); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(root, "deploy"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(root, path)
		if err == nil && !bytes.Equal(get(t, path), get(t, filepath.Join(repo, name))) {
			t.Errorf("%s is stale: run `make generate`", name)
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestTheChartsFilesFollowAlertsAndDashboards(t *testing.T) {
	root := copied(t)
	chart := filepath.Join(root, "deploy/helm/kie-exporter/files")
	put(t, filepath.Join(root, "dashboards/kie-new.json"), []byte("{}\n"))
	put(t, filepath.Join(root, "alerts/kie_exporter.rules.yml"), []byte("groups: []\n"))
	if err := os.Remove(filepath.Join(root, "dashboards/kie-tasks.json")); err != nil {
		t.Fatal(err)
	}
	if err := run(root); err != nil {
		t.Fatal(err)
	}
	if got := get(t, filepath.Join(chart, "dashboards/kie-new.json")); string(got) != "{}\n" {
		t.Errorf("a new dashboard is %q", got)
	}
	if got := get(t, filepath.Join(chart, "alerts/kie_exporter.rules.yml")); string(got) != "groups: []\n" {
		t.Errorf("changed rules are %q", got)
	}
	if _, err := os.Stat(filepath.Join(chart, "dashboards/kie-tasks.json")); !os.IsNotExist(err) {
		t.Errorf("a dashboard that is gone is there: %v", err)
	}
}

func TestEachValueHasACommentAndIsInTheSchema(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"no comment":         {"# Labels of all objects.\n", "", "commonLabels has no comment"},
		"not in the schema":  {"# Labels of all objects.\n", "# What is new.\nfresh: 1\n\n# Labels of all objects.\n", "lacks fresh, which is in values.yaml"},
		"not in values.yaml": {"# Labels of all objects.\ncommonLabels: {}\n", "", "has commonLabels, which is not in values.yaml"},
		"nor below": {
			"  # The size of each volume.\n  size: 1Gi\n", "", "has persistence.size, which is not in values.yaml",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := copied(t)
			path := filepath.Join(root, "deploy/helm/kie-exporter/values.yaml")
			text := string(get(t, path))
			if !strings.Contains(text, c.from) {
				t.Fatalf("values.yaml has no %q", c.from)
			}
			put(t, path, []byte(strings.Replace(text, c.from, c.to, 1)))
			if err := run(root); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestNoSecretIsASettingOfTheChart(t *testing.T) {
	root := copied(t)
	if err := run(root); err != nil {
		t.Fatal(err)
	}
	schema := string(get(t, filepath.Join(root, "deploy/helm/kie-exporter/values.schema.json")))
	if text := string(get(t, filepath.Join(repo, "config/kie_exporter.schema.json"))); strings.Count(text, "writeOnly") < 5 {
		t.Error("the exporter's schema does not tell what is secret")
	}
	for name, want := range map[string]bool{
		`"writeOnly"`: false, `"password"`: false, `"credentials"`: false, `"secrets"`: false, `"key"`: false, `"proxy_connect_header"`: false,
		`"password_file"`: true, `"credentials_file"`: true, `"files"`: true, `"key_file"`: true,
	} {
		if strings.Contains(schema, name) != want {
			t.Errorf("%s is in the schema: %v, want %v", name, !want, want)
		}
	}
}
