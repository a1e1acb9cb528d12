// What of a configuration is secret.

package config

import (
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
)

const (
	maxSecretFile = 4 << 10 // bytes of a file whose whole content is a secret
	minSecret     = 8       // bytes of a user name or parameter of a URL that may be one
)

// SecretFiles returns the files that hold secrets: those of keys, those that http_client settings name, and the configuration's own.
func (c *Config) SecretFiles() []string {
	s := c.secrets()
	slices.Sort(s.files)
	return slices.Compact(s.files)
}

// Secrets returns every secret in force: keys, passwords, tokens, values of headers, and the contents of their files as they are now.
func (c *Config) Secrets() []string {
	s := c.secrets()
	for _, a := range c.Accounts {
		for _, key := range append([]*apikey.Key{a.Key}, a.WebhookKeys...) {
			if key != nil {
				s.add(key.Value())
			}
		}
	}
	for _, path := range s.contents {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > maxSecretFile {
			continue
		}
		if content, err := os.ReadFile(path); err == nil {
			s.add(strings.TrimSpace(string(content)))
		}
	}
	slices.Sort(s.values)
	return slices.Compact(s.values)
}

// secrets is what is found secret.
type secrets struct {
	files    []string
	contents []string // those of files of which each holds nothing but one secret
	values   []string
}

func (c *Config) secrets() *secrets {
	s := &secrets{}
	if c.file != "" {
		s.files = append(s.files, c.file)
	}
	for _, a := range c.Accounts {
		for _, key := range append([]*apikey.Key{a.Key}, a.WebhookKeys...) {
			if key != nil && key.File() != "" {
				s.files = append(s.files, key.File())
			}
		}
		s.addURL(a.BaseURL)
		s.search(reflect.ValueOf(a.HTTPClient))
	}
	for _, g := range c.Groups {
		if g.HTTP != nil {
			s.addURL(g.HTTP.URL)
			s.search(reflect.ValueOf(g.HTTP.HTTPClient))
		}
	}
	s.files = append(s.files, s.contents...)
	return s
}

func (s *secrets) add(value string) {
	if value != "" {
		s.values = append(s.values, value)
	}
}

// addURL notes what of a URL is shown nowhere.
func (s *secrets) addURL(u *url.URL) {
	if u == nil {
		return
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.add(password)
		s.addLong(u.User.Username())
	}
	for _, values := range u.Query() {
		for _, value := range values {
			s.addLong(value)
		}
	}
}

// addLong notes what may be a token. Something short is a name or a number, as an id may be.
func (s *secrets) addLong(value string) {
	if len(value) >= minSecret {
		s.add(value)
	}
}

// search goes through settings by their types, so that none is forgotten: each Secret is one, and what is called a file is one.
func (s *secrets) search(v reflect.Value) {
	switch value := v.Interface().(type) {
	case commoncfg.Secret:
		s.add(string(value))
		return
	case commoncfg.URL:
		s.addURL(value.URL)
		return
	}
	switch v.Kind() { //nolint:exhaustive // nothing else holds other values
	case reflect.Pointer:
		if !v.IsNil() {
			s.search(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			s.search(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			s.search(v.MapIndex(key))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				s.searchField(field, v.Field(i))
			}
		}
	}
}

func (s *secrets) searchField(field reflect.StructField, v reflect.Value) {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	switch {
	case v.Kind() == reflect.String && strings.HasSuffix(name, "_file"):
		if path := v.String(); path != "" {
			s.contents = append(s.contents, path)
		}
	case name == "files":
		for i := range v.Len() {
			s.contents = append(s.contents, v.Index(i).String())
		}
	default:
		s.search(v)
	}
}
