// Labels and ids from outside.

package kie

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestLabelIsCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"kling/v2-5":                    "kling/v2-5",
		"  a b\t":                       "a b",
		"a\nb\x00c\x1bd\x7fe":           "abcde",
		"a\u0085b\u009fc":               "abc",
		"\x00 \x01 a":                   "a",
		"a\xffb":                        "a\ufffdb",
		"a\xed\xa0\x80":                 "a\ufffd\ufffd\ufffd", // a lone surrogate
		`say "hi" \n`:                   `say "hi" \n`,
		"\u00a0wide\u3000":              "wide",
		strings.Repeat("x", 1<<20):      strings.Repeat("x", 128),
		strings.Repeat("é", 100):        strings.Repeat("é", 64),
		strings.Repeat("x", 127) + "é":  strings.Repeat("x", 127),
		strings.Repeat("x", 127) + " y": strings.Repeat("x", 127),
		strings.Repeat("\x00", 1<<20):   "",
	} {
		if got := CleanLabel(in); got != want {
			t.Errorf("CleanLabel(%.40q) = %q, want %q", in, got, want)
		}
	}
}

func TestIDIsBoundedUTF8WithoutControlCharacters(t *testing.T) {
	for id, want := range map[string]bool{
		"task_12345678":               true,
		"../a b?c&d=%00/\"😀":          true,
		strings.Repeat("x", 128):      true,
		"":                            false,
		strings.Repeat("x", 129):      false,
		"a\nb":                        false,
		"a\x00":                       false,
		"a\x7f":                       false,
		"a\u0085":                     false,
		"a\xff":                       false,
		strings.Repeat("é", 64):       true,
		strings.Repeat("é", 64) + "x": false,
	} {
		if got := ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
}

// FuzzCleanLabel: a cleaned label is at most 128 bytes of UTF-8 without control characters and spaces at its ends, stays as it
// is when cleaned again, is the only one that counts as clean, and comes back from the text format unchanged.
func FuzzCleanLabel(f *testing.F) {
	for _, seed := range []string{"", "kling/v2", " \x00 a\n\"b\\ \xff\u0085", strings.Repeat("é", 100), "\xed\xa0\x80", "\u2028", "{}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := CleanLabel(s)
		switch {
		case !utf8.ValidString(got), len(got) > 128, strings.ContainsFunc(got, unicode.IsControl), strings.TrimSpace(got) != got:
			t.Errorf("CleanLabel(%q) = %q, not clean", s, got)
		case CleanLabel(got) != got:
			t.Errorf("CleanLabel is not idempotent on %q", s)
		case got != "" && !ValidID(got):
			t.Errorf("CleanLabel(%q) = %q, not valid as an id", s, got)
		case IsCleanLabel(s) != (got == s):
			t.Errorf("CleanLabel(%q) = %q, and it is clean: %v", s, got, IsCleanLabel(s))
		}
		if back := throughExposition(t, got); back != got {
			t.Errorf("%q came back as %q", got, back)
		}
	})
}

// throughExposition writes a label value in the text format and reads it back.
func throughExposition(t *testing.T, value string) string {
	t.Helper()
	name, label := "m", "l"
	var buf bytes.Buffer
	family := &dto.MetricFamily{
		Name: &name, Type: dto.MetricType_GAUGE.Enum(),
		Metric: []*dto.Metric{{Label: []*dto.LabelPair{{Name: &label, Value: &value}}, Gauge: &dto.Gauge{Value: new(float64)}}},
	}
	if _, err := expfmt.MetricFamilyToText(&buf, family); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return families[name].GetMetric()[0].GetLabel()[0].GetValue()
}
