package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
)

// withKey is an environment that holds a key.
func withKey(name string) string {
	if name == apikey.Variable {
		return canary
	}
	return ""
}

func withoutKey(string) string { return "" }

// load loads text as kie.yml of a fresh working folder, in which there are some key files too.
func load(t *testing.T, text string, getenv func(string) string) (*Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	writeFile(t, "kie.yml", text)
	for i := range 22 {
		writeFile(t, fmt.Sprintf("key%d", i), fmt.Sprintf("%d-%s\n", i, canary))
	}
	writeFile(t, "same", "1-"+canary)
	writeFile(t, "empty", "\n")
	writeFile(t, "ca.pem", "is only looked for")
	writeFile(t, "named", "KIE_API_KEY="+canary+"\n")
	return Load("kie.yml", getenv)
}

func mustLoad(t *testing.T, text string) *Config {
	t.Helper()
	c, err := load(t, text, withKey)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestShortestFileHasAllDefaults(t *testing.T) {
	c := mustLoad(t, "groups: [{tasks: [a]}]")
	if got := c.Accounts[0].Key.Value(); got != canary {
		t.Errorf("key: got %q", got)
	}
	client := commoncfg.DefaultHTTPClientConfig
	client.FollowRedirects = false
	want := Account{
		Name: "default", Key: c.Accounts[0].Key, BaseURL: &url.URL{Scheme: "https", Host: "api.kie.ai"}, HTTPClient: client,
		RequestsPerSecond: 2, MaxConcurrent: 4, Parts: 1, Timeout: 10 * time.Second, CreditsInterval: time.Minute,
	}
	if got := c.Accounts[0]; !reflect.DeepEqual(got, want) || !reflect.DeepEqual(defaultHTTPClient(), client) {
		t.Errorf("account: got %+v, want %+v", got, want)
	}
	if want := []Group{{Name: "default", Account: "default", Tasks: []string{"a"}}}; !reflect.DeepEqual(c.Groups, want) {
		t.Errorf("groups: got %+v, want %+v", c.Groups, want)
	}
	if want := (Polling{MaxWait: 5 * time.Second, MinInterval: 3 * time.Second, MaxInterval: time.Minute}); c.Polling != want {
		t.Errorf("polling: got %+v, want %+v", c.Polling, want)
	}
	if want := (Limits{Tasks: 1_000_000, TaskSeries: 1000, Models: 100, ListBytes: 256 << 20, ListIDs: 1_000_000}); c.Limits != want {
		t.Errorf("limits: got %+v, want %+v", c.Limits, want)
	}
	if !c.Series.Choice().Equal(taskseries.Choice{}) {
		t.Errorf("series: got %+v, want all", c.Series.Choice())
	}
}

const everySetting = `
accounts:
  - name: a
    base_url: http://127.0.0.1:8080/kie/
    credentials_file: key1
    http_client:
      proxy_url: socks5://u:p@proxy:1080
      no_proxy: localhost
      proxy_connect_header: {X-A: [b, c]}
      enable_http2: false
      follow_redirects: false
      tls_config: {ca_file: ca.pem, server_name: kie, insecure_skip_verify: true, min_version: TLS13}
      http_headers: {X-B: {values: [d], secrets: [e], files: [f, /g]}}
    requests_per_second: 0.5
    max_requests_per_second: 7.5
    max_concurrent: 1000
    timeout: 1m30s
    credits_interval: 0s
    webhook_keys_files: [key3, key4]
  - {name: b-1._, credentials_file: key2, requests_per_second: 1e4}
groups:
  - {name: 007, account: a, tasks: [x, y], labels: {team: film, season: 2, empty: ""}, overdue: 1d, webhook: true, max_tasks: 7}
  - {name: g, account: b-1._, files: ["lists/*.txt", /abs/ids]}
  - name: h
    account: a
    http:
      url: https://u:p@h:8443/list?token=t
      refresh_interval: 10m
      http_client: {authorization: {type: Token, credentials_file: c}, tls_config: {ca_file: ca.pem}}
  - {name: i, account: a, http: {url: http://h, http_client: {basic_auth: {username: u, password_file: p}}}}
polling: {background: true, max_wait: 0, min_interval: 1500ms, max_interval: 2s}
limits: {tasks: 10, task_series: 0, models: 1, list_bytes: 1MB, list_ids: 7}
series: {task_states: current, task_metrics: [kie_task_state]}
`

func TestEverySettingArrives(t *testing.T) {
	unixPaths(t)
	c := mustLoad(t, everySetting)
	a := c.Accounts[0]
	if a.BaseURL.String() != "http://127.0.0.1:8080/kie/" || a.Key.Value() != "1-"+canary {
		t.Errorf("base_url %s, key %s", a.BaseURL, a.Key.Value())
	}
	if a.RequestsPerSecond != 0.5 || a.MostPerSecond() != 7.5 || a.MaxConcurrent != 1000 || a.Timeout != 90*time.Second || a.CreditsInterval != 0 {
		t.Errorf("budget: got %v %v %v %v %v", a.RequestsPerSecond, a.MostPerSecond(), a.MaxConcurrent, a.Timeout, a.CreditsInterval)
	}
	if k := a.WebhookKeys; len(k) != 2 || k[0].Value() != "3-"+canary || k[1].Value() != "4-"+canary {
		t.Errorf("%d webhook keys", len(k))
	}
	client := commoncfg.HTTPClientConfig{
		TLSConfig: commoncfg.TLSConfig{CAFile: "ca.pem", ServerName: "kie", InsecureSkipVerify: true, MinVersion: commoncfg.TLSVersions["TLS13"]},
		ProxyConfig: commoncfg.ProxyConfig{
			ProxyURL: a.HTTPClient.ProxyURL, NoProxy: "localhost", ProxyConnectHeader: commoncfg.ProxyHeader{"X-A": {"b", "c"}},
		},
		HTTPHeaders: &commoncfg.Headers{Headers: map[string]commoncfg.Header{
			"X-B": {Values: []string{"d"}, Secrets: []commoncfg.Secret{"e"}, Files: []string{"f", "/g"}},
		}},
	}
	if !reflect.DeepEqual(a.HTTPClient, client) || a.HTTPClient.ProxyURL.String() != "socks5://u:p@proxy:1080" {
		t.Errorf("http_client is not as written")
	}
	if b := c.Accounts[1]; b.Name != "b-1._" || b.RequestsPerSecond != 1e4 || b.MostPerSecond() != 1e4 || b.Key.Value() != "2-"+canary {
		t.Errorf("second account: got %v %v", b.Name, b.RequestsPerSecond)
	}
	groups := []Group{
		{
			Name: "007", Account: "a", Tasks: []string{"x", "y"}, Overdue: 24 * time.Hour, Webhook: true, MaxTasks: 7,
			Labels: map[string]string{"team": "film", "season": "2", "empty": ""},
		},
		{Name: "g", Account: "b-1._", Files: []File{{"lists/*.txt", "lists/*.txt"}, {"/abs/ids", "/abs/ids"}}},
	}
	if got := c.Groups[:2]; !reflect.DeepEqual(got, groups) {
		t.Errorf("groups: got %+v, want %+v", got, groups)
	}
	checkLists(t, c.Groups[2].HTTP, c.Groups[3].HTTP)
	if want := (Polling{true, 0, 1500 * time.Millisecond, 2 * time.Second}); c.Polling != want {
		t.Errorf("polling: got %+v, want %+v", c.Polling, want)
	}
	if want := (Limits{10, 0, 1, 1 << 20, 7}); c.Limits != want {
		t.Errorf("limits: got %+v, want %+v", c.Limits, want)
	}
	if want := (taskseries.Choice{CurrentState: true, Metrics: []string{"kie_task_state"}}); !c.Series.Choice().Equal(want) {
		t.Errorf("series: got %+v, want %+v", c.Series.Choice(), want)
	}
}

// checkLists checks the lists by HTTP of everySetting.
func checkLists(t *testing.T, first, second *HTTPList) {
	t.Helper()
	if first.URL.String() != "https://u:p@h:8443/list?token=t" || first.RefreshInterval != 10*time.Minute {
		t.Errorf("url or refresh_interval of a list are not as written: %v", first.RefreshInterval)
	}
	want := defaultHTTPClient()
	want.Authorization = &commoncfg.Authorization{Type: "Token", CredentialsFile: "c"}
	want.TLSConfig.CAFile = "ca.pem"
	if !reflect.DeepEqual(first.HTTPClient, want) {
		t.Errorf("http_client of a list is not as written")
	}
	want = defaultHTTPClient()
	want.BasicAuth = &commoncfg.BasicAuth{Username: "u", PasswordFile: "p"}
	if second.RefreshInterval != 30*time.Second || !reflect.DeepEqual(second.HTTPClient, want) {
		t.Errorf("http_client of the second list is not as written, or read every %v", second.RefreshInterval)
	}
}

func TestPathsStartAtTheFilesFolder(t *testing.T) {
	name := "a[b]*"
	if runtime.GOOS == "windows" {
		name = "a b" // nothing is escaped in a pattern there, and no name has a star
	}
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ids.txt": "x", "key": canary, "ca.pem": "is only looked for", "kie.yml": `
accounts: [{credentials_file: key, http_client: {tls_config: {ca_file: ca.pem}}}]
groups: [{files: [ids.*, ids.txt], http: {url: http://h, http_client: {authorization: {credentials_file: token}}}}]`} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	c, err := Load(filepath.Join(dir, "kie.yml"), withoutKey)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Accounts[0].Key.Value(); got != canary {
		t.Errorf("credentials_file: got %q", got)
	}
	if got, want := c.Accounts[0].HTTPClient.TLSConfig.CAFile, filepath.Join(dir, "ca.pem"); got != want {
		t.Errorf("ca_file: got %s, want %s", got, want)
	}
	if got, want := c.Groups[0].HTTP.HTTPClient.Authorization.CredentialsFile, filepath.Join(dir, "token"); got != want {
		t.Errorf("credentials_file of a list: got %s, want %s", got, want)
	}
	if got, want := c.Groups[0].Files[1].Path, filepath.Join(dir, "ids.txt"); got != want {
		t.Errorf("file: got %s, want %s", got, want)
	}
	found, err := filepath.Glob(c.Groups[0].Files[0].Path)
	if want := []string{filepath.Join(dir, "ids.txt")}; err != nil || !slices.Equal(found, want) {
		t.Errorf("pattern %s finds %q, %v, want %q", c.Groups[0].Files[0].Path, found, err, want)
	}
}

func TestIDsAreTheTextAsWritten(t *testing.T) {
	c := mustLoad(t, `groups: [{tasks: [0123, 0x1F, 1e10, 1_000, no, true, .5, 2024-01-02, "null", "~", 'a b']}]`)
	want := []string{"0123", "0x1F", "1e10", "1_000", "no", "true", ".5", "2024-01-02", "null", "~", "a b"}
	if got := c.Groups[0].Tasks; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSizesMayHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"2048": 2048, "1KiB": 1 << 10, "64MB": 64 << 20, "256MiB": 256 << 20, "1.5MiB": 3 << 19, "1GB": 1 << 30, "'4096'": 4096, "1MiB512KiB": 3 << 19, "3000B": 3000,
	} {
		c := mustLoad(t, "groups: [{tasks: [a]}]\nlimits: {list_bytes: "+text+"}")
		if got := int64(c.Limits.ListBytes); got != want {
			t.Errorf("%s is %d bytes, want %d", text, got, want)
		}
	}
}

func TestAListMayHaveAsManyIdsAsAreTracked(t *testing.T) {
	for text, want := range map[string]int{"tasks: 10": 1_000_000, "tasks: 3000000": 3_000_000, "tasks: 3000000, list_ids: 5": 5} {
		if got := mustLoad(t, "groups: [{tasks: [a]}]\nlimits: {"+text+"}").Limits.ListIDs; got != want {
			t.Errorf("%s: %d ids, want %d", text, got, want)
		}
	}
}

func TestDefaultOfTaskSeriesIsWithinTasks(t *testing.T) {
	if got := mustLoad(t, "groups: [{tasks: [a]}]\nlimits: {tasks: 10}").Limits.TaskSeries; got != 10 {
		t.Errorf("got %d, want 10", got)
	}
}

// unixPaths skips a test whose absolute paths are none on Windows.
func unixPaths(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("absolute paths begin with the letter of a drive here")
	}
}

// TestBadFileIsRefusedWithEveryProblem reads files and their whole errors from testdata/bad.txt:
// "#### name", the file, "=>", the error.
func TestBadFileIsRefusedWithEveryProblem(t *testing.T) {
	cases, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(strings.TrimPrefix(string(cases), "#### "), "#### ") {
		name, rest, _ := strings.Cut(block, "\n")
		text, want, _ := strings.Cut(rest, "=>\n")
		t.Run(name, func(t *testing.T) {
			if strings.Contains(text, "/dev/") {
				unixPaths(t)
			}
			_, err := load(t, text, withKey)
			if err == nil {
				t.Fatal("got no error")
			}
			if got := strings.ReplaceAll(err.Error(), filepath.FromSlash("absent/key"), "absent/key") + "\n"; got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
			if _, ok := errors.AsType[Errors](err); !ok {
				t.Errorf("got an error of type %T", err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Error("the error shows a secret")
			}
		})
	}
}

func TestFaultsOfTheFileAreTold(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "absent.yml"), withKey); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "absent.yml") {
		t.Errorf("absent: got %v", err)
	}
	if _, err := Load(dir, withKey); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory: got %v", err)
	}
	big := filepath.Join(dir, "big.yml")
	writeFile(t, big, "groups: [{tasks: [a]}]\n#"+strings.Repeat(" ", maxSize))
	if _, err := Load(big, withKey); err == nil || err.Error() != big+": is larger than 4 MiB; put ids into list files" {
		t.Errorf("too large: got %v", err)
	}
}

