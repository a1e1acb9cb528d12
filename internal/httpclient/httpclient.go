// Package httpclient declares the settings of prometheus/common's HTTP client that are ours to offer: to connect to the API with an
// account's key, and to a user's own server. It knows which of their values are secret, or tell of the network the exporter is in.
package httpclient

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/settings"
	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// What a JSON Schema can say of a text.
var (
	URI       = map[string]any{"format": "uri", "pattern": "^[A-Za-z0-9]+://."}
	OneLine   = map[string]any{"pattern": "^[^\\x00-\\x1f]+$"}
	noControl = map[string]any{"pattern": "^[^\\x00-\\x1f]*$"}
)

// secret returns what a JSON Schema can say of a secret: that it is for writing down, and shown nowhere.
func secret(form map[string]any) map[string]any {
	form = maps.Clone(form)
	form["writeOnly"] = true
	return form
}

// clientSettings declares fields of commoncfg.HTTPClientConfig. Values are never shown in a problem: some are secrets.
type clientSettings struct {
	// TLS of the connection.
	TLSConfig commoncfg.TLSConfig `yaml:"tls_config,omitempty" format:"tls"`

	// Redirects are never followed, as they could carry secrets elsewhere.
	FollowRedirects bool `yaml:"follow_redirects" format:"no_redirects" default:"false"`

	// Whether HTTP/2 is spoken with a server that offers it.
	EnableHTTP2 bool `yaml:"enable_http2" default:"true"`

	// The proxy to go through: http, https, socks5 or socks5h.
	ProxyURL commoncfg.URL `yaml:"proxy_url,omitempty" format:"proxy_url" unset:"none"`

	// Hosts, networks and domains that are reached without `proxy_url`, separated by commas.
	NoProxy string `yaml:"no_proxy,omitempty" unset:"none"`

	// Whether the proxy is what the environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
	ProxyFromEnvironment bool `yaml:"proxy_from_environment,omitempty" unset:"false"`

	// Headers that are sent to the proxy when it is asked to connect: lists of values by name.
	ProxyConnectHeader commoncfg.ProxyHeader `yaml:"proxy_connect_header,omitempty" key:"header_name" format:"secret_value" unset:"none"`

	// Headers that are sent with each request, by name.
	HTTPHeaders *commoncfg.Headers `yaml:"http_headers,omitempty" format:"headers" unset:"none"`
}

// apiClient declares the client of the API, whose authorization is the account's key.
type apiClient struct {
	BasicAuth       *commoncfg.BasicAuth     `yaml:"basic_auth" format:"the_key"`
	Authorization   *commoncfg.Authorization `yaml:"authorization" format:"the_key"`
	OAuth2          *commoncfg.OAuth2        `yaml:"oauth2" format:"the_key"`
	BearerToken     commoncfg.Secret         `yaml:"bearer_token" format:"the_key"`
	BearerTokenFile string                   `yaml:"bearer_token_file" format:"the_key"`

	clientSettings
}

// listClient declares the client of a user's own server.
type listClient struct {
	// The name and password to send. Of lists by HTTP only.
	BasicAuth *commoncfg.BasicAuth `yaml:"basic_auth,omitempty" format:"basic_auth"`

	// The header `Authorization` to send. Of lists by HTTP only, and not with `basic_auth`.
	Authorization *commoncfg.Authorization `yaml:"authorization,omitempty" format:"authorization"`

	OAuth2          *commoncfg.OAuth2 `yaml:"oauth2" format:"no_authorization"`
	BearerToken     commoncfg.Secret  `yaml:"bearer_token" format:"no_authorization"`
	BearerTokenFile string            `yaml:"bearer_token_file" format:"no_authorization"`

	clientSettings
}

// authorizationSettings declares fields of commoncfg.Authorization.
type authorizationSettings struct {
	// What stands before the credentials.
	Type string `yaml:"type,omitempty" format:"header_text" unset:"Bearer"`

	// The credentials.
	Credentials commoncfg.Secret `yaml:"credentials,omitempty" format:"secret_text" unset:"none"`

	// The file with the credentials, read again when it changes.
	CredentialsFile string `yaml:"credentials_file,omitempty" unset:"none"`
}

