// What of a configuration is secret.

package config

import (
	"os"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/httpclient"
)

// maxSecretFile is how many bytes a file has at most whose whole content is a secret.
const maxSecretFile = 4 << 10

// SecretFiles returns the files that hold secrets: those of keys, those that http_client settings name, and the configuration's own.
func (c *Config) SecretFiles() []string {
	s := c.secrets()
	slices.Sort(s.files)
	return slices.Compact(s.files)
}

// Secrets returns every secret in force: keys, passwords, tokens, values of headers, and the contents of their files as they are now.
func (c *Config) Secrets() []string {
	s := c.secrets()
	for _, key := range c.keys() {
		s.Values = append(s.Values, key.Value())
	}
	for _, path := range s.Files {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxSecretFile {
			continue
		}
		if content, err := os.ReadFile(path); err == nil {
			s.Values = append(s.Values, strings.TrimSpace(string(content)))
		}
	}
	slices.Sort(s.Values)
	return slices.DeleteFunc(slices.Compact(s.Values), func(value string) bool { return value == "" })
}

// secrets is what is found secret.
type secrets struct {
	httpclient.Secrets

	files []string // all that hold secrets
}

func (c *Config) secrets() *secrets {
	s := &secrets{}
	if c.file != "" {
		s.files = append(s.files, c.file)
	}
	for _, key := range c.keys() {
		if key.File() != "" {
			s.files = append(s.files, key.File())
		}
	}
	for _, a := range c.Accounts {
		s.AddURL(a.BaseURL)
		s.Add(a.HTTPClient)
	}
	for _, g := range c.Groups {
		if g.HTTP != nil {
			s.AddURL(g.HTTP.URL)
			s.Add(g.HTTP.HTTPClient)
		}
	}
	if r := c.Redis(); r != nil {
		s.Add(commoncfg.HTTPClientConfig{TLSConfig: r.TLSConfig})
	}
	s.files = append(s.files, s.Files...)
	return s
}

// keys returns the keys of all accounts, and the tokens of pushes.
func (c *Config) keys() (keys []*apikey.Key) {
	for _, a := range c.Accounts {
		keys = append(keys, a.keys()...)
	}
	if r := c.Redis(); r != nil {
		keys = append(keys, r.Keys()...)
	}
	for _, g := range c.Groups {
		if g.Push != nil && g.Push.Token != nil {
			keys = append(keys, g.Push.Token)
		}
	}
	return keys
}

// keys returns all keys of an account.
func (a Account) keys() []*apikey.Key {
	return slices.DeleteFunc(append([]*apikey.Key{a.Key}, a.WebhookKeys...), func(key *apikey.Key) bool { return key == nil })
}