func TestKeyOfTheEnvironmentIsNeededAndChecked(t *testing.T) {
	const short, long = "groups: [{tasks: [a]}]", "accounts:\n  - name: a\ngroups: [{tasks: [a]}]"
	for _, test := range []struct{ text, key, want string }{
		{short, "", "kie.yml: accounts[0].credentials_file: must be given, or KIE_API_KEY set in the environment"},
		{long, "", "kie.yml:2: accounts[0].credentials_file: must be given, or KIE_API_KEY set in the environment"},
		{short, "  ", "kie.yml: accounts[0].credentials_file: the environment's KIE_API_KEY is empty"},
		{
			short, `"` + canary + `"`, "kie.yml: accounts[0].credentials_file: the environment's KIE_API_KEY holds " +
				"quotes, it must hold the key and nothing else",
		},
		{
			long, canary + " " + canary, "kie.yml:2: accounts[0].credentials_file: the environment's KIE_API_KEY holds " +
				"a space, a control character or a character that is not ASCII, which no key does",
		},
	} {
		_, err := load(t, test.text, func(string) string { return test.key })
		if err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestKeyFileWinsOverTheEnvironment(t *testing.T) {
	c := mustLoad(t, "accounts: [{credentials_file: key1}]\ngroups: [{tasks: [a]}]")
	if got := c.Accounts[0].Key.Value(); got != "1-"+canary {
		t.Errorf("got %q", got)
	}
}

func TestTasksOfTheCommandLineNeedNoFile(t *testing.T) {
	c, err := ForTasks([]string{"x", "y z"}, []string{"lists/*.txt"}, withKey)
	if err != nil {
		t.Fatal(err)
	}
	want := []Group{{
		Name: "default", Account: "default",
		Tasks: []string{"x", "y z"}, Files: []File{{"lists/*.txt", "lists/*.txt"}},
	}}
	if !reflect.DeepEqual(c.Groups, want) {
		t.Errorf("got %+v, want %+v", c.Groups, want)
	}
	file := mustLoad(t, "groups: [{tasks: [x]}]")
	c.Groups, file.Groups, c.Accounts[0].Key, file.Accounts[0].Key, file.file = nil, nil, nil, nil, ""
	if !reflect.DeepEqual(c, file) {
		t.Errorf("its defaults are not those of a file: %+v, %+v", c, file)
	}
}

func TestBadTasksOfTheCommandLineAreRefused(t *testing.T) {
	_, err := ForTasks(nil, nil, withKey)
	want := "--task.id: no tasks; give ids with --task.id, list files with --task.file, or a file with --config.file"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = ForTasks([]string{"ok", "a\nb", "a\xff"}, []string{"[", "", "ids.csv"}, withoutKey)
	want = `--task.id: must be 1 to 128 bytes of UTF-8 without control characters (got "a\nb")
--task.id: must be 1 to 128 bytes of UTF-8 without control characters (got "a\xff")
--task.file: is not a valid pattern (got [)
--task.file: must not be empty
--task.file: the name's ending is none of a list: want .txt or no ending, .yml, .yaml, .json, .jsonl, .ndjson, also rotated (.1) and packed (.gz) (got ids.csv)
KIE_API_KEY: must be set in the environment to the API key`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

const example = "kie_exporter.example.yml"

func TestExampleLoadsAndShowsTheDefaults(t *testing.T) {
	c, err := Load(example, withKey)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultAccount()
	want.Name, want.Key = "default", c.Accounts[0].Key
	if len(c.Accounts) != 1 || !reflect.DeepEqual(c.Accounts[0], want) {
		t.Errorf("accounts: got %+v, want the default", c.Accounts)
	}
	if c.Polling != defaultPolling() || c.Limits != DefaultLimits() {
		t.Errorf("got %+v %+v, want the defaults", c.Polling, c.Limits)
	}
	if len(c.Groups) != 1 || len(c.Groups[0].Tasks) == 0 || len(c.Groups[0].Files) == 0 {
		t.Errorf("groups: got %+v", c.Groups)
	}
}

func defaultPolling() Polling { return defaults[Polling](nil) }

func defaultHTTPClient() commoncfg.HTTPClientConfig { return DefaultAccount().HTTPClient }

func TestAMissingTokenOfPushesIsNotCalledAKey(t *testing.T) {
	unixPaths(t)
	for name, want := range map[string]string{
		"/no/such/file":                    "groups[0].push.credentials_file: token file /no/such/file: no such file or directory",
		"abcdefgh0123456789abcdefgh012345": "must name a file that holds the token: no such file or directory (the name is not shown, it may be the token itself)",
	} {
		_, err := load(t, "groups: [{name: g, push: {credentials_file: "+name+"}}]\n", withKey)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
