package strict_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/strict"
)

// What the parser refuses, it is run for: in a process of its own, since the test in it fails.
func TestAFamilyThatComesTwiceIsNoOpenMetrics(t *testing.T) {
	const once = "# TYPE a_bytes gauge\na_bytes 1\n# EOF\n"
	if text := os.Getenv("STRICT_TEXT"); text != "" {
		strict.OpenMetrics(t, []byte(text))
		return
	}
	strict.OpenMetrics(t, []byte(once))
	for name, text := range map[string]string{
		"one name as gauge and counter": "# TYPE a_bytes gauge\na_bytes 1\n# TYPE a_bytes counter\na_bytes_total 1\n# EOF\n",
		"others between":                "# TYPE a_bytes gauge\na_bytes 1\n# TYPE b gauge\nb 1\n# TYPE a_bytes counter\na_bytes_total 1\n# EOF\n",
		"no end":                        "# TYPE a_bytes gauge\na_bytes 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAFamilyThatComesTwiceIsNoOpenMetrics$") //nolint:gosec // this test itself
			c.Env = append(os.Environ(), "STRICT_TEXT="+text)
			if out, err := c.CombinedOutput(); err == nil {
				t.Errorf("%q is accepted: %s", text, out)
			}
		})
	}
}
