package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// A key that no test of another kind knows.
const strangersPrize = "prize-key-0123456789"

// TestWhoWritesListsLearnsNoSecret has a list's writer try every way to have a file of the exporter read as a list. start and
// get look for the canary in everything that is said.
func TestWhoWritesListsLearnsNoSecret(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"lists", "lists/sub"} {
		if err := os.Mkdir(in(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"key": canary + "\n", "hook": canaryPassword, "header": canaryHeader, "away.txt": strangersPrize + "\n", "lists/ok.txt": "ok\n",
		"lists/direct.txt": canary + "\n" + canaryPassword + "\n" + canaryHeader + "\n",
		"web.yml":          "http_server_config: {http2: false}\n#" + canary + "\n",
	} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := in("kie.yml")
	rewrite(t, config, fmt.Sprintf("accounts: [{base_url: %q, credentials_file: key, webhook_keys_files: [hook],\n"+
		"  http_client: {http_headers: {X-Gateway: {files: [header]}}}, requests_per_second: 1000, credits_interval: 0s}]\n"+
		"groups: [{name: g, files: ['lists/*.txt', 'lists/*/*.txt']}]\npolling: {background: true}\n", api))
	for i, target := range []string{
		"key", "hook", "header", "away.txt", "kie.yml", "web.yml", "lists/sub/../../key", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/maps",
	} {
		if !filepath.IsAbs(target) {
			target = dir + "/" + target
		}
		link(t, os.Symlink, target, in(fmt.Sprintf("lists/%d.txt", i)))
		if !strings.HasPrefix(target, "/proc") && filepath.Base(target) != "away.txt" {
			link(t, os.Link, target, in(fmt.Sprintf("lists/sub/%d.txt", i)))
		}
	}
	p := start(t, "--config.file="+config, "--web.config.file="+in("web.yml"), "--web.enable-lifecycle")
	p.until(10*time.Second, `kie_exporter_source_tasks{group="g",source="lists/*.txt"} 1`,
		`kie_exporter_source_rejected_total{group="g",reason="secret",source="lists/*.txt"} 3`)
	p.wantOnlyTheListedTask()
	link(t, os.Link, in("away.txt"), in("lists/sub/late.txt")) // which becomes a secret now
	rewrite(t, config, strings.Replace(readAll(t, config), "name: g,",
		"name: g, http: {url: '"+api+"', http_client: {authorization: {credentials_file: away.txt}}},", 1))
	p.reload(http.StatusOK)
	p.wantOnlyTheListedTask()
	if sim.Queries(canary)+sim.Queries(strangersPrize) > 0 {
		t.Error("a secret was sent to the API as an id")
	}
}

// wantOnlyTheListedTask fails the test if anything of another file is shown.
func (p *program) wantOnlyTheListedTask() {
	p.t.Helper()
	body := p.scrape()
	_, tasks := p.get("/api/v1/tasks")
	if n := strings.Count(tasks, `"task_id"`) + strings.Count(tasks, `"id"`); n != 1 {
		p.t.Errorf("other tasks than ok: %s", tasks)
	}
	if said := body + tasks + p.stderr.String(); strings.Contains(said, strangersPrize) {
		p.t.Error("a file that is none of the lists' is shown")
	}
}

func link(t *testing.T, put func(from, to string) error, from, to string) {
	t.Helper()
	if err := put(from, to); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
