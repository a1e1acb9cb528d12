// What nobody may read, whatever goes wrong.

package app_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// parrot sends back all that a request gives away, wherever HTTP lets it.
type parrot struct {
	status int
	body   string // %[1]s is what the request gives away
}

func (p parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	told := givenAway(r)
	for _, header := range []string{"Location", "Retry-After", "Content-Type", "Date", "Www-Authenticate", "X-Error"} {
		w.Header().Set(header, told)
	}
	w.WriteHeader(p.status)
	fmt.Fprintf(w, p.body, told)
}

// givenAway returns what a request, to an API or a proxy, must keep confidential, readable and as it came.
func givenAway(r *http.Request) string {
	told := []string{kiesim.Canary, r.URL.Query().Get("t")}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Gateway", "X-Tunnel"} {
		value := r.Header.Get(name)
		told = append(told, value)
		if _, encoded, ok := strings.Cut(value, "Basic "); ok {
			plain, _ := base64.StdEncoding.DecodeString(encoded)
			told = append(told, string(plain))
		}
	}
	return strings.Join(told, " ")
}

// wire returns the address of a server below HTTP, which writes text, with what the request gives away for %[1]s, and hangs up.
func wire(t *testing.T, text string) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				fmt.Fprintf(conn, text, givenAway(r))
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// errorPath is a way in which queries fail.
type errorPath struct {
	class string // that the queries then have
	api   func(t *testing.T) (base, client string)
}

// over returns an error path on which an API answers.
func over(class string, api http.Handler) errorPath {
	return errorPath{class, func(t *testing.T) (base, client string) {
		t.Helper()
		s := httptest.NewServer(api)
		t.Cleanup(s.Close)
		return s.URL, ""
	}}
}

// below returns an error path on which something below HTTP goes wrong: at the API or, if through is true, at a proxy before it.
func below(through bool, text string) errorPath {
	return errorPath{"transport", func(t *testing.T) (base, client string) {
		t.Helper()
		address := wire(t, text)
		if through {
			return "https://api.example", proxied(address)
		}
		return "http://" + address, ""
	}}
}

func proxied(address string) string {
	return fmt.Sprintf("proxy_url: 'http://user:%s@%s', proxy_connect_header: {X-Tunnel: ['%s']}, ", canaryPassword, address, canaryHeader)
}

func errorPaths() map[string]errorPath {
	paths := map[string]errorPath{
		"redirect":          over("redirect", parrot{302, "%[1]s"}),
		"HTTP 401":          over("auth", parrot{401, "%[1]s"}),
		"HTTP 429":          over("rate_limited", parrot{429, "%[1]s"}),
		"HTTP 500":          over("server", parrot{500, "<html>%[1]s"}),
		"garbage":           over("decode", parrot{200, "%[1]s"}),
		"another task":      over("mismatch", parrot{200, `{"code":200,"data":{"taskId":"%[1]s"}}`}),
		"gzip that is none": over("decode", http.HandlerFunc(plainAsGzip)),
		"failed task":       over("ok", parrot{200, `{"code":200,"data":{"state":"fail","failCode":"%[1]s","failMsg":"%[1]s","param":"%[1]s"}}`}),
		"finished task":     over("ok", parrot{200, `{"code":200,"data":{"state":"success","resultJson":"{\"resultUrls\":[\"https://%[1]s\"]}","param":"%[1]s"}}`}),
		"unknown state":     over("ok", parrot{200, `{"code":200,"data":{"state":"%[1]s","failMsg":"%[1]s"}}`}),
		"status line":       below(false, "HTTP/1.1 %[1]s\r\n\r\n"),
		"header":            below(false, "HTTP/1.1 200 OK\r\n%[1]s\r\n\r\n"),
		"chunk":             below(false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%[1]s\r\n"),
		"body cut":          below(false, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n%[1]s"),
		"proxy refuses":     below(true, "HTTP/1.1 407 %[1]s\r\n\r\n%[1]s"),
		"proxy is none":     below(true, "%[1]s\r\n\r\n"),
		"proxy is away": {"transport", func(t *testing.T) (base, client string) {
			t.Helper()
			return "https://api.example", proxied("127.0.0.1:1")
		}},
		"proxy has no name": {"transport", func(t *testing.T) (base, client string) {
			t.Helper()
			return "https://api.example", proxied("proxy.invalid")
		}},
		"refused": {"transport", func(t *testing.T) (base, client string) { t.Helper(); return "http://127.0.0.1:1", "" }},
		"self-signed certificate": {"transport", func(t *testing.T) (base, client string) {
			t.Helper()
			s := httptest.NewUnstartedServer(parrot{200, "%[1]s"})
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
			s.StartTLS()
			t.Cleanup(s.Close)
			return s.URL, ""
		}},
		"no answer": over("timeout", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })),
	}
	for code, class := range map[int]string{
		400: "bad_request", 401: "auth", 402: "credits", 409: "other", 422: "bad_request", 429: "rate_limited", 433: "key_limit",
		455: "maintenance", 500: "server", 501: "task_failed", 505: "disabled",
	} {
		paths[fmt.Sprintf("HTTP 200 with code %d", code)] = over(class,
			parrot{200, fmt.Sprintf(`{"code":%d,"msg":"%%[1]s","data":{"param":"%%[1]s","failMsg":"%%[1]s","failCode":"%%[1]s"}}`, code)})
	}
	return paths
}

