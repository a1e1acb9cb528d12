package app_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/kie-exporter/kie_exporter/internal/app"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// documented is the answer that the API's documentation shows.
const documented = `{"code":200,"message":"success","data":{
	"taskId":"task_12345678","model":"kling/v2-5-turbo-image-to-video-pro","state":"success",
	"param":"{\"model\":\"kling/v2-5-turbo-image-to-video-pro\",\"input\":{\"prompt\":\"` + kiesim.Canary + `\"}}",
	"resultJson":"{\"resultUrls\":[\"https://example.com/` + kiesim.Canary + `.jpg\"]}",
	"failCode":"","failMsg":"",
	"completeTime":1698765432000,"createTime":1698765400000,"updateTime":1698765432000}}`

func TestTheDocumentedExample(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{Keys: []string{canary}, Credits: 5916.25})
	sim.Put(kiesim.Task{ID: "task_12345678", Raw: documented})
	p := start(t, "--config.file="+configFile(t, url, "groups: [{tasks: [task_12345678]}]"))
	labels := `{group="default",model="kling/v2-5-turbo-image-to-video-pro",task_id="task_12345678"`
	body := p.until(10*time.Second,
		"kie_task_latency_seconds"+labels+"} 32",
		"kie_task_state"+strings.Replace(labels, ",task_id", `,state="success",task_id`, 1)+"} 1",
		`kie_up{account="default"} 1`,
		`kie_credits_remaining{account="default"} 5916.25`,
	)
	if n := len(regexp.MustCompile(`(?m)^kie_task_state\{.*\} 1$`).FindAllString(body, -1)); n != 1 {
		t.Errorf("%d states are 1, want exactly one", n)
	}
	if sim.Queries("task_12345678") != 1 {
		t.Errorf("asked %d times, want once", sim.Queries("task_12345678"))
	}
}

func TestThePageOfTasksShowsTheDocumentedExample(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{Keys: []string{canary}})
	sim.Put(kiesim.Task{ID: "task_12345678", Raw: documented})
	settings := "groups: [{tasks: [task_12345678]}]\nlimits: {task_series: 0}"
	p := start(t, "--config.file="+configFile(t, url, settings))
	p.until(10*time.Second, `kie_up{account="default"} 1`)
	for path, want := range map[string]string{"/tasks": ">32 s</td>", "/api/v1/tasks": `"latency_seconds":32`} {
		_, body := p.get(path)
		if !strings.Contains(body, "task_12345678") || !strings.Contains(body, want) {
			t.Errorf("%s does not show the task: %s", path, body)
		}
	}
}

// A nightly copy of what has finished takes what it has and goes on where it was, across a restart, too.
func TestResultsComeOutOnceAcrossARestart(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{})
	dir := t.TempDir()
	list, next, got := filepath.Join(dir, "ids.txt"), "0", []string{}
	for round, ids := range [][]string{{"a", "b"}, {"c"}} { // a and b are in no list any more the second time
		for _, id := range ids {
			sim.Put(kiesim.Task{ID: id, Model: "m"})
		}
		rewrite(t, list, strings.Join(ids, "\n"))
		p := start(t, "--config.file="+configFile(t, url, "groups: [{files: ["+list+"]}]"), "--storage.path="+filepath.Join(dir, "kept"))
		p.until(20*time.Second, fmt.Sprintf(`kie_tasks{group="default",model="m",state="success"} %d`, len(ids)))
		wait.Until(t, 20*time.Second, 300*time.Millisecond, func() error {
			_, body := p.get("/api/v1/tasks?format=csv&finished_after=" + next)
			rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
			if err != nil || len(rows) == 0 {
				t.Fatalf("round %d: %v: %s", round, err, body)
			}
			for _, row := range rows[1:] {
				got, next = append(got, row[0]), row[len(row)-1]
			}
			if len(got) != 2+round {
				return fmt.Errorf("%v came so far", got)
			}
			return nil
		})
		p.end()
	}
	if slices.Sort(got); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%v", got)
	}
}

