package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const committed = "../../../deploy/kubernetes/operator"

func TestGeneratedRulesAreCurrent(t *testing.T) {
	fresh := t.TempDir()
	if err := run("../../../alerts", fresh); err != nil {
		t.Fatal(err)
	}
	have, err := filepath.Glob(committed + "/kie_exporter.*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := filepath.Glob(fresh + "/*.yaml")
	if err != nil || len(want) == 0 || len(have) != len(want) {
		t.Errorf("%d files are committed, %d are generated (%v)", len(have), len(want), err)
	}
	for _, path := range want {
		name := filepath.Base(path)
		is, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil {
			t.Fatal(err)
		}
		shall, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(is, shall) {
			t.Errorf("%s is stale: run `make generate`", name)
		}
	}
}

func TestCommentsOfRulesAreKept(t *testing.T) {
	text, err := prometheusRule("kie_exporter.some", []byte("groups:\n  - name: g\n    rules:\n      # why\n      - {record: a, expr: b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# why", "name: kie-exporter-some", "kind: PrometheusRule"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