func plainAsGzip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = io.WriteString(w, givenAway(r))
}

// All exporters run at the same time, so that their queries have failed by the time one looks.
func TestNoSecretGetsOutOnAnyErrorPath(t *testing.T) {
	paths := errorPaths()
	running := map[string]*provoked{}
	for name, path := range paths {
		running[name] = provoke(t, path)
	}
	for name, r := range running {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.untilAsked(paths[name].class)
			rewrite(t, r.config, "accounts: [{credentials_file: "+canary+"}]\ngroups: [{tasks: [a]}]\n")
			r.reload(http.StatusInternalServerError)
			r.visitEverything()
			r.end()
			checkFiles(t, r.kept)
		})
	}
}

// provoked is a program on an error path.
type provoked struct {
	*program
	config string // its file
	kept   string // the folder of its storage
}

func provoke(t *testing.T, path errorPath) *provoked {
	t.Helper()
	base, client := path.api(t)
	r := &provoked{config: confidential(t, base, client), kept: t.TempDir()}
	if client == "" && path.class != "timeout" { // a list that is as bad, and as confidential
		replaceIn(t, r.config, "tasks: [a, b]", fmt.Sprintf("tasks: [a, b], http: {url: '%s/list?t=%s', http_client: {basic_auth: {username: u, password: %s}}}",
			base, url.QueryEscape(canaryHeader), canaryPassword))
	}
	replaceIn(t, r.config, "max_wait: 0s", "max_wait: 0s, background: true")
	replaceIn(t, r.config, "credits_interval: 10s", "credits_interval: 0s") // a refused call would keep the tasks from being asked
	if path.class == "timeout" {
		replaceIn(t, r.config, "timeout: 10s", "timeout: 100ms")
	}
	r.program = start(t, "--web.enable-lifecycle", "--web.enable-pprof", "--storage.path="+r.kept, "--config.file="+r.config)
	return r
}

// checkFiles looks for secrets in what the program has kept.
func checkFiles(t *testing.T, folder string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Errorf("%d files are kept, %v", len(files), err)
	}
	for _, f := range files {
		kept, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Error(err)
		}
		checkSecrets(t, string(kept))
	}
}

// confidential writes a configuration with every secret there can be, and returns its path. client is more of http_client.
func confidential(t *testing.T, base, client string) string {
	t.Helper()
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "key"), canary)
	rewrite(t, filepath.Join(dir, "header"), canaryHeader)
	path := filepath.Join(dir, "kie.yml")
	rewrite(t, path, fmt.Sprintf("accounts: [{base_url: %q, credentials_file: key, timeout: 10s, credits_interval: 10s, requests_per_second: 1000, http_client: {%s"+
		"http_headers: {X-Gateway: {secrets: [%s], files: [header]}}}}]\n"+
		"groups: [{tasks: [a, b]}]\npolling: {max_wait: 0s}\n", base, client, canaryHeader))
	return path
}

