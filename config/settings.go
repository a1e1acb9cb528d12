// Settings with rules of their own: names, labels, URLs, the HTTP client.

package config

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	commoncfg "github.com/prometheus/common/config"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// only reports whether s consists of these characters and of at least one.
func only(s, characters string) bool { return s != "" && strings.Trim(s, characters) == "" }

// name reads the name of an account or a group, which is a label value.
func (d *decoder) name(into *string) reader {
	return func(v value) {
		s, ok := d.scalar(v, "a name")
		switch {
		case !ok:
		case len(s) > 64 || !only(s, letters+digits+"_-."):
			d.report(v, "must be 1 to 64 letters, digits, _, - or . (got %s)", quote(s))
		default:
			*into = s
		}
	}
}

// labels reads labels that are shown beside those of our own.
func (d *decoder) labels(into *map[string]string) reader {
	return func(v value) {
		if !d.isMapping(v) {
			return
		}
		labels := map[string]string{}
		for key, val := range d.pairs(v) {
			name := key.node.Value
			if len(name) > 64 || !only(name, letters+digits+"_") || strings.HasPrefix(name, "__") || only(name[:1], digits) {
				d.report(key, "is no label name: it must be 1 to 64 letters, digits or _, and not begin with a digit or __")
				continue
			}
			text, ok := d.scalar(val, "a text")
			switch {
			case !ok:
			case len(text) > 128 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
				d.report(val, "must be at most 128 bytes without control characters (got %s)", quote(text))
			default:
				labels[name] = text
			}
		}
		*into = labels
	}
}

// apiPath is the end of a path that is the API's own. Appended to, it leads to pages that are not the API.
var apiPath = regexp.MustCompile(`(?i)/+api/+v1(?:/+jobs(?:/+(?:recordInfo|createTask))?|/+chat(?:/+credit)?)?/*$`)

// baseURL reads the URL that the API's paths are appended to.
func (d *decoder) baseURL(into **url.URL) reader {
	return func(v value) {
		u, text, ok := d.httpURL(v)
		switch {
		case !ok:
		case u.User != nil:
			d.report(v, "must not hold a user name or password")
		case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
			d.report(v, "must not have a query or a fragment")
		case apiPath.MatchString(u.Path):
			d.report(v, "must not end in %s: the exporter appends the API's paths itself", apiPath.FindString(u.Path))
		default:
			*into = u
		}
	}
}

// httpURL reads the URL of a server, and returns its text, too. It is not shown in a problem: it could hold a password.
func (d *decoder) httpURL(v value) (u *url.URL, text string, ok bool) {
	text, ok = d.scalar(v, "a URL")
	if !ok {
		return nil, "", false
	}
	u, err := url.Parse(text)
	if err != nil || !absolute(u, "http", "https") {
		d.report(v, "must be a URL that begins with http:// or https:// and a host")
		return nil, "", false
	}
	return u, text, true
}

