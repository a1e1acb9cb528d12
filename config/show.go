// A configuration as text, for people to look at.

package config

import (
	"bytes"
	"net/url"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// YAML returns the configuration, complete with defaults, as a file could hold it, but for secrets, which are left out or
// show as <secret>.
func (c *Config) YAML() ([]byte, error) {
	shown := shownConfig{
		Polling: shownPolling{
			Background: c.Polling.Background, MaxWait: model.Duration(c.Polling.MaxWait),
			MinInterval: model.Duration(c.Polling.MinInterval), MaxInterval: model.Duration(c.Polling.MaxInterval),
		},
		Limits: shownLimits(c.Limits),
	}
	for _, a := range c.Accounts {
		shown.Accounts = append(shown.Accounts, a.shown())
	}
	for _, g := range c.Groups {
		shown.Groups = append(shown.Groups, g.shown())
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(shown); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

type shownConfig struct {
	Accounts []shownAccount `yaml:"accounts"`
	Groups   []shownGroup   `yaml:"groups"`
	Polling  shownPolling   `yaml:"polling"`
	Limits   shownLimits    `yaml:"limits"`
}

type shownAccount struct {
	Name              string                     `yaml:"name"`
	BaseURL           string                     `yaml:"base_url"`
	CredentialsFile   string                     `yaml:"credentials_file,omitempty"`
	HTTPClient        commoncfg.HTTPClientConfig `yaml:"http_client"`
	RequestsPerSecond float64                    `yaml:"requests_per_second"`
	MaxConcurrent     int                        `yaml:"max_concurrent"`
	Timeout           model.Duration             `yaml:"timeout"`
	CreditsInterval   model.Duration             `yaml:"credits_interval"`
	WebhookKeysFiles  []string                   `yaml:"webhook_keys_files,omitempty"`
}

type shownGroup struct {
	Name     string            `yaml:"name"`
	Account  string            `yaml:"account"`
	Tasks    []string          `yaml:"tasks,omitempty"`
	Files    []string          `yaml:"files,omitempty"`
	HTTP     *shownHTTPList    `yaml:"http,omitempty"`
	Labels   map[string]string `yaml:"labels,omitempty"`
	Overdue  model.Duration    `yaml:"overdue,omitempty"`
	Webhook  bool              `yaml:"webhook"`
	MaxTasks int               `yaml:"max_tasks,omitempty"`
}

type shownHTTPList struct {
	URL             string                     `yaml:"url"`
	RefreshInterval model.Duration             `yaml:"refresh_interval"`
	HTTPClient      commoncfg.HTTPClientConfig `yaml:"http_client"`
}

type shownPolling struct {
	Background  bool           `yaml:"background"`
	MaxWait     model.Duration `yaml:"max_wait"`
	MinInterval model.Duration `yaml:"min_interval"`
	MaxInterval model.Duration `yaml:"max_interval"`
}

type shownLimits struct {
	Tasks      int `yaml:"tasks"`
	TaskSeries int `yaml:"task_series"`
	Models     int `yaml:"models"`

	ListBytes units.Base2Bytes `yaml:"list_bytes"`
	ListIDs   int              `yaml:"list_ids"`
}

func (a Account) shown() shownAccount {
	shown := shownAccount{
		Name: a.Name, BaseURL: a.BaseURL.String(), CredentialsFile: a.Key.file(), HTTPClient: shownClient(a.HTTPClient),
		RequestsPerSecond: a.RequestsPerSecond, MaxConcurrent: a.MaxConcurrent,
		Timeout: model.Duration(a.Timeout), CreditsInterval: model.Duration(a.CreditsInterval),
	}
	for _, k := range a.WebhookKeys {
		shown.WebhookKeysFiles = append(shown.WebhookKeysFiles, k.file())
	}
	return shown
}

func (g Group) shown() shownGroup {
	shown := shownGroup{
		Name: g.Name, Account: g.Account, Tasks: g.Tasks, Labels: g.Labels,
		Overdue: model.Duration(g.Overdue), Webhook: g.Webhook, MaxTasks: g.MaxTasks,
	}
	for _, f := range g.Files {
		shown.Files = append(shown.Files, f.Written)
	}
	if g.HTTP != nil {
		shown.HTTP = &shownHTTPList{
			URL: shownURL(g.HTTP.URL).String(), RefreshInterval: model.Duration(g.HTTP.RefreshInterval),
			HTTPClient: shownClient(g.HTTP.HTTPClient),
		}
	}
	return shown
}

// hidden stands for what may be a secret that does not hide by itself.
const hidden = "xxxxx"

// shownURL returns a URL without what may be a secret in it: scheme and host are left. Some servers take a token for the user's
// name, others have one in the path.
func shownURL(u *url.URL) *url.URL {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host}
	if u.User != nil {
		shown.User = url.User(hidden)
	}
	if u.Path != "" && u.Path != "/" {
		shown.Path = "/" + hidden
	}
	if u.RawQuery != "" {
		shown.RawQuery = hidden
	}
	return &shown
}

// shownClient returns settings without what may be a secret in them, or tell of the network that the exporter is in.
func shownClient(client commoncfg.HTTPClientConfig) commoncfg.HTTPClientConfig {
	if proxy := client.ProxyURL.URL; proxy != nil {
		client.ProxyURL.URL = &url.URL{Scheme: proxy.Scheme, Host: hidden}
	}
	if auth := client.BasicAuth; auth != nil && auth.Username != "" {
		shown := *auth
		shown.Username = hidden
		client.BasicAuth = &shown
	}
	client.HTTPHeaders = shownHeaders(client.HTTPHeaders)
	return client
}

// shownHeaders returns headers without their values, which secrets are apart from only if whoever wrote them took care.
func shownHeaders(headers *commoncfg.Headers) *commoncfg.Headers {
	if headers == nil {
		return nil
	}
	shown := &commoncfg.Headers{Headers: make(map[string]commoncfg.Header, len(headers.Headers))}
	for name, h := range headers.Headers {
		values := make([]string, len(h.Values))
		for i := range values {
			values[i] = hidden
		}
		h.Values = values
		shown.Headers[name] = h
	}
	return shown
}
