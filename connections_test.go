//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// Whoever opens connections to the port of callbacks, or to the main one, takes neither from the scrapes, even where the process may
// have just 300 files open.
func TestIdleConnectionsKeepNoScrapeOut(t *testing.T) {
	dir := t.TempDir()
	config := "accounts: [{base_url: 'http://127.0.0.1:1', credits_interval: 0s, webhook_keys_files: [key]}]\n" +
		"groups: [{tasks: [a]}]\npolling: {max_wait: 10ms}\n"
	for name, text := range map[string]string{"kie.yml": config, "key": "webhook-key"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &process{Cmd: exec.CommandContext(t.Context(), "sh", "-c", `ulimit -n 300; exec "$0" "$@"`, os.Args[0], //nolint:gosec // itself
		"--config.file="+dir+"/kie.yml", "--storage.path=", "--web.listen-address=127.0.0.1:0", "--web.webhook-listen-address=127.0.0.1:0")}
	p.Env = append(os.Environ(), "BE_THE_PROGRAM=1", "KIE_API_KEY=secret")
	p.Stderr = &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Process.Kill(); _ = p.Wait() }()
	metrics, hooks := p.address(t, "Listening on"), p.address(t, "Receiving callbacks")
	for name, attacked := range map[string]string{"of callbacks": hooks, "main": metrics} {
		t.Run(name, func(t *testing.T) {
			for range 400 {
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", attacked)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
			}
			client := &http.Client{Timeout: 8 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			for range 5 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+metrics+"/metrics", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatalf("beside 400 idle connections: %v\n%s", err, p.log.String())
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
}

// address waits until the program has logged an address with a message, and returns it.
func (p *process) address(t *testing.T, message string) string {
	t.Helper()
	line := regexp.MustCompile(`msg="` + message + `" address=(\S+)`)
	var found []string
	wait.Until(t, 20*time.Second, 10*time.Millisecond, func() error {
		if found = line.FindStringSubmatch(p.log.String()); found == nil {
			return fmt.Errorf("no %q in\n%s", message, p.log.String())
		}
		return nil
	})
	return found[1]
}