func TestTheFirstScrapeKnowsTheAnswers(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{Latency: 100 * time.Millisecond})
	list := filepath.Join(t.TempDir(), "ids.txt")
	var ids strings.Builder
	for i := range 20 {
		id := fmt.Sprint("t", i)
		sim.Put(kiesim.Task{ID: id, Model: "m"})
		fmt.Fprintln(&ids, id)
	}
	if err := os.WriteFile(list, []byte(ids.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	const tries = 4 // as a machine that stands still makes lists, or answers, late
	for range tries {
		p := start(t, "--config.file="+configFile(t, url, fmt.Sprintf("groups: [{files: [%q]}]\npolling: {max_wait: 1m}", list)))
		line := missing(p.scrape(), []string{`kie_tasks{group="default",model="m",state="success"} 20`})
		if line == "" {
			return
		}
		t.Logf("the first scrape has no %s", line)
		p.end()
	}
	t.Errorf("%d first scrapes know not all answers", tries)
}

// Whatever the API does, a scrape answers 200 within its deadline, with the last states and kie_up 0.
func TestATroubledAPIDoesNotTroubleTheScrape(t *testing.T) {
	for name, fault := range map[string]kiesim.Fault{
		"connection reset":       {Reset: true},
		"no answer":              {Hang: true},
		"HTML with 200":          {Body: "<html>" + kiesim.Canary},
		"HTTP 500":               {Status: 500, Body: kiesim.Canary},
		"HTTP 200 with code 401": {Code: 401, Msg: "no access with " + canary},
		"HTTP 200 with code 455": {Code: 455, Msg: kiesim.Canary},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, url := serveAPI(t, kiesim.Options{})
			sim.Put(kiesim.Task{ID: "a", Model: "m", InFlight: "waiting", Duration: time.Hour})
			settings := "groups: [{tasks: [a]}]\npolling: {min_interval: 1s, max_interval: 1s, max_wait: 30s}"
			config := configFile(t, url, settings)
			shorten(t, config)
			p := start(t, "--config.file="+config)
			state := `kie_task_state{group="default",model="m",state="waiting",task_id="a"} 1`
			p.until(10*time.Second, state, `kie_up{account="default"} 1`)
			sim.Inject(kiesim.Match{}, fault)
			wait.Until(t, time.Minute, 100*time.Millisecond, func() error {
				var body string
				wait.Quick(t, 5*time.Second, func() time.Duration {
					begin := time.Now()
					var status int
					if status, body = p.getWith("/metrics", http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"2"}}); status != http.StatusOK {
						t.Fatalf("the scrape answers %d", status)
					}
					return time.Since(begin)
				})
				if line := missing(body, []string{state}); line != "" {
					t.Fatalf("the last state is gone: %s", body)
				}
				if missing(body, []string{`kie_up{account="default"} 0`}) != "" {
					return errors.New("kie_up stays 1")
				}
				return nil
			})
		})
	}
}

// shorten gives the account of a configuration file a short timeout.
func shorten(t *testing.T, path string) {
	t.Helper()
	replaceIn(t, path, "timeout: 5m", "timeout: 1s")
}

// replaceIn puts another text in place of the first one like old in a file.
func replaceIn(t *testing.T, path, old, another string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, strings.Replace(string(text), old, another, 1))
}

func TestScrapesThatWaitTakeNoPlaceFromOthers(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{})
	sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
	p := start(t, "--web.max-requests=2", "--config.file="+configFile(t, url, "groups: [{tasks: [a]}]\npolling: {max_wait: 3s}"))
	const tries = 4 // as a machine that stands still has those that waited run out of time, too
	for n := 1; ; n++ {
		count := p.statuses(60, func(int) string { return "/metrics" })
		if count[http.StatusOK] == 60 {
			break
		}
		t.Logf("answers by status: %v, want 60 of 200", count)
		if n == tries {
			t.Errorf("scrapes are refused each of %d times", tries)
			break
		}
	}
	if status, _ := p.get("/-/healthy"); status != http.StatusOK {
		t.Errorf("health answers %d", status)
	}
}

func TestASignalLetsAScrapeUnderWayFinish(t *testing.T) {
	wait.Quick(t, 6*time.Second, func() time.Duration { // after 10 s what is under way is cut off
		sim, url := serveAPI(t, kiesim.Options{})
		sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
		p := start(t, "--config.file="+configFile(t, url, "groups: [{tasks: [a]}]\npolling: {max_wait: 2s}"))
		status := make(chan int)
		go func() {
			code, _ := p.get("/metrics")
			status <- code
		}()
		for sim.Queries("a") == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		begin := time.Now()
		p.stop()
		if code := <-status; code != http.StatusOK {
			t.Errorf("the scrape under way answers %d", code)
		}
		if code := p.end(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		return time.Since(begin)
	})
}

func TestReadyWhenEverySourceWasRead(t *testing.T) {
	_, url := serveAPI(t, kiesim.Options{})
	path := configFile(t, url, "groups: [{files: [missing.txt]}]")
	p := start(t, "--config.file="+path)
	p.untilAtLeast(`kie_exporter_source_errors_total{group="default",source="missing.txt"}`, 1)
	if status, _ := p.get("/-/ready"); status != http.StatusServiceUnavailable {
		t.Errorf("/-/ready answers %d though a list was never read", status)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "missing.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.untilReady()
}

func TestPages(t *testing.T) {
	_, url := serveAPI(t, kiesim.Options{})
	p := start(t, "--web.telemetry-path=/m", "--config.file="+configFile(t, url, "groups: [{tasks: [a]}]"))
	for path, want := range map[string]int{
		"/": 200, "/m": 200, "/metrics": 404, "//m": 404, "/m/..": 404, "/m/": 404, "/-/healthy": 200, "/nothing": 404,
		"/tasks": 200, "/tasks/": 404, "/tasks/style.css": 200, "/tasks/script.js": 200, "/tasks/page.html": 404, "/api/v1/tasks": 200,
		"/tasks?state=x": 400, "/api/v1/tasks?state=x": 400,
	} {
		if status, _ := p.get(path); status != want {
			t.Errorf("%s answers %d, want %d", path, status, want)
		}
	}
	_, page := p.get("/")
	for _, link := range []string{"m", "tasks", "api/v1/tasks"} {
		if !strings.Contains(page, `href="`+link+`"`) && !strings.Contains(page, `href="/`+link+`"`) {
			t.Errorf("the landing page has no link to %s: %s", link, page)
		}
	}
	resp, err := http.Post(p.base+"/m", "text/plain", http.NoBody) //nolint:noctx // ends with the server
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", resp.StatusCode)
	}
}

func TestNegotiatedFormats(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "a", Model: "m"})
	p := start(t, "--config.file="+configFile(t, url, "groups: [{tasks: [a]}]"))
	for accept, want := range map[string]string{
		"": "text/plain; version=0.0.4",
		"application/openmetrics-text; version=1.0.0":                                                      "application/openmetrics-text; version=1.0.0",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.9": "application/vnd.google.protobuf",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("asked for %q: %q, want %q", accept, got, want)
		}
	}
}

