package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

func TestARefusedKeyIsToldAtTheStartWithWhereItComesFrom(t *testing.T) {
	_, url := serveAPI(t, kiesim.Options{Keys: []string{"another"}})
	file := configFile(t, url, "groups: [{tasks: [a]}]")
	key := filepath.Join(filepath.Dir(file), "key")
	if err := os.WriteFile(key, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	replaceIn(t, file, "{base_url", "{credentials_file: key, base_url")
	for config, want := range map[string]string{
		file: "The API refuses the key of account default, read from " + key,
		configFile(t, url, "groups: [{tasks: [a]}]"): "The API refuses the key of account default, from the environment variable KIE_API_KEY",
	} {
		p := start(t, "--config.file="+config)
		p.stderr.Await(t, 20*time.Second, want) // though nobody scrapes
		p.until(20*time.Second, `kie_up{account="default"} 0`)
		if n := strings.Count(p.stderr.String(), "refuses the key"); n != 1 {
			t.Errorf("told %d times: %s", n, p.stderr.String())
		}
	}
}

func TestAKeyThatCannotBeTriedDoesNotStopTheStart(t *testing.T) {
	p := start(t, "--config.file="+configFile(t, "http://127.0.0.1:1", "groups: [{tasks: [a]}]"))
	p.until(20*time.Second, `kie_up{account="default"} 0`)
}
