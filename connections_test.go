//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	built "github.com/kie-exporter/kie_exporter/test/kit/program"
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
			client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
			wait.Quick(t, 8*time.Second, func() (slowest time.Duration) { // after 10 s the exporter closes what is idle
				for range 400 {
					conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", attacked)
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = conn.Close() }()
				}
				for range 5 {
					begin := time.Now()
					if err := ask(t, client, http.MethodGet, "http://"+metrics+"/metrics", http.NoBody); err != nil {
						t.Fatalf("beside 400 idle connections: %v\n%s", err, p.log.String())
					}
					slowest = max(slowest, time.Since(begin))
				}
				return slowest
			})
		})
	}
}

// Producers that open connections by the thousand and send a byte a second take no push from others, and no scrape.
func TestTenThousandConnectionsThatSendAByteASecondKeepNoPushOut(t *testing.T) {
	dir := t.TempDir()
	config := "accounts: [{base_url: 'http://127.0.0.1:1', credits_interval: 0s}]\ngroups: [{name: g, push: {credentials_file: token}}]\npolling: {max_wait: 10ms}\n"
	for name, text := range map[string]string{"kie.yml": config, "token": "the-token-of-group-g"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &process{Cmd: program(t, "secret", "--config.file="+dir+"/kie.yml", "--storage.path="+dir+"/data", "--web.listen-address=127.0.0.1:0")}
	p.Stderr = &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Process.Kill(); _ = p.Wait() }()
	metrics := p.address(t, "Listening on")
	conns := dripping(t, metrics, connectionsToOpen(t))
	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 3 {
		for _, c := range conns {
			_, _ = c.Write([]byte("a")) // which is refused where the exporter has closed it
		}
		again := false
		wait.Quick(t, 10*time.Second, func() time.Duration { // after 20 s a push has come too slowly, whoever waits
			if again {
				dripping(t, metrics, connectionsToOpen(t))
			}
			again = true
			begin := time.Now()
			wait.Until(t, time.Minute, 100*time.Millisecond, func() error { // as the answer says: 503 with Retry-After: 1 while all 64 are fresh
				return ask(t, client, http.MethodPost, "http://"+metrics+"/api/v1/groups/g/tasks", strings.NewReader(fmt.Sprintf("id-%d\n", i)))
			})
			return time.Since(begin)
		})
		wait.Quick(t, 8*time.Second, func() time.Duration {
			begin := time.Now()
			if err := ask(t, client, http.MethodGet, "http://"+metrics+"/metrics", http.NoBody); err != nil {
				t.Error(err)
			}
			return time.Since(begin)
		})
	}
	most := 256 << 10
	if built.UnderRace() {
		most *= 5 // the race detector takes 5 to 10 times the memory: https://go.dev/doc/articles/race_detector
	}
	if kib := p.resident(t); kib > most {
		t.Errorf("the process has %d KiB in memory, %d at most", kib, most)
	}
}

// resident returns how many KiB the process has in memory; 0: the system does not tell as Linux does.
func (p *process) resident(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Error(err)
	}
	return kib
}

// connectionsToOpen returns 10,000, or as many as this process may have open.
func connectionsToOpen(t *testing.T) int {
	t.Helper()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	n := 10_000
	if files.Cur < 11_000 {
		n = int(files.Cur) / 2
		t.Logf("%d connections, as no more files may be open", n)
	}
	return n
}

// dripping opens connections over which pushes begin to come.
func dripping(t *testing.T, address string, n int) (conns []net.Conn) {
	t.Helper()
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	for range n {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		_, _ = fmt.Fprint(c, "POST /api/v1/groups/g/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-token-of-group-g\r\n"+
			"Content-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n")
	}
	return conns
}

// ask sends a request with the token of pushes, and fails unless the answer is 200.
func ask(t *testing.T, client *http.Client, method, url string, body io.Reader) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		return err
	}
	req.Header = http.Header{"Authorization": {"Bearer the-token-of-group-g"}, "Content-Type": {"text/plain"}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s is answered with %d %.200s", method, url, resp.StatusCode, text)
	}
	return err
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