func TestTLSAndBasicAuth(t *testing.T) {
	_, url := serveAPI(t, kiesim.Options{})
	p := start(t, "--web.config.file="+webConfig(t, "opens"), "--config.file="+configFile(t, url, "groups: [{tasks: [a]}]"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // its own certificate
	defer client.CloseIdleConnections()
	for password, want := range map[string]int{"": 401, "wrong": 401, "opens": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(p.base, "http", "https", 1)+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("prometheus", password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("password %q: %d, want %d", password, resp.StatusCode, want)
		}
	}
}

// webConfig writes a web configuration with TLS and the user prometheus, and returns its path.
func webConfig(t *testing.T, password string) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"web.yml": fmt.Appendf(nil, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {prometheus: %q}\n",
			hash),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "web.yml")
}

// run runs the program to its end. It listens on any port unless it is told where, since the usual one may be taken.
func run(t *testing.T, getenv func(string) string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--web.listen-address=") }) {
		args = append(slices.Clone(args), "--web.listen-address=127.0.0.1:0")
	}
	var out, errs output.Text
	code = app.Run(t.Context(), args, app.Options{Stdout: &out, Stderr: &errs, Getenv: getenv})
	checkSecrets(t, out.String()+errs.String())
	return code, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	t.Chdir(t.TempDir())
	none := func(string) string { return "" }
	list := filepath.Join(t.TempDir(), "ids.txt")
	if err := os.WriteFile(list, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		getenv func(string) string
		code   int
		says   string
	}{
		{[]string{"--help"}, none, 0, "--config.file"},
		{[]string{"--version"}, none, 0, "kie_exporter, version"},
		{[]string{"--no-such-flag"}, none, 2, "--no-such-flag"},
		{[]string{"--config.file=a.yml", "--task.id=x"}, none, 2, "--task.id and --task.file are not for use with --config.file"},
		{[]string{"--demo", "--task.id=x"}, none, 2, "--demo"},
		{[]string{"--web.max-requests=0", "--demo"}, none, 2, "--web.max-requests"},
		{[]string{"--shard=0", "--task.id=a"}, none, 2, "must be given together"},
		{[]string{"--total-shards=2", "--task.id=a"}, none, 2, "must be given together"},
		{[]string{"--shard=2", "--total-shards=2", "--task.id=a"}, none, 2, "--shard: must be 0 to 1"},
		{[]string{"--shard=-1", "--total-shards=2", "--task.id=a"}, none, 2, "--shard: must be 0 to 1"},
		{[]string{"--shard=0", "--total-shards=0", "--task.id=a"}, none, 2, "--total-shards: must be 1 to 1000"},
		{[]string{"--shard=0", "--total-shards=1001", "--task.id=a"}, none, 2, "--total-shards: must be 1 to 1000"},
		{[]string{"--shard=0", "--total-shards=2", "--demo"}, none, 2, "--demo is for use without --shard"},
		{[]string{"--web.timeout-offset=5", "--demo"}, none, 2, "--web.timeout-offset: must be a time with a unit, such as 30s or 1m30s (got 5)"},
		{[]string{"--web.timeout-offset=-1s", "--demo"}, none, 2, "--web.timeout-offset: must not be negative"},
		{[]string{"--web.telemetry-path=m", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.telemetry-path=/-/ready", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.telemetry-path=/tasks", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.telemetry-path=/api/v1/tasks", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.telemetry-path=/{x}", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.telemetry-path=/probe", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.telemetry-path=/debug/pprof", "--demo"}, none, 2, "--web.telemetry-path"},
		{[]string{"--web.probe-listen-address=256.0.0.1:1", "--task.id=x"}, environment, 1, "--web.probe-listen-address"},
		{[]string{"--config.check", "--task.id=x", "--web.timeout-offset=0.5s"}, environment, 0, ""},
		{[]string{"--config.check", "--task.id=x", "--web.timeout-offset=1m30s"}, environment, 0, ""},
		{[]string{"--config.check", "--task.id=x", "--web.config.file=no/such.yml"}, environment, 1, "no/such.yml"},
		{nil, environment, 1, "--task.id"},
		{[]string{"--task.id=x"}, none, 1, "KIE_API_KEY"},
		{[]string{"--config.file=no/such.yml"}, none, 1, "no/such.yml"},
		{[]string{"--config.check", "--task.id=x", "--task.file=" + list}, environment, 0, "Account default: 3 tasks, 3 of which may be unfinished"},
		{[]string{"--task.id=x", "--web.listen-address=256.0.0.1:1"}, environment, 1, "--web.listen-address"},
		{[]string{"--task.id=x", "--web.config.file=no/such.yml"}, environment, 1, "no/such.yml"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := run(t, test.getenv, test.args...)
			if code != test.code || !strings.Contains(stdout+stderr, test.says) {
				t.Errorf("exit code %d, want %d and %q in\n%s%s", code, test.code, test.says, stdout, stderr)
			}
		})
	}
}