// untilAsked scrapes until a query had an outcome of the class.
func (p *program) untilAsked(class string) {
	p.t.Helper()
	asked := regexp.MustCompile(`kie_api_requests_total\{account="default",class="` + class + `",endpoint="recordInfo"\} [1-9]`)
	wait.Until(p.t, 30*time.Second, 20*time.Millisecond, func() error {
		if body := p.scrape(); scrape.Find(asked, body) == nil {
			return fmt.Errorf("no query of class %s in\n%s", class, body)
		}
		return nil
	})
}

// visitEverything looks for secrets wherever something is shown, as send does with each answer.
func (p *program) visitEverything() {
	p.t.Helper()
	for _, accept := range []string{"", "application/openmetrics-text;version=1.0.0", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
		p.getWith("/metrics", http.Header{"Accept": {accept}})
	}
	for _, path := range []string{
		"/", "/config", "/-/healthy", "/-/ready", "/tasks", "/tasks?state=fail", "/tasks?q=a&state=x", "/api/v1/tasks", "/api/v1/tasks?state=x", "/api/v1/tasks?format=csv&finished_after=0",
		"/api/v1/tasks?format=ndjson", "/api/v1/tasks/a",
		"/api/v1/status", "/tasks/a", "/tasks/b", "/tasks/nothing",
		"/probe?task_id=c", "/probe?task_id=d&debug=true", "/probe?task_id=a&debug=true", "/probe", "/nothing",
		"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/symbol",
	} {
		if status, body := p.get(path); body == "" && status != http.StatusNotFound {
			p.t.Errorf("%s shows nothing", path)
		}
	}
}

func TestNoSecretGetsOutOfABadConfiguration(t *testing.T) {
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "key"), canary)
	path := filepath.Join(dir, "kie.yml")
	const good = "accounts: [{credentials_file: key, base_url: 'http://127.0.0.1:1'}]\ngroups: [{tasks: [a]}]\n"
	rewrite(t, path, good)
	p := start(t, "--web.enable-lifecycle", "--config.file="+path)
	for _, account := range []string{
		"credentials_file: " + canary,
		"credentials_file: [" + canary + "]",
		"credentials_file: {" + canary + ": 1}",
		"credentials_file: ab/" + canary,
		"credentials_file: eyJ." + canary + ".x",
		"api_key: " + canary,
		"base_url: 'https://user:" + canary + "@api.example'",
		"base_url: 'https://" + canary + "@api.example:x'",
		"base_url: 'https://api.example/?key=" + canary + "'",
		"base_url: 'https://api.example/#" + canary + "'",
		"base_url: 'https://api.example/%zz" + canary + "'",
		"http_client: " + canary,
		"http_client: {authorization: " + canary + "}",
		"http_client: {authorization: {credentials: " + canary + "}}",
		"http_client: {bearer_token: " + canary + "}",
		"http_client: {basic_auth: {username: u, password: " + canary + "}}",
		"http_client: {proxy_url: 'http://user:" + canary + "@'}",
		"http_client: {proxy_url: 'http://user:" + canary + "@proxy:x'}",
		"http_client: {proxy_url: [" + canary + "]}",
		"http_client: {proxy_connect_header: {X: " + canary + "}}",
		"http_client: {http_headers: {X: " + canary + "}}",
		"http_client: {http_headers: {X: {secrets: " + canary + "}}}",
		"http_client: {http_headers: {Authorization: {secrets: [" + canary + "]}}}",
		"http_client: {http_headers: {X: {secrets: [\"" + canary + "\\n\"]}}}",
		"http_client: {tls_config: {key: " + canary + "}}",
		"http_client: {tls_config: {cert: " + canary + ", key: " + canary + "}}",
		"http_client: {tls_config: {ca: " + canary + "}}",
		"http_client: {tls_config: {cert_file: key, key_file: key}}",
		"http_client: {tls_config: {ca_file: key}}",
		"http_client: {http_headers: {X: {secrets: [" + canary + "]}}, x: 1",   // unclosed
		"http_client: {http_headers: {X: {secrets: [" + canary + "\t: - ]}}}",  // no YAML
		"http_client: {http_headers: {X: {secrets: [!!int " + canary + "]}}}",  // a type that is none
		"http_client: {http_headers: {X: {secrets: [\"" + canary + "\\q\"]}}}", // an escape that is none
	} {
		rewrite(t, path, strings.NewReplacer("credentials_file: key, ", "", "base_url: 'http://127.0.0.1:1'", account).Replace(good))
		p.reload(http.StatusInternalServerError)
		for _, args := range [][]string{{"--config.check"}, {"--storage.path=", "--web.listen-address=127.0.0.1:0"}} {
			if code, _, stderr := run(t, environment, append(args, "--config.file="+path)...); code != 1 || stderr == "" {
				t.Errorf("%s: exit code %d: %s", account, code, stderr)
			}
		}
	}
	p.visitEverything()
}

