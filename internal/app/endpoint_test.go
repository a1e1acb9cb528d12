package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// From a group, a line of a list and a probe to the API's own paths, and to the metrics.
func TestTasksOfOtherEndpointsAreAskedAboutThere(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "song", Model: "V5", Endpoint: kiesim.Suno})
	sim.Put(kiesim.Task{ID: "film", Model: "veo3_fast", Endpoint: kiesim.Veo})
	sim.Put(kiesim.Task{ID: "image", Endpoint: kiesim.FluxKontext, Model: "flux-kontext-pro"})
	list := filepath.Join(t.TempDir(), "tasks.jsonl")
	if err := os.WriteFile(list, []byte(`{"taskId":"film","endpoint":"veo"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--config.file="+configFile(t, api, "groups: [{endpoint: suno, tasks: [song], files: ["+list+"]}]\npolling: {background: true}"))
	want := []string{
		`kie_task_info{account="default",group="default",model="V5",task_id="song"} 1`,
		`kie_task_info{account="default",group="default",model="veo3_fast",task_id="film"} 1`,
		`kie_api_requests_total{account="default",class="ok",endpoint="suno"} 1`,
		`kie_api_requests_total{account="default",class="ok",endpoint="veo"} 1`,
		`kie_api_requests_total{account="default",class="ok",endpoint="recordInfo"} 0`,
	}
	body := p.until(10*time.Second, want...)
	if strings.Contains(body, `endpoint="luma"`) {
		t.Error("an endpoint that is not in use is shown")
	}
	if status, body := p.get("/probe?task_id=image&endpoint=flux_kontext"); status != http.StatusOK || missing(body, []string{"probe_success 1"}) != "" {
		t.Errorf("%d: %s", status, body)
	}
}