func TestShardsAreNoMoreThanAnAccountMaySendAtATime(t *testing.T) {
	path := configFile(t, "http://127.0.0.1:1", "groups: [{tasks: [a, b, c]}]\n")
	args := []string{"--config.check", "--config.file=" + path, "--shard=0"}
	code, _, stderr := run(t, environment, append(args, "--total-shards=5")...)
	if want := path + ":2: accounts[0].max_concurrent: must be at least 5, the --total-shards"; code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, want %q in %s", code, want, stderr)
	}
	code, stdout, stderr := run(t, environment, append(args, "--total-shards=4")...)
	if want := "in at most 4 + 1000·W requests in W seconds over all shards"; code != 0 || !strings.Contains(stdout, want) {
		t.Errorf("exit code %d, want %q in %s%s", code, want, stdout, stderr)
	}
	code, _, stderr = run(t, environment, "--config.check", "--task.id=a", "--shard=0", "--total-shards=5")
	if want := "--total-shards: without a configuration file at most 4"; code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, want %q in %s", code, want, stderr)
	}
}

func TestEveryProblemOfAConfigurationIsReportedAtOnce(t *testing.T) {
	path := configFile(t, "ftp://user:"+canary+"@example.com", "groups: [{tasks: [null], unknown: 1}]\nlimits: {tasks: -1}\n")
	for _, args := range [][]string{{"--config.check"}, nil} {
		code, _, stderr := run(t, environment, append(args, "--config.file="+path)...)
		lines := strings.Count(stderr, path+":")
		if code != 1 || lines < 4 {
			t.Errorf("%v: exit code %d, %d problems reported:\n%s", args, code, lines, stderr)
		}
	}
}

func TestAConfigurationFileInTheWorkingDirectoryIsUsed(t *testing.T) {
	path := configFile(t, "http://127.0.0.1:1", "groups: [{tasks: [a, b]}]")
	t.Chdir(filepath.Dir(path))
	if err := os.Rename(path, "kie_exporter.yml"); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{"2 tasks": {"--config.check"}, "1 task,": {"--config.check", "--task.id=x"}} {
		if code, stdout, stderr := run(t, environment, args...); code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%v: exit code %d, want %q in %s%s", args, code, want, stdout, stderr)
		}
	}
}

// A start on an address that is taken names the flag to change, whichever of the addresses it is.
func TestAnAddressInUseNamesItsFlag(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	config := configFile(t, "http://127.0.0.1:1", "groups: [{tasks: [a]}]")
	replaceIn(t, config, "{base_url", "{webhook_keys_files: [webhook], base_url")
	rewrite(t, filepath.Join(filepath.Dir(config), "webhook"), "hook")
	for _, flag := range []string{"--web.listen-address", "--web.probe-listen-address", "--web.webhook-listen-address"} {
		t.Run(flag, func(t *testing.T) {
			args := []string{"--storage.path=", "--config.file=" + config, "--web.listen-address=127.0.0.1:0", flag + "=" + l.Addr().String()}
			code, _, stderr := run(t, environment, args...)
			if code != 1 || !strings.Contains(stderr, flag+": ") || !strings.Contains(stderr, "address already in use") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