// basicAuthSettings declares fields of commoncfg.BasicAuth.
type basicAuthSettings struct {
	// The name.
	Username string `yaml:"username,omitempty" format:"username" unset:"none"`

	// The file with the name.
	UsernameFile string `yaml:"username_file,omitempty" unset:"none"`

	// The password.
	Password commoncfg.Secret `yaml:"password,omitempty" format:"secret" unset:"none"`

	// The file with the password, read again when it changes.
	PasswordFile string `yaml:"password_file,omitempty" unset:"none"`
}

// tlsSettings declares fields of commoncfg.TLSConfig.
type tlsSettings struct {
	// The certificate of the authority that signed the server's, as PEM.
	CA string `yaml:"ca,omitempty" unset:"those of the system"`

	// The client's certificate, as PEM.
	Cert string `yaml:"cert,omitempty" unset:"none"`

	// The client's key, as PEM.
	Key commoncfg.Secret `yaml:"key,omitempty" format:"secret" unset:"none"`

	// The file with the certificate of the authority.
	CAFile string `yaml:"ca_file,omitempty" unset:"those of the system"`

	// The file with the client's certificate.
	CertFile string `yaml:"cert_file,omitempty" unset:"none"`

	// The file with the client's key.
	KeyFile string `yaml:"key_file,omitempty" unset:"none"`

	// The name that the server's certificate must have.
	ServerName string `yaml:"server_name,omitempty" unset:"the host of the URL"`

	// Whether any certificate will do. Then nobody knows who answers, and reads the key.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify" default:"false"`

	// The least version of TLS.
	MinVersion commoncfg.TLSVersion `yaml:"min_version,omitempty" format:"tls_version" unset:"TLS12"`

	// The greatest version of TLS.
	MaxVersion commoncfg.TLSVersion `yaml:"max_version,omitempty" format:"tls_version" unset:"the newest"`
}

// headerSettings declares fields of commoncfg.Header.
type headerSettings struct {
	// Its values.
	Values []string `yaml:"values,omitempty" format:"header_value" unset:"none"`

	// More values, which are shown nowhere.
	Secrets []commoncfg.Secret `yaml:"secrets,omitempty" format:"secret_value" unset:"none"`

	// Files with more values, read again when they change.
	Files []string `yaml:"files,omitempty" format:"file_name" unset:"none"`
}

// Formats returns the formats api_client and list_client of a commoncfg.HTTPClientConfig. Relative paths start at dir. What is in a
// commoncfg.Secret is shown as one.
func Formats(dir string) settings.Formats {
	f := settings.Formats{
		"the_key":          settings.Refused("is not possible: the account's key is the authorization"),
		"no_authorization": settings.Refused("is not possible; use authorization or basic_auth"),
		"no_redirects":     settings.Never("redirects are never followed, as they could carry secrets elsewhere"),
		"proxy_url":        settings.Text[commoncfg.URL]{What: "a URL", Parse: proxyURL, Shown: shownProxy, Form: URI},
		"header_name":      settings.Text[string]{What: "a header name", Parse: headerName, Form: map[string]any{"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"}},
		"header_value":     settings.Text[string]{What: "a header value", Parse: headerValue, Shown: hide, Form: noControl},
		"header_text":      settings.Text[string]{What: "a text", Parse: headerText, Form: OneLine},
		"secret":           settings.Text[string]{What: "a text", Parse: settings.AnyText.Parse, Noun: "secret", Form: secret(settings.AnyText.Form)},
		"secret_text":      settings.Text[string]{What: "a text", Parse: headerText, Noun: "secret", Form: secret(OneLine)},
		"secret_value":     settings.Text[string]{What: "a header value", Parse: headerValue, Noun: "secret", Form: secret(noControl)},
		"username":         settings.Text[string]{What: "a text", Parse: settings.AnyText.Parse, Shown: hide, Form: settings.AnyText.Form},
		"file_name":        settings.Text[string]{What: "a file name", Parse: anything},
		"tls_version": settings.Text[commoncfg.TLSVersion]{
			What: "a TLS version", Parse: tlsVersion, Form: map[string]any{"enum": tlsVersions()},
		},
	}
	f["tls"] = settings.DeclareOther[commoncfg.TLSConfig, tlsSettings](f, func(o *settings.Object, c *commoncfg.TLSConfig) {
		if o.Clean() {
			reportError(o, c.Validate())
			reportUnreadable(o, c, dir)
		}
	})
	f["authorization"] = settings.DeclareOther[commoncfg.Authorization, authorizationSettings](f, nil)
	f["basic_auth"] = settings.DeclareOther[commoncfg.BasicAuth, basicAuthSettings](f, nil)
	f["header"] = settings.DeclareOther[commoncfg.Header, headerSettings](f, nil)
	f["headers"] = settings.Wrapped(&settings.Map{Key: f["header_name"].(settings.Text[string]), Value: f["header"]},
		func(h map[string]commoncfg.Header) *commoncfg.Headers { return &commoncfg.Headers{Headers: h} },
		func(h *commoncfg.Headers) map[string]commoncfg.Header { return h.Headers })
	check := func(o *settings.Object, c *commoncfg.HTTPClientConfig) {
		if o.Clean() {
			reportError(o, c.Validate())
			c.SetDirectory(dir)
		}
	}
	f["api_client"] = settings.DeclareOther[commoncfg.HTTPClientConfig, apiClient](f, check)
	f["list_client"] = settings.DeclareOther[commoncfg.HTTPClientConfig, listClient](f, check)
	return f
}

