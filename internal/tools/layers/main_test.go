package main

import (
	"testing"
)

// The packages of the exporter keep to their order.
func TestImportsGoOneWay(t *testing.T) {
	if err := run(t.Context(), []string{"check", "../../.."}, nil); err != nil {
		t.Error(err)
	}
}

func TestWhatBreaksTheOrderIsNamed(t *testing.T) {
	top, collector, life, kie := pkg{folder: "."}, pkg{folder: "collector"}, pkg{folder: "internal/life"}, pkg{folder: "internal/kie"}
	const client = "github.com/prometheus/client_golang/prometheus"
	tests := map[string]struct {
		change func()
		want   string
	}{
		"nothing":                         {func() {}, ""},
		"down":                            {func() { top.own = []string{"internal/kie"} }, ""},
		"up":                              {func() { kie.own = []string{"internal/life"} }, "internal/kie imports internal/life, which is not below it"},
		"beside":                          {func() { life.own = []string{"internal/totals"} }, "internal/life imports internal/totals, which is not below it"},
		"a test's":                        {func() { life.own = []string{"test/kit/heap"} }, "internal/life imports test/kit/heap, which is not below it"},
		"the library, in the collector":   {func() { collector.others = []string{client} }, ""},
		"the library, below":              {func() { life.others = []string{client} }, "internal/life imports " + client + ", which is for the collector and what is above it"},
		"as long as it may be":            {func() { life.lines = mostLines }, ""},
		"too long":                        {func() { life.lines = mostLines + 1 }, "internal/life has 901 lines without its tests, 900 at the most"},
		"long, and never of the tracker":  {func() { kie.lines = mostLines + 1 }, ""},
		"a package that is not in it":     {func() { kie.folder = "internal/kye" }, "internal/kye is not in the order: name it in internal/tools/layers/order.go\ninternal/kie is in the order, but there is no such package"},
		"helpers of tests are not in any": {func() { top.own = nil }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			top, collector, life, kie = pkg{folder: "."}, pkg{folder: "collector"}, pkg{folder: "internal/life"}, pkg{folder: "internal/kie"}
			tt.change()
			totals, kit := pkg{folder: "internal/totals"}, pkg{folder: "test/kit/heap"}
			err := check([]pkg{top, collector, life, totals, kie, kit}, [][]string{{"."}, {"collector"}, {"internal/life", "internal/totals"}, {"internal/kie"}})
			if got := message(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAPictureHasEachPackageAboveWhatItImports(t *testing.T) {
	got := draw([]pkg{
		{folder: ".", own: []string{"internal/app"}},
		{folder: "internal/app", own: []string{"internal/kie", "internal/store"}},
		{folder: "internal/kie"},
		{folder: "internal/store", own: []string{"internal/kie"}},
		{folder: "test/kit/heap"},
	})
	want := ` 3  main            app
 2  internal/app    kie store
 1  internal/store  kie
 0  internal/kie
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
