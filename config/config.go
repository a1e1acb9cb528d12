// Package config is the configuration: what can be set, and the checks that concern more than one setting.
//
// Each setting is declared once, by a field with tags: in this file or, those of http_client, in internal/httpclient. Package
// internal/settings says which tags there are. To add one, add a field with its tags and a comment for users, and run
// go generate ./config. Where the type in Go doesn't say how it is written, its tag names a format of formats.go; where it depends on other
// settings, a method Check or a function of load.go looks at them. The decoder, /config, the example, docs/configuration.md and the schema
// for editors follow from the field.
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

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/duration"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/replicas"
	"github.com/kie-exporter/kie_exporter/internal/settings"
	"github.com/kie-exporter/kie_exporter/internal/settings/document"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
)

//go:generate go -C ../internal/tools run ./generate settings

// Config is a whole configuration, complete with defaults and checked.
type Config struct {
	// The kie.ai accounts to ask with.
	//
	// Leave it out for a single account whose key is in the environment variable `KIE_API_KEY`.
	Accounts []Account `yaml:"accounts" items:"1.."`

	// The tasks to watch, in named groups.
	//
	// Each needs tasks, files, http or push.
	Groups []Group `yaml:"groups" items:"1.." required:"checked"`

	// When tasks are asked about.
	Polling Polling `yaml:"polling"`

	// What is kept and shown at most, and what is read at once.
	Limits Limits `yaml:"limits"`

	// Which series single tasks have, of those that `limits.task_series` lets have some.
	Series taskseries.Series `yaml:"series"`

	// What replicas share (docs/scaling.md). The folder of --storage.path is each process's own.
	Storage *replicas.Storage `yaml:"storage,omitempty" unset:"nothing is shared"` // nil: nothing is

	// The replicas that share the work, where `storage.redis` is set. A change takes a restart.
	Cluster *replicas.Cluster `yaml:"cluster,omitempty" unset:"there are none, or they have the defaults"` // nil: without Redis

	file string // where it comes from; empty: the command line
}

// Account is one API key with its budget.
type Account struct {
	// The label `account`. Only a single account may go without.
	//
	// What is known of tasks is kept by account and id. With another name at a reload the groups take it along; with another one at a
	// start each task is asked anew.
	Name string `yaml:"name" format:"name" unset:"default, if it is the only one" example:"default"`

	// Where the API is, without /api/v1: its paths are appended.
	BaseURL *url.URL `yaml:"base_url" format:"base_url" default:"https://api.kie.ai"`

	// The file with the API key and nothing else, read again when it changes.
	//
	// No quotes, no name before it. A key can be replaced while we run.
	Key *apikey.Key `yaml:"credentials_file,omitempty" format:"key_file" unset:"the key is in KIE_API_KEY, for a single account" sample:"/run/secrets/kie_api_key"`

	// How to connect: proxy, TLS, headers, as in Prometheus' own http_config. Redirects are never followed.
	//
	// It may have proxy_url, no_proxy, proxy_from_environment, proxy_connect_header, tls_config, enable_http2 and http_headers.
	HTTPClient commoncfg.HTTPClientConfig `yaml:"http_client" format:"api_client" example:"{}"`

	// How many requests a second are sent at most, on average, unless max_requests_per_second allows more. All that asks with the account's key draws on it.
	RequestsPerSecond float64 `yaml:"requests_per_second" range:"0.001..100000" default:"2"`

	// Up to how many requests a second may be sent where the API turns out to bear them and they save delay (docs/polling.md); not below `requests_per_second`.
	//
	// It is learned from refusals how many that are. Above requests_per_second one is sent after the other, never several in one go.
	MaxRequestsPerSecond float64 `yaml:"max_requests_per_second,omitempty" range:"0.001..100000" unset:"as many as requests_per_second, and nothing is learned" sample:"10"` // 0: not set

	// How many requests may be under way at the same time, and how many may be sent in one go after a pause.
	MaxConcurrent int `yaml:"max_concurrent" range:"1..1000" default:"4"`

	// Into how many parts the account is cut, so that several replicas share it, not above `max_concurrent`. A change takes a restart.
	//
	// Needs storage.redis. Each part has its part of requests_per_second and max_concurrent. Up to four cost little (docs/scaling.md).
	Parts int `yaml:"parts" range:"1..1000" default:"1"`

	// How long one request may take, its answer included.
	Timeout time.Duration `yaml:"timeout" range:"100ms..5m" default:"10s"`

	// How often the balance of credits is asked for; `0s`: never. If that failed, it is asked for again after 5s, doubling.
	CreditsInterval time.Duration `yaml:"credits_interval" range:"10s..1d" or:"0s" default:"1m"` // 0: the balance is never asked for

	// How often the API is asked how the models of the account's tasks fare with all its users; `0s`: never (docs/model-health.md).
	ModelHealthInterval time.Duration `yaml:"model_health_interval" range:"1m..30m" or:"0s" default:"0s"` // 0: how models fare is never asked for

	// The files with the webhook keys of the account, one or two, so that a key can be replaced; read again when they change.
	//
	// A callback is accepted only if it is signed with one of them.
	WebhookKeys []*apikey.Key `yaml:"webhook_keys_files,omitempty" format:"key_file" items:"..2" unique:"true" unset:"no callback is accepted" sample:"[/run/secrets/kie_webhook_key]"`
}

