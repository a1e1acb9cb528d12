package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsNotGeneratedIsNoName(t *testing.T) {
	err := run(t.Context(), []string{"metrics", "metric"})
	if err == nil || !strings.Contains(err.Error(), `nothing is called "metric"; there are metrics, settings, dashboards,`) {
		t.Errorf("got %v", err)
	}
}

// Each step runs a tool that is there, on files and folders that are.
func TestEachStepIsOfAToolAndFilesThatAreThere(t *testing.T) {
	for _, s := range steps() {
		for _, arg := range s.args {
			if strings.HasPrefix(arg, ".") {
				if _, err := os.Stat(filepath.Join("..", arg)); err != nil {
					t.Errorf("%s: %v", s.name, err)
				}
			}
		}
	}
}
