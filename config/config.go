// Package config loads the configuration file: schema, defaults, strict loading, validation, the key.
package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
)

// Config is a whole configuration, complete with defaults and checked.
type Config struct {
	Accounts []Account
	Groups   []Group
	Polling  Polling
	Limits   Limits

	file string // where it comes from; empty: the command line
}

// Account is one API key with its budget.
type Account struct {
	Name              string
	BaseURL           *url.URL
	Key               *Key
	HTTPClient        commoncfg.HTTPClientConfig
	RequestsPerSecond float64
	MaxConcurrent     int
	Timeout           time.Duration
	CreditsInterval   time.Duration // 0: the balance is never asked for
	WebhookKeys       []*Key        // with one of which a callback must be signed; none: no callback is accepted
}

// Equal reports whether two accounts are the same in all settings, and get their keys from the same places.
func (a Account) Equal(b Account) bool {
	same := a.Key.Equal(b.Key) && slices.EqualFunc(a.WebhookKeys, b.WebhookKeys, (*Key).Equal)
	a.Key, b.Key, a.WebhookKeys, b.WebhookKeys = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}

// Format implements fmt.Formatter. It shows the name only: HTTPClient holds secrets that show themselves under %#v.
func (a Account) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "account %q", a.Name) }

// MarshalJSON implements json.Marshaler. It tells the name only: a proxy's password shows itself in JSON.
func (a Account) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct{ Name string }{a.Name})
}

// Group is a named set of tasks of one account.
type Group struct {
	Name     string
	Account  string
	Tasks    []string
	Files    []File
	HTTP     *HTTPList // nil: none
	Labels   map[string]string
	Overdue  time.Duration // 0: not set
	Webhook  bool          // callbacks are expected
	MaxTasks int           // that are tracked at most; 0: as many as Limits.Tasks
}

// File is a pattern of list files.
type File struct {
	Written string // as written in the configuration
	Path    string // relative paths resolved against the configuration file's folder; a pattern only if Written is one
}

// HTTPList is a list of task ids that a server has.
type HTTPList struct {
	URL             *url.URL
	RefreshInterval time.Duration
	HTTPClient      commoncfg.HTTPClientConfig
}

// Format implements fmt.Formatter. It shows nothing of the list: a URL may hold a password, and HTTPClient holds more secrets.
func (HTTPList) Format(f fmt.State, _ rune) { fmt.Fprint(f, "a list by HTTP") }

// MarshalJSON implements json.Marshaler. It tells nothing, for the same reason.
func (HTTPList) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// Polling is when tasks are asked.
type Polling struct {
	Background  bool
	MaxWait     time.Duration
	MinInterval time.Duration
	MaxInterval time.Duration
}

// Limits bound what is kept and shown, and what is read at once.
type Limits struct {
	Tasks      int
	TaskSeries int
	Models     int
	ListBytes  units.Base2Bytes // of one list, unpacked
	ListIDs    int              // of one list
}

// defaultName names an account or a group that is the only one and has no name.
const defaultName = "default"

func defaultHTTPClient() commoncfg.HTTPClientConfig {
	client := commoncfg.DefaultHTTPClientConfig
	client.FollowRedirects = false // a redirect could carry the key to another host
	return client
}

func defaultHTTPList() HTTPList {
	return HTTPList{RefreshInterval: 30 * time.Second, HTTPClient: defaultHTTPClient()}
}

func defaultAccount() Account {
	return Account{
		BaseURL:           &url.URL{Scheme: "https", Host: "api.kie.ai"},
		HTTPClient:        defaultHTTPClient(),
		RequestsPerSecond: 2,
		MaxConcurrent:     4,
		Timeout:           10 * time.Second,
		CreditsInterval:   time.Minute,
	}
}

func defaultPolling() Polling {
	return Polling{MaxWait: 5 * time.Second, MinInterval: 3 * time.Second, MaxInterval: time.Minute}
}

// DefaultLimits are in force where a configuration sets none.
func DefaultLimits() Limits {
	return Limits{Tasks: 1_000_000, TaskSeries: 1000, Models: 100, ListBytes: 256 * units.MiB, ListIDs: 1_000_000}
}