// Check implements settings.Checker.
func (a *Account) Check(o *settings.Object) {
	if o.Clean() && o.IsSet("max_requests_per_second") && a.MaxRequestsPerSecond < a.RequestsPerSecond {
		o.Report("max_requests_per_second", "must not be below requests_per_second (%g is below %g)", a.MaxRequestsPerSecond, a.RequestsPerSecond)
	}
}

// MostPerSecond returns how many requests a second are ever sent at most, on average.
func (a *Account) MostPerSecond() float64 { return max(a.RequestsPerSecond, a.MaxRequestsPerSecond) }

// Equal reports whether two accounts are the same in all settings, and get their keys from the same places.
func (a Account) Equal(b Account) bool {
	same := a.Key.Equal(b.Key) && slices.EqualFunc(a.WebhookKeys, b.WebhookKeys, (*apikey.Key).Equal)
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
	// The label `group`. Only a single group may go without.
	Name string `yaml:"name" format:"name" unset:"default, if it is the only one" example:"video"`

	// The account to ask with. May be left out where there is one account.
	//
	// In groups of two accounts an id is two tasks; in those of one the first that lists it has it (docs/runbooks/KieTasksInTwoGroups.md).
	Account string `yaml:"account" unset:"the only one" example:"default"`

	// Where the API is asked about the tasks: it follows from how they were created (docs/endpoints.md).
	//
	// It is never guessed from an id. With the wrong one a task looks like one that there is not; with another, such tasks are asked again.
	Endpoint kie.Endpoint `yaml:"endpoint" format:"endpoint" default:"jobs"`

	// Ids of tasks, written down here.
	Tasks []string `yaml:"tasks,omitempty" format:"task_id" any:"ids" unset:"none" example:"[task_12345678]"`

	// Lists of ids, by name or pattern; a file may change, come and go while we run.
	//
	//	.txt or no ending: an id a line; lines that begin with # are comments
	//	.yml, .yaml, .json: a list of {tasks: [...], labels: {...}, endpoint: ...}, of ids, or of objects with taskId or task_id
	//	.jsonl, .ndjson: objects with taskId or task_id and optionally model, variant and endpoint, such as answers of createTask as they came,
	//	  on lines of their own or not
	//
	// Rotated (x.jsonl.1, x.txt-20261128) and packed ones (x.jsonl.1.gz) are read, too. Other endings are refused.
	// Links are followed as long as they stay below the folder of the pattern. Files named here for keys and the like are never read as
	// lists.
	Files []File `yaml:"files,omitempty" format:"file" any:"ids" unique:"true" unset:"none" example:"[tasks/*.txt, tasks/*.yml]"`

	// A list of ids that a server has.
	HTTP *HTTPList `yaml:"http,omitempty" any:"ids" unset:"none"` // nil: none

	// Whether and how ids are pushed to the group, at `/api/v1/groups/{group}/tasks` (docs/push.md).
	Push *Push `yaml:"push,omitempty" any:"ids" unset:"no ids are pushed"` // nil: none are

	// Labels of `kie_task_info`, there with `label_` before their names.
	Labels map[string]string `yaml:"labels,omitempty" key:"label_name" format:"label_value" unset:"none" example:"{team: film}"`

	// How old an unfinished task may be before it counts as overdue.
	Overdue time.Duration `yaml:"overdue,omitempty" range:"1s..1y" unset:"4 × p90 of the durations of its model, as learned" example:"15m"` // 0: not set

	// Whether the tasks have callbacks. While these come, polling is a safety net.
	//
	// They were created with a callBackUrl that leads to --web.webhook-listen-address. A task is asked about when its own has come.
	// Needs webhook_keys_files of the account.
	Webhook bool `yaml:"webhook" default:"false"`

	// How many of the group's ids are tracked at most, so that one list can't take the room of others; `0`: all. Beyond, finished ones leave memory, then new ones replace those that wait longest for a first answer; all others are refused, and counted.
	//
	// There is an alert for it (docs/runbooks/KieTasksRefused.md). A lower number drops no unfinished task. Ids that an earlier group of the account
	// has don't count.
	MaxTasks int `yaml:"max_tasks,omitempty" range:"0..10000000" unset:"as many as limits.tasks leaves room for" example:"50000"` // 0: as many as Limits.Tasks
}

