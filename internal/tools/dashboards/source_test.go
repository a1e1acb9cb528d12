package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A point in a graph of latency is a task: a click on it leads to the task's life, in Grafana and on the exporter's page.
func TestDataSourceLeadsFromExemplarsToTheirTasks(t *testing.T) {
	text, err := os.ReadFile(root + "deploy/compose/grafana/provisioning/datasources/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Datasources []struct {
			JSONData struct {
				Destinations []struct {
					Name, URL string
				} `yaml:"exemplarTraceIdDestinations"`
			} `yaml:"jsonData"`
		}
	}
	if err := yaml.Unmarshal(text, &content); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"/d/kie-tasks?var-task=$${__value.raw", ":10059/tasks/$${__value.raw"} {
		found := false
		for _, d := range content.Datasources[0].JSONData.Destinations {
			found = found || d.Name == "task_id" && strings.Contains(d.URL, place)
		}
		if !found {
			t.Errorf("task_id does not lead to %s", place)
		}
	}
	if !slices.ContainsFunc(tasks().variables, func(v variable) bool { return v.name == "task" && v.typed }) {
		t.Error("no task can be chosen by address")
	}
}