// absolute reports whether u has one of these schemes, a host and, if any, a possible port.
func absolute(u *url.URL, schemes ...string) bool {
	if !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

// httpList reads where a list is fetched by HTTP, and how often.
func (l *loader) httpList(into **HTTPList) reader {
	return func(v value) {
		list := defaultHTTPList()
		present := l.object(v, l.listFields(&list))
		if _, given := present["url"]; !given && present != nil {
			l.report(entry{v, present}.at("url"), "must be given")
		}
		*into = &list
	}
}

func (l *loader) listFields(list *HTTPList) fields {
	return fields{
		"url": l.listURL(&list.URL),
		// Not above ten minutes, after which the alert of a failing source no longer believes in the last success.
		"refresh_interval": l.duration(&list.RefreshInterval, time.Second, 10*time.Minute),
		"http_client":      l.httpClient(&list.HTTPClient, l.listClientFields(&list.HTTPClient)),
	}
}

// listURL reads the URL of a list.
func (d *decoder) listURL(into **url.URL) reader {
	return func(v value) {
		u, text, ok := d.httpURL(v)
		switch {
		case !ok:
		case strings.Contains(text, "#"):
			d.report(v, "must not have a fragment")
		default:
			*into = u
		}
	}
}

// httpClient reads how a server is reached. Its values are never shown in a problem: some are secrets.
// Reading the fields one by one gives lines and paths, and leaves out what is not for us to offer.
func (l *loader) httpClient(into *commoncfg.HTTPClientConfig, known fields) reader {
	return func(v value) {
		before := len(l.problems)
		l.object(v, known)
		if len(l.problems) > before {
			return
		}
		if err := into.Validate(); err != nil {
			l.report(v, "%s", err)
		}
		into.SetDirectory(l.dir)
	}
}

// accountClientFields are the settings of the client for the API.
func (l *loader) accountClientFields(c *commoncfg.HTTPClientConfig) fields {
	known := l.httpClientFields(c)
	for _, name := range []string{"authorization", "basic_auth", "oauth2", "bearer_token", "bearer_token_file"} {
		known[name] = l.ownAuthorization
	}
	return known
}

// listClientFields are the settings of the client for a user's own server.
func (l *loader) listClientFields(c *commoncfg.HTTPClientConfig) fields {
	known := l.httpClientFields(c)
	known["authorization"] = l.authorization(&c.Authorization)
	known["basic_auth"] = l.basicAuth(&c.BasicAuth)
	for _, name := range []string{"oauth2", "bearer_token", "bearer_token_file"} {
		known[name] = func(v value) { l.report(v, "is not possible; use authorization or basic_auth") }
	}
	return known
}

func (l *loader) authorization(into **commoncfg.Authorization) reader {
	return func(v value) {
		*into = &commoncfg.Authorization{}
		l.object(v, l.authorizationFields(*into))
	}
}

func (l *loader) authorizationFields(a *commoncfg.Authorization) fields {
	return fields{
		"type":             l.headerText(&a.Type),
		"credentials":      l.headerText((*string)(&a.Credentials)),
		"credentials_file": l.text(&a.CredentialsFile),
	}
}

func (l *loader) basicAuth(into **commoncfg.BasicAuth) reader {
	return func(v value) {
		*into = &commoncfg.BasicAuth{}
		l.object(v, l.basicAuthFields(*into))
	}
}

func (l *loader) basicAuthFields(b *commoncfg.BasicAuth) fields {
	return fields{
		"username":      l.text(&b.Username),
		"username_file": l.text(&b.UsernameFile),
		"password":      l.text((*string)(&b.Password)),
		"password_file": l.text(&b.PasswordFile),
	}
}

// headerText reads a text that is sent in a header.
func (l *loader) headerText(into *string) reader {
	return func(v value) {
		var s string
		if l.text(&s)(v); l.headerValue(v, s) {
			*into = s
		}
	}
}

func (l *loader) httpClientFields(c *commoncfg.HTTPClientConfig) fields {
	return fields{
		"proxy_url":              l.proxyURL(&c.ProxyURL),
		"no_proxy":               l.text(&c.NoProxy),
		"proxy_from_environment": l.boolean(&c.ProxyFromEnvironment),
		"proxy_connect_header":   l.proxyHeader(&c.ProxyConnectHeader),
		"tls_config":             l.tlsConfig(&c.TLSConfig),
		"enable_http2":           l.boolean(&c.EnableHTTP2),
		"follow_redirects":       l.followRedirects,
		"http_headers":           l.headers(&c.HTTPHeaders),
	}
}

func (l *loader) ownAuthorization(v value) {
	l.report(v, "is not possible: the account's key is the authorization")
}

func (l *loader) followRedirects(v value) {
	var follow bool
	if l.boolean(&follow)(v); follow {
		l.report(v, "is not possible: redirects are never followed, as they could carry secrets elsewhere")
	}
}

func (l *loader) proxyURL(into *commoncfg.URL) reader {
	return func(v value) {
		s, ok := l.scalar(v, "a URL")
		if !ok {
			return
		}
		u, err := url.Parse(s)
		if err != nil || !absolute(u, "http", "https", "socks5", "socks5h") {
			l.report(v, "must be a URL that begins with http://, https://, socks5:// or socks5h:// and a host")
			return
		}
		into.URL = u
	}
}

func (l *loader) proxyHeader(into *commoncfg.ProxyHeader) reader {
	return func(v value) {
		if !l.isMapping(v) {
			return
		}
		*into = commoncfg.ProxyHeader{}
		for key, val := range l.pairs(v) {
			if l.headerName(key) {
				l.each("a header value", func(v value, s string) {
					if l.headerValue(v, s) {
						(*into)[key.node.Value] = append((*into)[key.node.Value], commoncfg.Secret(s))
					}
				})(val)
			}
		}
	}
}

func (l *loader) headers(into **commoncfg.Headers) reader {
	return func(v value) {
		if !l.isMapping(v) {
			return
		}
		headers := map[string]commoncfg.Header{}
		for key, val := range l.pairs(v) {
			if l.headerName(key) {
				var h commoncfg.Header
				l.object(val, l.headerFields(&h))
				headers[key.node.Value] = h
			}
		}
		*into = &commoncfg.Headers{Headers: headers}
	}
}

func (l *loader) headerFields(h *commoncfg.Header) fields {
	return fields{
		"values": l.each("a header value", func(v value, s string) {
			if l.headerValue(v, s) {
				h.Values = append(h.Values, s)
			}
		}),
		"secrets": l.each("a header value", func(v value, s string) {
			if l.headerValue(v, s) {
				h.Secrets = append(h.Secrets, commoncfg.Secret(s))
			}
		}),
		"files": l.each("a file name", func(_ value, s string) { h.Files = append(h.Files, s) }),
	}
}

func (d *decoder) headerName(key value) bool {
	ok := only(key.node.Value, letters+digits+"!#$%&'*+-.^_`|~")
	if !ok {
		d.report(key, "is no header name")
	}
	return ok
}

func (d *decoder) headerValue(v value, s string) bool {
	ok := !strings.ContainsFunc(s, unicode.IsControl)
	if !ok {
		d.report(v, "must not hold control characters")
	}
	return ok
}

func (l *loader) tlsConfig(into *commoncfg.TLSConfig) reader {
	return func(v value) {
		before := len(l.problems)
		l.object(v, l.tlsFields(into))
		if len(l.problems) > before {
			return
		}
		if err := into.Validate(); err != nil {
			l.report(v, "%s", err)
		}
	}
}

func (l *loader) tlsFields(c *commoncfg.TLSConfig) fields {
	return fields{
		"ca":                   l.text(&c.CA),
		"ca_file":              l.text(&c.CAFile),
		"cert":                 l.text(&c.Cert),
		"cert_file":            l.text(&c.CertFile),
		"key":                  l.text((*string)(&c.Key)),
		"key_file":             l.text(&c.KeyFile),
		"server_name":          l.text(&c.ServerName),
		"insecure_skip_verify": l.boolean(&c.InsecureSkipVerify),
		"min_version":          l.tlsVersion(&c.MinVersion),
		"max_version":          l.tlsVersion(&c.MaxVersion),
	}
}

func (l *loader) tlsVersion(into *commoncfg.TLSVersion) reader {
	return func(v value) {
		s, ok := l.scalar(v, "a TLS version")
		if !ok {
			return
		}
		version, known := commoncfg.TLSVersions[s]
		if !known {
			l.report(v, "must be one of %s", strings.Join(slices.Sorted(maps.Keys(commoncfg.TLSVersions)), ", "))
			return
		}
		*into = version
	}
}