// File is a pattern of list files.
type File struct {
	Written string // as written in the configuration
	Path    string // relative paths resolved against the configuration file's folder; a pattern only if Written is one
}

// HTTPList is a list of task ids that a server has.
type HTTPList struct {
	// Where it is. The answer's Content-Type says how to read it; any other is refused, and so is a redirect.
	//
	//	text/plain: like .txt
	//	application/json, application/yaml, text/yaml: like .json and .yml
	//	application/jsonl, application/x-ndjson, application/json-seq: like .jsonl
	URL *url.URL `yaml:"url" format:"list_url" required:"true" example:"https://shop.internal/kie-tasks"`

	// How long after a read the next one begins.
	RefreshInterval time.Duration `yaml:"refresh_interval" range:"1s..10m" default:"30s"` // above 10m, the alert of a failing source no longer believes the last success

	// How to connect: as for accounts, and authorization or basic_auth.
	HTTPClient commoncfg.HTTPClientConfig `yaml:"http_client" format:"list_client" example:"{}"`
}

// Push is how ids are pushed to a group.
type Push struct {
	// The file with the token that producers send as `Authorization: Bearer …`, and nothing else, read again when it changes.
	//
	// It opens the pushes of this group and nothing else, and who has it needs no password of `--web.config.file` for that.
	Token *apikey.Key `yaml:"credentials_file,omitempty" format:"token_file" unset:"the authentication of --web.config.file counts" sample:"/run/secrets/kie_push_token"`

	// How long a pushed task is tracked after it has finished, or was given up.
	Keep time.Duration `yaml:"keep" range:"1s..1y" default:"24h"`

	// Whether a validly signed callback about an id that is in no list has it tracked in this group, if that is the first such one of its account.
	//
	// Needs webhook_keys_files of the account and --web.webhook-listen-address.
	FromCallbacks bool `yaml:"from_callbacks" default:"false"`
}

// Format implements fmt.Formatter. It shows nothing of the token.
func (Push) Format(f fmt.State, _ rune) { fmt.Fprint(f, "pushes") }

// Format implements fmt.Formatter. It shows nothing of the list: a URL may hold a password, and HTTPClient holds more secrets.
func (HTTPList) Format(f fmt.State, _ rune) { fmt.Fprint(f, "a list by HTTP") }

