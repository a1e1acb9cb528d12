package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestTheConfigurationShownIsTheOneInForce(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	load := func(text []byte) *Config {
		path := filepath.Join(dir, "kie.yml")
		writeFile(t, path, string(text))
		c, err := Load(path, withKey)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return c
	}
	const list = "{url: http://h, refresh_interval: 1m, http_client: {authorization: {type: T, credentials_file: f}}}"
	for _, text := range []string{string(text), "groups: [{http: " + list + "}]"} {
		c := load([]byte(text))
		shown, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again := load(shown)
		if !c.Accounts[0].Equal(again.Accounts[0]) {
			t.Errorf("the account shown is another one:\n%s", shown)
		}
		c.Accounts, again.Accounts = nil, nil
		if !reflect.DeepEqual(c, again) {
			t.Errorf("shown:\n%s\nwhich is %+v, not %+v", shown, again, c)
		}
	}
}

// TestTheConfigurationIsShownCompleteAndWithoutSecrets reads files and how they are shown from testdata/shown.txt.
func TestTheConfigurationIsShownCompleteAndWithoutSecrets(t *testing.T) {
	cases, err := os.ReadFile("testdata/shown.txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(strings.TrimPrefix(string(cases), "#### "), "#### ") {
		name, rest, _ := strings.Cut(block, "\n")
		text, want, _ := strings.Cut(rest, "=>\n")
		t.Run(name, func(t *testing.T) {
			if strings.Contains(text, "/abs/") {
				unixPaths(t)
			}
			if got, err := mustLoad(t, text).YAML(); err != nil || string(got) != want {
				t.Errorf("%v: got:\n%swant:\n%s", err, got, want)
			}
		})
	}
}

// canaryHost is a host inside the network, of which nobody outside is to learn.
const canaryHost = "canary-host.example"

func TestTheListsShownHoldNoSecret(t *testing.T) {
	for name, list := range map[string]string{
		"user":       "{url: 'http://" + canary + "@h/l'}",
		"password":   "{url: 'http://u:" + canary + "@h/l'}",
		"query":      "{url: 'http://h/l?token=" + canary + "'}",
		"token":      "{url: http://h/l, http_client: {authorization: {credentials: " + canary + "}}}",
		"basic auth": "{url: http://h/l, http_client: {basic_auth: {username: " + canary + ", password: " + canary + "}}}",
		"proxy":      "{url: http://h/l, http_client: {proxy_url: 'http://" + canary + "@proxy:1'}}",
		"its host":   "{url: http://h/l, http_client: {proxy_url: 'http://" + canaryHost + ":3128'}}",
		"path":       "{url: 'http://h/" + canary + "/l'}",
		"file":       "{url: 'http://h/" + canary + "'}",
		"odd path":   "{url: 'http://h/a%2F" + canary + "'}",
		"header":     "{url: http://h/l, http_client: {http_headers: {X: {values: [" + canary + ", b]}}}}",
	} {
		c := mustLoad(t, "groups: [{name: g, http: "+list+"}]")
		shown, err := c.YAML()
		if err != nil || !strings.Contains(string(shown), "refresh_interval: 30s") || !strings.Contains(string(shown), "http://h/xxxxx") && !strings.Contains(string(shown), "@h/xxxxx") ||
			strings.Contains(string(shown), canaryHost) {
			t.Errorf("%s: %v\n%s", name, err, shown)
		}
		encoded, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(shown), string(encoded), fmt.Sprintf("%+v %#v %s", c.Groups, *c.Groups[0].HTTP, c.Groups[0].HTTP)} {
			if strings.Contains(text, canary) {
				t.Errorf("%s is shown: %s", name, text)
			}
		}
	}
}

func TestTheConfigurationShownHoldsNoSecret(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "key"), canary)
	writeFile(t, filepath.Join(dir, "webhook"), canary)
	for name, client := range map[string]string{
		"proxy password": "{proxy_url: 'http://user:" + canary + "@proxy:1'}",
		"proxy user":     "{proxy_url: 'http://" + canary + "@proxy:1'}",
		"proxy host":     "{proxy_url: 'http://" + canaryHost + ":3128'}",
		"proxy path":     "{proxy_url: 'socks5://proxy/" + canary + "'}",
		"header value":   "{http_headers: {X: {values: [a, " + canary + "]}}}",
		"proxy header":   "{proxy_url: 'http://proxy:1', proxy_connect_header: {X: [" + canary + "]}}",
		"header":         "{http_headers: {X: {secrets: [" + canary + "]}}}",
		"key of TLS":     "{tls_config: {cert: c, key: " + canary + "}}",
		"nothing":        "{}",
	} {
		for _, credentials := range []string{"", ", credentials_file: key"} {
			writeFile(t, filepath.Join(dir, "kie.yml"), "accounts: [{webhook_keys_files: [webhook], http_client: "+client+credentials+"}]\ngroups: [{tasks: [a]}]\n")
			c, err := Load(filepath.Join(dir, "kie.yml"), func(string) string { return canary })
			if err != nil {
				t.Fatal(err)
			}
			shown, err := c.YAML()
			if err != nil || strings.Contains(string(shown), canary) || strings.Contains(string(shown), canaryHost) || !strings.Contains(string(shown), "tasks:") {
				t.Errorf("%s: %v\n%s", name, err, shown)
			}
			if !strings.Contains(string(shown), "webhook_keys_files:\n      - "+filepath.Join(dir, "webhook")+"\n") {
				t.Errorf("%s: the files of the webhook keys are not shown:\n%s", name, shown)
			}
			if strings.Contains(string(shown), "credentials_file: "+filepath.Join(dir, "key")) != (credentials != "") {
				t.Errorf("%s: the key's file is shown wrongly:\n%s", name, shown)
			}
		}
	}
}