func TestNoSecretGetsOutOfABadKeyFile(t *testing.T) {
	for name, replace := range map[string]func(path string) error{
		"emptied":            func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"two keys":           func(path string) error { return os.WriteFile(path, []byte(canary+"\n"+canary), 0o600) },
		"control characters": func(path string) error { return os.WriteFile(path, []byte(canary+"\x00\x1b"), 0o600) },
		"1 MiB": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat(canary, 1<<20/len(canary))), 0o600)
		},
		"gone": os.Remove,
		"a folder": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := httptest.NewServer(parrot{200, `{"code":200,"data":{"state":"waiting","failMsg":"%[1]s"}}`})
			t.Cleanup(api.Close)
			config := confidential(t, api.URL, "")
			p := start(t, "--web.enable-lifecycle", "--web.enable-pprof", "--config.file="+config)
			p.untilAsked("ok")
			if err := replace(filepath.Join(filepath.Dir(config), "key")); err != nil {
				t.Fatal(err)
			}
			wait.Until(t, 30*time.Second, 50*time.Millisecond, func() error {
				p.get("/probe?task_id=c&debug=true") // a query, which looks at the key
				if log := p.stderr.String(); !strings.Contains(log, "can't be read again") {
					return fmt.Errorf("nothing is said of the key: %s", log)
				}
				return nil
			})
			p.reload(http.StatusInternalServerError)
			p.visitEverything()
		})
	}
}

func TestNoSecretGetsOutOfABadWebConfiguration(t *testing.T) {
	_, api := serveAPI(t, kiesim.Options{})
	config := configFile(t, api, "groups: [{tasks: [a]}]")
	web := filepath.Join(t.TempDir(), "web.yml")
	rewrite(t, web, "{}")
	p := start(t, "--config.file="+config, "--web.config.file="+web)
	p.scrape() // until here the web configuration must be good
	for _, text := range []string{
		"basic_auth_users: " + canary,
		"basic_auth_users: [" + canary + "]",
		"basic_auth_users: {user: [" + canary + "]}",
		"basic_auth_users: {user: " + canary + "}", // no hash
		"basic_auth_users: {user: " + canary,       // unclosed
		"tls_server_config: " + canary,
		"tls_server_config: {cert: " + canary + ", key: " + canary + "}",
		"tls_server_config: {cert_file: web.yml, key: " + canary + "}",
		canary,
	} {
		rewrite(t, web, text)
		run(t, environment, "--config.check", "--config.file="+config, "--web.config.file="+web)
		for _, path := range []string{"/metrics", "/config", "/-/healthy"} {
			p.get(path)
		}
	}
	rewrite(t, web, "{}")
}

// The tests of secrecy are worth what this finds.
func TestASecretIsFoundInAnyDisguise(t *testing.T) {
	for _, text := range []string{
		canary, "Bearer " + canary, url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte("u:" + canary)), base64.RawURLEncoding.EncodeToString([]byte("us:" + canary + ">>>")),
		base64.StdEncoding.EncodeToString([]byte("use:" + canary + "?")), hex.EncodeToString([]byte(canary)),
		fmt.Sprintf("%+v", struct{ key []byte }{[]byte(canary)}),
	} {
		if !slices.ContainsFunc(disguises(canary), func(d string) bool { return strings.Contains(text, d) }) {
			t.Errorf("not found in %s", text)
		}
	}
}