// MarshalJSON implements json.Marshaler. It tells nothing, for the same reason.
func (HTTPList) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// Polling is when tasks are asked.
type Polling struct {
	// Whether to ask also while nobody scrapes.
	//
	// If not, asking pauses when there was no scrape for 5 minutes. With `storage.redis` the default is `true`.
	Background bool `yaml:"background" default:"false"`

	// How long a scrape waits at most for answers about tasks that are due; `0s`: it shows what is known.
	MaxWait time.Duration `yaml:"max_wait" range:"0s..1m" default:"5s"`

	// An unfinished task is not asked about again before this time has passed.
	MinInterval time.Duration `yaml:"min_interval" range:"1s..1h" default:"3s"`

	// An unfinished task is asked about after this time at the latest, as far as `requests_per_second` allows.
	MaxInterval time.Duration `yaml:"max_interval" range:"1s..1d" default:"1m"`
}

// Check implements settings.Checker.
func (p *Polling) Check(o *settings.Object) {
	if o.Clean() && p.MaxInterval < p.MinInterval {
		o.Report("max_interval", "must not be below min_interval (%s is below %s)",
			duration.Format(p.MaxInterval), duration.Format(p.MinInterval))
	}
}

// Limits bound what is kept and shown, and what is read at once.
type Limits struct {
	// Tasks tracked, finished ones included. Beyond, those that finished longest ago leave memory, then new ones replace those that wait longest for a first answer; all others are refused, and counted.
	Tasks int `yaml:"tasks" range:"1..10000000" default:"1000000"`

	// Tasks with series of their own, not above `tasks`. All others are in the totals only.
	//
	// A scrape costs what changed, so 100000 are no trouble here (docs/performance.md). Prometheus has to bear 8 to 12 series of each,
	// 900 to 1500 bytes of text. vmagent refuses a scrape of more than 16 MiB of text unless told otherwise (-promscrape.maxScrapeSize):
	// that is about 18800 tasks of 8 series, or 11000 of 12.
	TaskSeries int `yaml:"task_series" range:"0..10000000" default:"1000" unset:"or tasks if that is less"`

	// Different values of the label `model`. Further models are counted together as `other`.
	//
	// When it is reached, models without tasks and totals make room; totals stay until the exporter ends or their group goes.
	Models int `yaml:"models" range:"1..10000" default:"100"`

	// Bytes of one list, be it a file or a server's answer, unpacked. One that is longer is refused as a whole, and what it listed before is kept.
	// A file of lines (.txt, .jsonl, .ndjson) that is not packed may have any length, for it is read in parts; only a line may not be so long.
	//
	// YAML may have 4MiB in any case. To read a list takes up to three times its size in memory.
	ListBytes units.Base2Bytes `yaml:"list_bytes" range:"1KiB..1GiB" default:"256MiB"` // an id's place in a list has 32 bits

	// Ids of one list. Those beyond are refused and counted, those before them are taken. A file of lines may have any number, unless it is packed.
	ListIDs int `yaml:"list_ids" range:"1..10000000" default:"1000000" unset:"or tasks if that is more"`
}

// Check implements settings.Checker. It also completes the limits that depend on that of tasks.
func (m *Limits) Check(o *settings.Object) {
	if !o.IsSet("task_series") {
		m.TaskSeries = min(m.TaskSeries, m.Tasks)
	}
	if !o.IsSet("list_ids") {
		m.ListIDs = max(m.ListIDs, m.Tasks)
	}
	if o.Clean() && m.TaskSeries > m.Tasks {
		o.Report("task_series", "must not be above tasks (%d is above %d)", m.TaskSeries, m.Tasks)
	}
}

// defaultName names an account or a group that is the only one and has no name.
const defaultName = "default"

// Declaration returns the settings that a configuration file may have.
func Declaration() *settings.Struct { return settings.Declare[Config](formats("")) }

// defaults returns what is in force where a file says nothing.
func defaults[T any](format settings.Formats) (of T) {
	settings.Declare[T](format).SetDefaults(&of)
	return of
}

// DefaultLimits are in force where a configuration sets none.
func DefaultLimits() Limits { return defaults[Limits](nil) }

// YAML returns the configuration, complete with defaults, as a file could hold it, but for secrets, which are left out or
// show as <secret>.
func (c *Config) YAML() ([]byte, error) {
	shown, err := Declaration().YAML(c)
	if err != nil {
		return nil, err
	}
	return document.Encode(shown)
}
