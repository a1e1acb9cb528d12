// What of the settings is secret.

package httpclient

import (
	"net/url"
	"reflect"
	"strings"

	commoncfg "github.com/prometheus/common/config"
)

// leastSecret is how many bytes a user name or parameter of a URL has at least that may be a secret.
const leastSecret = 8

// Secrets are what is found secret in settings.
type Secrets struct {
	Values []string
	Files  []string // each of which holds nothing but one secret
}

// Add notes the secrets of a client's settings.
func (s *Secrets) Add(c commoncfg.HTTPClientConfig) { s.search(reflect.ValueOf(c)) }

func (s *Secrets) add(value string) {
	if value != "" {
		s.Values = append(s.Values, value)
	}
}

// AddURL notes what of a URL is shown nowhere.
func (s *Secrets) AddURL(u *url.URL) {
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
func (s *Secrets) addLong(value string) {
	if len(value) >= leastSecret {
		s.add(value)
	}
}

// search goes through settings by their types, so that none is forgotten: each Secret is one, and what is called a file is one.
func (s *Secrets) search(v reflect.Value) {
	switch value := v.Interface().(type) {
	case commoncfg.Secret:
		s.add(string(value))
		return
	case commoncfg.URL:
		s.AddURL(value.URL)
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

func (s *Secrets) searchField(field reflect.StructField, v reflect.Value) {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	switch {
	case v.Kind() == reflect.String && strings.HasSuffix(name, "_file"):
		if path := v.String(); path != "" {
			s.Files = append(s.Files, path)
		}
	case name == "files":
		for i := range v.Len() {
			s.Files = append(s.Files, v.Index(i).String())
		}
	default:
		s.search(v)
	}
}
