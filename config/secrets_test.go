package config

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestEverySecretOfAConfigurationIsKnownAsOne(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	files := []string{"key", "hook", "password", "token", "header", "tls.key", "tls.crt", "user"}
	for _, name := range files {
		writeFile(t, in(name), "content-of-"+name+"\n")
	}
	path := in("kie.yml")
	writeFile(t, path, `
accounts:
  - credentials_file: key
    webhook_keys_files: [hook]
    http_client:
      proxy_url: 'http://proxyuser:proxypass@h:1'
      http_headers: {X: {secrets: [inline1], files: [header]}}
      tls_config: {cert_file: tls.crt, key_file: tls.key}
groups:
  - name: a
    http: {url: 'https://longuser:pw@h/l?token=longtoken&n=1', http_client: {basic_auth: {username_file: user, password_file: password}}}
  - name: b
    http: {url: 'https://h/l', http_client: {authorization: {credentials_file: token}}}
  - name: c
    http: {url: 'https://h/l', http_client: {authorization: {credentials: inline2}}}
`)
	c, err := Load(path, withKey)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles := []string{path}
	var want []string
	for _, name := range files {
		wantFiles = append(wantFiles, in(name))
		want = append(want, "content-of-"+name)
	}
	slices.Sort(wantFiles)
	if got := c.SecretFiles(); !slices.Equal(got, wantFiles) {
		t.Errorf("files %q, want %q", got, wantFiles)
	}
	want = append(want, "proxyuser", "proxypass", "inline1", "inline2", "longuser", "pw", "longtoken")
	slices.Sort(want)
	if got := c.Secrets(); !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
	writeFile(t, in("token"), "another")
	if !slices.Contains(c.Secrets(), "another") {
		t.Error("a secret's file that changed is not read again")
	}
	if c, err := ForTasks([]string{"a"}, nil, withKey); err != nil || len(c.Secrets()) != 1 || len(c.SecretFiles()) != 0 {
		t.Errorf("%v: %v %q", err, c.SecretFiles(), c.Secrets())
	}
}
