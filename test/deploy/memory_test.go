// That Go knows of each limit to the exporter's memory.

package deploy_test

import (
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// limit is what a file says of the memory of a program in it, in bytes; Go's is 0 if it is not told.
type limit struct{ memory, goes float64 }

func TestGoIsToldEightyPercentOfEachMemoryLimit(t *testing.T) {
	found := map[string]int{}
	err := filepath.WalkDir(deploy, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path == filepath.Join(deploy, "helm") {
			return fs.SkipDir // its templates are no YAML; what they render is looked at in chart_test.go
		}
		for at, l := range limits(t, path) {
			found[strings.Split(filepath.ToSlash(path), "/")[3]]++
			if math.Abs(l.goes-l.memory*.8) > 1<<20 {
				t.Errorf("%s: %s: GOMEMLIMIT is %.1f MiB, want 80 %% of %.1f", path, at, l.goes/(1<<20), l.memory/(1<<20))
			}
		}
		return err
	})
	if err != nil || found["systemd"] != 1 || found["compose"] != 2 || found["kubernetes"] != 1 {
		t.Errorf("limits found: %v, %v", found, err)
	}
}

func limits(t *testing.T, path string) map[string]limit {
	t.Helper()
	all := map[string]limit{}
	switch filepath.Ext(path) {
	case ".service":
		l := limit{}
		for setting, values := range settings(t, filepath.Base(path)) {
			switch setting {
			case "Service.MemoryMax", "Service.MemoryHigh":
				l.memory = size(t, values[0])
			case "Service.Environment":
				for v := range strings.FieldsSeq(strings.Join(values, " ")) {
					if value, ok := strings.CutPrefix(v, "GOMEMLIMIT="); ok {
						l.goes = size(t, value)
					}
				}
			}
		}
		if l.memory > 0 {
			all["[Service]"] = l
		}
	case ".yaml", ".yml":
		for document := range strings.SplitSeq("\n"+read(t, path), "\n---") {
			var content any
			if err := yaml.Unmarshal([]byte(document), &content); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			walk(t, content, "", all)
		}
	}
	return all
}

// walk finds what has a limit in a document of Kubernetes or Docker Compose.
func walk(t *testing.T, v any, at string, all map[string]limit) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for i, each := range v {
			walk(t, each, fmt.Sprint(at, "/", i), all)
		}
	case map[string]any:
		for _, memory := range []any{v["mem_limit"], in(v, "resources", "limits", "memory"), in(v, "deploy", "resources", "limits", "memory")} {
			if memory != nil {
				all[at] = limit{size(t, fmt.Sprint(memory)), size(t, told(v))}
			}
		}
		for key, each := range v {
			if at == "" || key != "deploy" {
				walk(t, each, at+"/"+key, all)
			}
		}
	}
}

// in returns what is at a path of keys; nil if nothing is.
func in(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// told returns the GOMEMLIMIT of a container or service.
func told(v map[string]any) string {
	if value := in(v, "environment", "GOMEMLIMIT"); value != nil {
		return fmt.Sprint(value)
	}
	for _, list := range []string{"env", "environment"} {
		entries, _ := v[list].([]any)
		for _, e := range entries {
			if in(e, "name") == "GOMEMLIMIT" {
				return fmt.Sprint(in(e, "value"))
			}
			if value, ok := strings.CutPrefix(fmt.Sprint(e), "GOMEMLIMIT="); ok {
				return value
			}
		}
	}
	return "0"
}

// size reads 512Mi, 512M, 512m and 512MiB, which all mean the same where they are used.
func size(t *testing.T, text string) float64 {
	t.Helper()
	number := strings.TrimRight(text, "KMGTkmgtiBb")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		t.Errorf("%q is no size", text)
	}
	unit := strings.ToUpper(strings.TrimRight(text[len(number):], "iBb"))
	return n * math.Pow(1024, float64(strings.Index("KMGT", unit)+min(1, len(unit))))
}
