package app_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/app"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// What the program is told in confidence. Nothing that it prints or serves may hold any of it.
const (
	canary         = "canary-key+=0123456789" // the API key
	canaryPassword = "canary-password+=0123"  // of a proxy
	canaryHeader   = "canary-header+=0123456" // for a gateway
	canaryToken    = "canary-token+=01234567" // of the pushes to a group
)

// program is the exporter running in this process, as the binary would.
type program struct {
	t      *testing.T
	base   string // of its web server
	hooks  string // of the server for callbacks alone, if there is one
	health string // of the server for health and readiness alone, if there is one
	stdout output.Text
	stderr output.Text
	stop   context.CancelFunc
	exit   chan int
}

// start runs the program until the test ends. It must exit with 0 and never print the key.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{t: t, stop: cancel, exit: make(chan int, 1)}
	listening := make(chan []net.Addr, 1)
	for _, usual := range []string{"--web.listen-address=127.0.0.1:0", "--log.level=debug", "--storage.path="} {
		name, _, _ := strings.Cut(usual, "=")
		if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, name+"=") }) {
			args = append(args, usual)
		}
	}
	go func() {
		p.exit <- app.Run(ctx, args, app.Options{
			Stdout: &p.stdout, Stderr: &p.stderr, Getenv: environment, OnListen: func(a []net.Addr) { listening <- a },
		})
	}()
	select {
	case a := <-listening:
		p.base, p.hooks, p.health = "http://"+a[0].String(), "http://"+a[min(1, len(a)-1)].String(), "http://"+a[len(a)-1].String()
	case code := <-p.exit:
		t.Fatalf("exit code %d at once: %s", code, p.stderr.String())
	}
	t.Cleanup(func() {
		if code := p.end(); code != 0 {
			t.Errorf("exit code %d: %s", code, p.stderr.String())
		}
		checkSecrets(t, p.stdout.String()+p.stderr.String())
	})
	return p
}

// end stops the program and returns its exit code.
func (p *program) end() int {
	p.stop()
	code := <-p.exit
	p.exit <- code // for whoever asks again
	http.DefaultClient.CloseIdleConnections()
	return code
}

// get returns the status and the body of a page.
func (p *program) get(path string) (int, string) { return p.getWith(path, nil) }

// getWith is get with request headers.
func (p *program) getWith(path string, header http.Header) (int, string) {
	p.t.Helper()
	return p.send(http.MethodGet, path, header)
}

// send makes a request and returns the status and the body of the answer.
func (p *program) send(method, path string, header http.Header) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	checkSecrets(p.t, fmt.Sprint(resp.Header)+string(body))
	return resp.StatusCode, string(body)
}

// scrape returns the metrics in the plain text format.
func (p *program) scrape() string {
	p.t.Helper()
	status, body := p.get("/metrics")
	if status != http.StatusOK {
		p.t.Fatalf("/metrics answers %d: %s", status, body)
	}
	return body
}

// until scrapes until the metrics hold every line.
func (p *program) until(within time.Duration, lines ...string) string {
	p.t.Helper()
	var body string
	wait.Until(p.t, within, 50*time.Millisecond, func() error {
		body = p.scrape()
		if line := missing(body, lines); line != "" {
			return fmt.Errorf("there is no line %q in\n%s", line, body)
		}
		return nil
	})
	return body
}

// untilReady waits until the program says that it is ready.
func (p *program) untilReady() {
	p.t.Helper()
	wait.Until(p.t, 10*time.Second, 10*time.Millisecond, func() error {
		status, _ := p.get("/-/ready")
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			p.t.Fatalf("/-/ready answers %d", status)
		}
		if status != http.StatusOK {
			return fmt.Errorf("/-/ready answers %d", status)
		}
		return nil
	})
}

// untilAtLeast scrapes until a series has a value or more.
func (p *program) untilAtLeast(series string, least float64) (value float64) {
	p.t.Helper()
	wait.Until(p.t, time.Minute, 50*time.Millisecond, func() (err error) {
		value, err = strconv.ParseFloat(samples(p.scrape())[series], 64)
		if err == nil && value < least {
			err = fmt.Errorf("%s is %v, want %v or more", series, value, least)
		}
		return err
	})
	return value
}

func missing(body string, lines []string) string {
	for _, line := range lines {
		if !strings.Contains("\n"+body, "\n"+line+"\n") {
			return line
		}
	}
	return ""
}

// checkSecrets fails the test if a text shows a key or password, or anything of a prompt, a result or a failure's message.
func checkSecrets(t *testing.T, text string) {
	t.Helper()
	for secret, disguises := range disguised() {
		for _, disguise := range disguises {
			if i := strings.Index(text, disguise); i >= 0 {
				t.Errorf("%q is shown: %q", secret, text[max(0, i-200):min(len(text), i+50)])
				break
			}
		}
	}
}

// disguised are all secrets in every form. A test looks for them in thousands of answers.
var disguised = sync.OnceValue(func() map[string][]string {
	all := make(map[string][]string)
	for _, secret := range []string{canary, canaryPassword, canaryHeader, canaryToken, kiesim.Canary} {
		all[secret] = disguises(secret)
	}
	return all
})

// disguises returns a secret in every form in which it may get out.
func disguises(secret string) []string {
	quoted, _ := json.Marshal(secret)
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret), strings.Trim(string(quoted), `"`),
		hex.EncodeToString([]byte(secret)), fmt.Sprintf("%v", []byte(secret)),
	}
	for before := range 3 { // what comes before decides how bytes fall into groups of six bits
		padded := append(make([]byte, before), secret...)
		first, last := (before*8+5)/6, len(padded)*8/6
		forms = append(forms, base64.StdEncoding.EncodeToString(padded)[first:last], base64.URLEncoding.EncodeToString(padded)[first:last])
	}
	return forms
}

func environment(name string) string {
	if name == "KIE_API_KEY" {
		return canary
	}
	return ""
}

// serveAPI starts a simulated API on loopback.
func serveAPI(t *testing.T, o kiesim.Options) (sim *kiesim.Server, base string) {
	t.Helper()
	sim = kiesim.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, server.URL
}

// configFile writes a configuration for an API and returns its path. settings is more YAML at the top level. No query is given up and made again
// because the machine does much else.
func configFile(t *testing.T, api, settings string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kie.yml")
	text := fmt.Sprintf("accounts:\n  - {base_url: %q, timeout: 5m, credits_interval: 10s, requests_per_second: 1000}\n%s", api, settings)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
