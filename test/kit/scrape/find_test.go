package scrape_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
)

func TestFindMeetsLinesThatBeginWithTheName(t *testing.T) {
	const text = "a{x=\"1\"} 1\n# HELP a of it\nb 2\nab 3\n\na 4\nba 5\na{x=\"6\"} 6"
	for expression, want := range map[string][]string{
		`a(?:\{.*\})? (\S+)$`: {"1", "4", "6"},
		`a\{.*\} (\S+)$`:      {"1", "6"},
		`b (\S+)$`:            {"2"},
		`c (\S+)$`:            nil,
	} {
		var got []string
		for _, found := range scrape.Find(regexp.MustCompile(expression), text) {
			got = append(got, found[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
