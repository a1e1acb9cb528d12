package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// FuzzLoad: no file makes Load panic or show the key, each error names the file, and what loads is what the rest relies on.
func FuzzLoad(f *testing.F) {
	cases, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		f.Fatal(err)
	}
	for block := range strings.SplitSeq(string(cases), "#### ") {
		_, rest, _ := strings.Cut(block, "\n")
		text, _, _ := strings.Cut(rest, "=>\n")
		f.Add([]byte(strings.ReplaceAll(text, canary, "secret")))
	}
	text, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "kie.yml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, withKey)
		if err == nil {
			checkInvariants(t, c)
			return
		}
		if strings.Contains(err.Error(), canary) {
			t.Error("the error shows the key")
		}
		problems, ok := errors.AsType[Errors](err)
		if !ok {
			t.Fatalf("got an error of type %T: %v", err, err)
		}
		lines := 1 // as YAML counts them
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
			lines += strings.Count(string(text), end)
		}
		for _, p := range problems {
			if p.File != path || p.Line < 0 || p.Line > lines || p.Message == "" {
				t.Errorf("got %+v in a file of %d lines", p, lines)
			}
		}
		if strings.Count(err.Error(), "\n") != len(problems)-1 {
			t.Errorf("a problem is more than a line: %q", err)
		}
	})
}

func checkInvariants(t *testing.T, c *Config) {
	t.Helper()
	check := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %+v", what, c)
		}
	}
	accounts, groups, keys, hooks := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range c.Accounts {
		check(a.Name != "" && !accounts[a.Name], "account name")
		check(a.BaseURL.Host != "" && a.BaseURL.User == nil && a.BaseURL.RawQuery == "", "base_url")
		check(a.Key.Value() != "" && !keys[a.Key.Value()], "key")
		check(a.RequestsPerSecond > 0 && a.RequestsPerSecond <= 100_000, "requests_per_second")
		check(a.MaxRequestsPerSecond == 0 || a.MaxRequestsPerSecond >= a.RequestsPerSecond && a.MaxRequestsPerSecond <= 100_000, "max_requests_per_second")
		check(a.MaxConcurrent >= 1 && a.MaxConcurrent <= 1000, "max_concurrent")
		check(a.Timeout >= 100*time.Millisecond && a.Timeout <= 5*time.Minute, "timeout")
		check(a.CreditsInterval == 0 || a.CreditsInterval >= 10*time.Second, "credits_interval")
		check(a.HTTPClient.Validate() == nil && !a.HTTPClient.FollowRedirects && a.HTTPClient.Authorization == nil, "http_client")
		check(len(a.WebhookKeys) <= 2, "webhook_keys_files")
		accounts[a.Name], keys[a.Key.Value()], hooks[a.Name] = true, true, len(a.WebhookKeys) > 0
	}
	check(len(c.Groups) > 0, "groups")
	for _, g := range c.Groups {
		check(g.Name != "" && !groups[g.Name], "group name")
		check(accounts[g.Account], "account of a group")
		check(len(g.Tasks)+len(g.Files) > 0 || g.HTTP != nil, "tasks, files and http")
		if h := g.HTTP; h != nil {
			check(h.URL.Host != "" && h.RefreshInterval >= time.Second && h.RefreshInterval <= 10*time.Minute, "http")
			check(h.HTTPClient.Validate() == nil && !h.HTTPClient.FollowRedirects && h.HTTPClient.OAuth2 == nil, "http_client of http")
		}
		for _, id := range g.Tasks {
			check(kie.ValidID(id), "task id")
		}
		for _, file := range g.Files {
			_, err := filepath.Match(file.Path, "")
			check(err == nil && file.Written != "" && filepath.IsAbs(file.Path), "file")
		}
		check(g.Overdue >= 0, "overdue")
		check(!g.Webhook || hooks[g.Account], "webhook")
		groups[g.Name] = true
	}
	check(c.Polling.MaxWait >= 0 && c.Polling.MaxWait <= time.Minute, "max_wait")
	check(c.Polling.MinInterval >= time.Second && c.Polling.MaxInterval >= c.Polling.MinInterval, "intervals")
	check(c.Limits.Tasks >= 1 && c.Limits.Models >= 1, "limits")
	check(c.Limits.ListIDs >= 1 && c.Limits.ListBytes >= 1<<10 && c.Limits.ListBytes <= 1<<30, "lists")
	check(c.Limits.TaskSeries >= 0 && c.Limits.TaskSeries <= c.Limits.Tasks, "task_series")
}
