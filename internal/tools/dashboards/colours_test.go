// What colours mean.

package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

func TestTheRarerTheHotter(t *testing.T) {
	heat := []string{string(blue), string(green), string(yellow), string(orange), string(red)}
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		last := -1
		for _, q := range p.Targets {
			if !slices.Contains([]string{"p50", "p90", "p99"}, q.Legend) || !is(p, timeseries) {
				continue
			}
			colour, _ := colourOf(p, q)
			if now := slices.Index(heat, colour); now <= last {
				t.Errorf("%s is %q, no hotter than what is less rare", q.Legend, colour)
			} else {
				last = now
			}
		}
	})
}

var markOfState = regexp.MustCompile(`([^{}]*)\{[^{}]*--mark:\s*var\(--(\w+)\)`)

// A state has one colour on all panels, of the hue that it has on the exporter's own page.
func TestStatesHaveOneColour(t *testing.T) {
	hues := map[string]string{
		string(lightBlue): "busy", string(blue): "busy", string(darkBlue): "busy", string(green): "good", string(red): "bad", string(orange): "warn",
		string(grey): "quiet",
	}
	style, err := os.ReadFile(root + "internal/web/tasks/style.css")
	if err != nil {
		t.Fatal(err)
	}
	page := map[string]string{}
	for _, rule := range markOfState.FindAllStringSubmatch(string(style), -1) {
		for state := range stateColours {
			if regexp.MustCompile(`\.` + state + `\b`).MatchString(rule[1]) {
				page[state] = rule[2]
			}
		}
	}
	colours := map[string]string{}
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		see := func(state, colour string) {
			if _, ok := stateColours[state]; !ok {
				return
			}
			if known := colours[state]; known != "" && known != colour {
				t.Errorf("%s is %s here and %s elsewhere", state, colour, known)
			}
			colours[state] = colour
			if hues[colour] != page[state] || page[state] == "" {
				t.Errorf("%s is %s here and %q on the exporter's page", state, colour, page[state])
			}
		}
		for _, m := range p.FieldConfig.Defaults.Mappings {
			for _, text := range m.Options {
				see(text.Text, text.Color)
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			var colour struct{ FixedColor string }
			if o.Property("color", &colour) && colour.FixedColor != "" {
				see(o.Matcher.Options, colour.FixedColor)
			}
			var mappings []struct{ Options map[string]panels.Text }
			o.Property("mappings", &mappings)
			for _, m := range mappings {
				for _, text := range m.Options {
					see(text.Text, text.Color)
				}
			}
		}
	})
	if len(colours) != len(stateColours) {
		t.Errorf("colours of %v", colours)
	}
}

func TestFailCodesAreOfOneColour(t *testing.T) {
	for _, p := range some(t, "kie-overview", "of fail codes", func(p panels.Panel) bool { return asks(p, "kie_tasks_fail_codes_total") }) {
		if c := p.FieldConfig.Defaults.Color; c.Mode != "fixed" || c.Fixed != string(red) {
			t.Errorf("%q has colours of mode %s", p.Title, c.Mode)
		}
	}
}

// What is transparent can't be seen on white, and what has the text's colour is black there and white on black.
func TestLanesAndLinesAreSeenInLightAndDark(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		if !is(p, timeline, timeseries, bars) {
			return
		}
		unseen := []string{"transparent", "text"}
		for _, m := range p.FieldConfig.Defaults.Mappings {
			for value, text := range m.Options {
				if slices.Contains(unseen, text.Color) {
					t.Errorf("%s is %s", value, text.Color)
				}
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			var colour struct{ FixedColor string }
			if o.Property("color", &colour) && slices.Contains(unseen, colour.FixedColor) {
				t.Errorf("%s is %s", o.Matcher.Options, colour.FixedColor)
			}
		}
	})
}

// Of values that a label can have none is left to a palette, in which it looks like another.
func TestEachValueThatIsColouredHasAColourOfItsOwn(t *testing.T) {
	text, err := os.ReadFile(metrics)
	if err != nil {
		t.Fatal(err)
	}
	var documented struct {
		Metrics []struct {
			Name   string
			Labels []struct {
				Name   string
				Values []string
			}
		}
	}
	if err := json.Unmarshal(text, &documented); err != nil {
		t.Fatal(err)
	}
	checked := 0
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, m := range documented.Metrics {
			for _, l := range m.Labels {
				if !is(p, timeseries) || len(l.Values) == 0 || len(p.FieldConfig.Overrides) == 0 || p.Targets[0].Legend != "{{"+l.Name+"}}" || !asks(p, m.Name+"{") {
					continue
				}
				checked++
				seen := map[string]string{}
				for _, value := range l.Values {
					if l.Name == "state" && (value == "success" || value == "fail") && asks(p, `state!~"`) {
						continue
					}
					colour, _ := colourOf(p, panels.Query{Legend: value})
					if other, taken := seen[colour]; taken || colour == "" {
						t.Errorf("%s %q is %q, as %q", l.Name, value, colour, other)
					}
					seen[colour] = value
				}
			}
		}
	})
	if checked < 4 {
		t.Errorf("%d panels with values that are documented", checked)
	}
}