// reportUnreadable reports files of TLS settings that can't be read.
func reportUnreadable(o *settings.Object, c *commoncfg.TLSConfig, dir string) {
	for _, f := range []struct{ name, path string }{{"ca_file", c.CAFile}, {"cert_file", c.CertFile}, {"key_file", c.KeyFile}} {
		if f.path == "" {
			continue
		}
		path := commoncfg.JoinDir(dir, f.path)
		file, err := apikey.Open(path)
		switch {
		case err == nil:
			_ = file.Close()
		case strings.Contains(f.path, "-----"):
			o.Report(f.name, "must name a file, and not hold what is to be in it")
		default:
			o.Report(f.name, "file %s: %s", path, err)
		}
	}
}

func reportError(o *settings.Object, err error) {
	if err != nil {
		o.Report("", "%s", err)
	}
}

func proxyURL(s string) (commoncfg.URL, error) {
	u, err := url.Parse(s)
	if err != nil || !Absolute(u, "http", "https", "socks5", "socks5h") {
		return commoncfg.URL{}, errors.New("must be a URL that begins with http://, https://, socks5:// or socks5h:// and a host")
	}
	return commoncfg.URL{URL: u}, nil
}

func headerName(s string) (string, error) {
	if !document.Only(s, document.Letters+document.Digits+"!#$%&'*+-.^_`|~") {
		return "", errors.New("is no header name")
	}
	return s, nil
}

func headerValue(s string) (string, error) {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", errors.New("must not hold control characters")
	}
	return s, nil
}

// headerText reads a text that is sent in a header.
func headerText(s string) (string, error) {
	if err := settings.NotEmpty(s); err != nil {
		return "", err
	}
	return headerValue(s)
}

func anything(s string) (string, error) { return s, nil }

func tlsVersion(s string) (commoncfg.TLSVersion, error) {
	version, known := commoncfg.TLSVersions[s]
	if !known {
		return 0, fmt.Errorf("must be one of %s", strings.Join(tlsVersions(), ", "))
	}
	return version, nil
}

func tlsVersions() []string { return slices.Sorted(maps.Keys(commoncfg.TLSVersions)) }

// Hidden stands for what may be a secret that does not hide by itself.
const Hidden = "xxxxx"

// hide shows as xxxxx a value that may hold a secret by mistake, or tells of the network that the exporter is in.
func hide(string) any { return Hidden }

// shownProxy leaves of a proxy how it is spoken to.
func shownProxy(u commoncfg.URL) any { return (&url.URL{Scheme: u.Scheme, Host: Hidden}).String() }

// Absolute reports whether u has one of these schemes, a host and, if any, a possible port.
func Absolute(u *url.URL, schemes ...string) bool {
	if !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}
