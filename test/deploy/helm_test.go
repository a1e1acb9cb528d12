// Both supported versions of Helm, as libraries.

package deploy_test

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	chart3 "helm.sh/helm/v3/pkg/chart"
	loader3 "helm.sh/helm/v3/pkg/chart/loader"
	util3 "helm.sh/helm/v3/pkg/chartutil"
	engine3 "helm.sh/helm/v3/pkg/engine"
	lint3 "helm.sh/helm/v3/pkg/lint"
	support3 "helm.sh/helm/v3/pkg/lint/support"
	common4 "helm.sh/helm/v4/pkg/chart/common"
	util4 "helm.sh/helm/v4/pkg/chart/common/util"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	lint4 "helm.sh/helm/v4/pkg/chart/v2/lint"
	support4 "helm.sh/helm/v4/pkg/chart/v2/lint/support"
	loader4 "helm.sh/helm/v4/pkg/chart/v2/loader"
	engine4 "helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

const chartFolder = deploy + "/helm/kie-exporter"

// helm is a version of it.
type helm struct {
	name string
	// render fills in the templates of a chart, a folder or an archive, by file. A file of the chart may be given other content.
	render func(chart, release string, values map[string]any, other map[string]string) (map[string]string, error)
	// lint returns what is more than advice.
	lint func(values map[string]any) []string
}

func helms() []helm { return []helm{{"helm 3", render3, lintWith3}, {"helm 4", render4, lintWith4}} }

func render3(path, release string, values map[string]any, other map[string]string) (map[string]string, error) {
	c, err := loader3.Load(path)
	if err != nil {
		return nil, err
	}
	c.Files = slices.Clone(c.Files)
	for i, f := range c.Files {
		if text, ok := other[f.Name]; ok {
			c.Files[i] = &chart3.File{Name: f.Name, Data: []byte(text)}
		}
	}
	all, err := util3.ToRenderValues(c, values, util3.ReleaseOptions{Name: release, Namespace: "kie", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	return engine3.Render(c, all)
}

func render4(path, release string, values map[string]any, other map[string]string) (map[string]string, error) {
	c, err := loader4.Load(path)
	if err != nil {
		return nil, err
	}
	replace4(c, other)
	all, err := util4.ToRenderValues(c, values, common4.ReleaseOptions{Name: release, Namespace: "kie", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	return engine4.Render(c, all)
}

func replace4(c *chart4.Chart, other map[string]string) {
	c.Files = slices.Clone(c.Files)
	for i, f := range c.Files {
		if text, ok := other[f.Name]; ok {
			c.Files[i] = &common4.File{Name: f.Name, Data: []byte(text)}
		}
	}
}

func lintWith3(values map[string]any) (said []string) {
	for _, m := range lint3.All(chartFolder, values, "kie", true).Messages {
		if m.Severity > support3.InfoSev {
			said = append(said, m.Error())
		}
	}
	return said
}

func lintWith4(values map[string]any) (said []string) {
	for _, m := range lint4.RunAll(chartFolder, values, "kie").Messages {
		if m.Severity > support4.InfoSev {
			said = append(said, m.Error())
		}
	}
	return said
}

// valuesOf reads a file of values, as Helm does.
func valuesOf(t *testing.T, path string) map[string]any {
	t.Helper()
	var values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, path)), &values); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return values
}

// goodValues are the files of values that the chart is tried with, by name.
func goodValues(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob("testdata/chart/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d files of values, %v", len(paths), err)
	}
	all := map[string]map[string]any{}
	for _, path := range paths {
		all[strings.TrimSuffix(filepath.Base(path), ".yaml")] = valuesOf(t, path)
	}
	return all
}

// rendered returns what Helm 4 makes of the chart, decoded.
func rendered(t *testing.T, values map[string]any) *manifests {
	t.Helper()
	files, err := render4(chartFolder, "kie-exporter", values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, files)
}

// decoded decodes each object of rendered templates strictly.
func decoded(t *testing.T, files map[string]string) *manifests {
	t.Helper()
	m := newManifests()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for document := range strings.SplitSeq("\n"+files[name], "\n---\n") {
			var object struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if object.Kind == "" {
				continue
			}
			if err := m.decode(object.Kind, []byte(document)); err != nil {
				t.Errorf("%s: %s %s: %v", name, object.Kind, object.Metadata.Name, err)
			}
		}
	}
	return m
}

// text puts rendered templates one behind the other.
func text(files map[string]string) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if content := strings.TrimSpace(files[name]); content != "" {
			fmt.Fprintf(&b, "### %s\n%s\n", strings.TrimPrefix(name, "kie-exporter/templates/"), content)
		}
	}
	return b.Bytes()
}
