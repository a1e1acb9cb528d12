package source_test

import (
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

func TestAHintTellsModelAndVariant(t *testing.T) {
	for _, test := range [][2]string{{"kling/v2", "10s 1080p"}, {"kling/v2", ""}, {"", "10s"}, {"", ""}} {
		hint := source.Hint(test[0], test[1])
		if model, variant := source.SplitHint(hint); model != test[0] || variant != test[1] {
			t.Errorf("%q: %q and %q", test, model, variant)
		}
		if kie.CleanLabel(hint) != hint || !kie.IsCleanLabel(hint) {
			t.Errorf("%q is no clean label", hint)
		}
	}
}
