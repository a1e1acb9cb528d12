package app_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/test/kit/strict"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

var typeLine = regexp.MustCompile(`(?m)^# TYPE (\S+) \S+$`)

// A family is what remains of a counter's name without _total, so a gauge of that name would be the same family once more.
func TestAStrictParserReadsEveryAnswer(t *testing.T) {
	t.Parallel()
	p := start(t, "--demo")
	accept := http.Header{"Accept": {string(expfmt.FmtOpenMetrics_1_0_0)}}
	wait.Until(t, time.Minute, 500*time.Millisecond, func() error {
		if _, body := p.getWith("/metrics", accept); !strings.Contains(body, "\nkie_task_latency_seconds{") || !strings.Contains(body, " # {") {
			return errors.New("no task has finished")
		}
		return nil
	})
	for name, path := range map[string]string{
		"a scrape":          "/metrics",
		"some metrics":      "/metrics?name[]=kie_tasks&name[]=kie_task_info&name[]=go_goroutines",
		"none":              "/metrics?name[]=none",
		"a probe":           "/probe?account=demo&task_id=none",
		"gauge and counter": "/metrics?name[]=go_memstats_alloc_bytes&name[]=go_memstats_alloc_bytes_total",
	} {
		t.Run(name, func(t *testing.T) {
			status, body := p.getWith(path, accept)
			if status != http.StatusOK || !strings.HasSuffix(body, "# EOF\n") {
				t.Fatalf("%d: %s", status, body)
			}
			seen := map[string]bool{}
			for _, family := range typeLine.FindAllStringSubmatch(body, -1) {
				if seen[family[1]] {
					t.Errorf("%s comes twice", family[1])
				}
				seen[family[1]] = true
			}
			strict.OpenMetrics(t, []byte(body))
		})
	}
}
