package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAccountsAreEqualIfEverySettingIs(t *testing.T) {
	dir := t.TempDir()
	load := func(settings, key string) Account {
		writeFile(t, filepath.Join(dir, "key"), "first")
		writeFile(t, filepath.Join(dir, "webhook"), "second")
		writeFile(t, filepath.Join(dir, "kie.yml"), "accounts: [{"+settings+"}]\ngroups: [{tasks: [a]}]\n")
		c, err := Load(filepath.Join(dir, "kie.yml"), func(string) string { return key })
		if err != nil {
			t.Fatal(err)
		}
		return c.Accounts[0]
	}
	const all = "name: a, base_url: 'http://h/x', timeout: 2s, http_client: {proxy_url: 'http://u:p@proxy', http_headers: {X: {secrets: [s]}}}"
	file := load(all+", credentials_file: key", "")
	hooked := load(all+", credentials_file: key, webhook_keys_files: [webhook]", "")
	if same := load(all+", credentials_file: key, webhook_keys_files: [webhook]", ""); !hooked.Equal(same) || hooked.Equal(file) {
		t.Error("webhook keys are not compared by where they come from")
	}
	if same := load(all+", credentials_file: key", ""); !file.Equal(same) {
		t.Error("the same account is another one")
	}
	for name, other := range map[string]Account{
		"a key from elsewhere": load(all, "first"),
		"another timeout":      load(strings.Replace(all, "2s", "3s", 1)+", credentials_file: key", ""),
		"another password":     load(strings.Replace(all, "u:p", "u:q", 1)+", credentials_file: key", ""),
		"another secret":       load(strings.Replace(all, "[s]", "[t]", 1)+", credentials_file: key", ""),
	} {
		if file.Equal(other) {
			t.Errorf("%s makes no difference", name)
		}
	}
	if !load(all, "k").Equal(load(all, "k")) || load(all, "k").Equal(load(all, "other")) {
		t.Error("a key from the environment is not compared by what it is")
	}
}
