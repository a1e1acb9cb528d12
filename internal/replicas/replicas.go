// Package replicas declares the settings of replicas that share the work, and of the Redis server over which they do.
package replicas

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/httpclient"
	"github.com/kie-exporter/kie_exporter/internal/keyfile"
	"github.com/kie-exporter/kie_exporter/internal/settings"
	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// Storage is where replicas keep what they share.
type Storage struct {
	// The Redis or Valkey server over which replicas share the work (docs/scaling.md). A change takes a restart.
	Redis *Redis `yaml:"redis,omitempty" unset:"the process is alone"` // nil: there is none
}

// Server returns the server; nil: there is none.
func (s *Storage) Server() *Redis {
	if s == nil {
		return nil
	}
	return s.Redis
}

// Redis is a server, or several of Sentinel or Redis Cluster.
type Redis struct {
	// Where it is: host:port, or the path of a Unix socket. Several are Sentinels, or nodes of Redis Cluster.
	Addresses []string `yaml:"addresses" format:"redis_address" items:"1.." unique:"true" required:"true" example:"[redis:6379]"`

	// The name of the master. With it the addresses are Sentinels.
	SentinelMaster string `yaml:"sentinel_master,omitempty" unset:"the addresses are no Sentinels" sample:"main"`

	// Whether the addresses are nodes of Redis Cluster.
	Cluster bool `yaml:"cluster" default:"false"`

	// The user. Which rights it needs: docs/scaling.md.
	Username string `yaml:"username,omitempty" unset:"the default user" sample:"kie_exporter"`

	// The file with the password and nothing else, read again when it changes.
	Password *apikey.Key `yaml:"password_file,omitempty" format:"password_file" unset:"no password" sample:"/run/secrets/redis"`

	// The file with the password of the Sentinels, likewise.
	SentinelPassword *apikey.Key `yaml:"sentinel_password_file,omitempty" format:"password_file" unset:"no password" sample:"/run/secrets/sentinel"`

	// The number of the database.
	DB int `yaml:"db" range:"0..1000000" default:"0"`

	// TLS of the connection, as in http_client. Without it none is spoken; `{}`: the authorities of the system.
	TLSConfig commoncfg.TLSConfig `yaml:"tls_config,omitempty" format:"tls" unset:"no TLS" example:"{}"`

	// How long one call may take.
	Timeout time.Duration `yaml:"timeout" range:"100ms..5s" default:"500ms"`

	TLS bool // tls_config is given
}

// Check implements settings.Checker.
func (r *Redis) Check(o *settings.Object) {
	r.TLS = o.IsSet("tls_config")
	switch {
	case r.Cluster && r.SentinelMaster != "":
		o.Report("cluster", "is not possible with sentinel_master")
	case r.Cluster && r.DB != 0:
		o.Report("db", "must be 0 with cluster")
	case !r.Cluster && r.SentinelMaster == "" && len(r.Addresses) > 1:
		o.Report("addresses", "must be one, unless sentinel_master or cluster is set")
	case r.SentinelPassword != nil && r.SentinelMaster == "":
		o.Report("sentinel_password_file", "needs sentinel_master")
	}
}

// Format implements fmt.Formatter. It shows nothing: TLSConfig holds secrets that show themselves under %#v.
func (Redis) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "redis") }

// MarshalJSON implements json.Marshaler, for the same reason.
func (Redis) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// Cluster is the replicas that share the work.
type Cluster struct {
	// Replicas of the same name share the work.
	Name string `yaml:"name" format:"cluster_name" default:"default"`

	// The name of this replica, which no other may have. A StatefulSet gives `--cluster.replica=$(POD_NAME)`.
	Replica string `yaml:"replica,omitempty" format:"replica_name" unset:"the host name" sample:"kie-exporter-0"`

	// After how long without a sign of life another replica takes over. All replicas must have the same.
	Lease time.Duration `yaml:"lease" range:"10s..5m" default:"30s"`
}

// clusterName reads a name that is part of keys in Redis.
func clusterName(s string) (string, error) {
	if s == "" || len(s) > 64 || !document.Only(s, document.Letters+document.Digits+"_-") {
		return "", fmt.Errorf("must be 1 to 64 letters, digits, _ or - (got %s)", document.Quote(s))
	}
	return s, nil
}

// ReplicaName reads the name of a replica.
func ReplicaName(s string) (string, error) {
	if s == "" || len(s) > 253 || !document.Only(s, document.Letters+document.Digits+"_-.") {
		return "", fmt.Errorf("must be 1 to 253 letters, digits, _, - or . (got %s)", document.Quote(s))
	}
	return s, nil
}

// redisAddress reads where a server is.
func redisAddress(s string) (string, error) {
	if filepath.IsAbs(s) {
		return s, nil
	}
	host, port, err := net.SplitHostPort(s)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || host == "" || e != nil || n == 0 || strings.ContainsAny(s, "@ ") {
		return "", errors.New("must be host:port, or the path of a Unix socket")
	}
	return s, nil
}

// Formats returns how the settings are written. Relative paths start at dir.
func Formats(dir string) settings.Formats {
	f := settings.Formats{
		"password_file": keyfile.Format(dir, "password", apikey.PasswordFromFile),
		"cluster_name":  settings.Text[string]{What: "a name", Parse: clusterName, Form: map[string]any{"pattern": "^[A-Za-z0-9_-]{1,64}$"}},
		"replica_name":  settings.Text[string]{What: "a name", Parse: ReplicaName, Form: map[string]any{"pattern": "^[A-Za-z0-9_.-]{1,253}$"}},
		"redis_address": settings.Text[string]{
			What: "an address", Parse: redisAddress, Noun: "address", ID: func(s string) string { return s }, Form: httpclient.OneLine,
		},
	}
	f["tls"] = httpclient.Formats(dir)["tls"]
	return f
}

// Complete returns the replicas that share the work over a server: those given, or the defaults. The error says what is wrong with the name.
func (r *Redis) Complete(given *Cluster, dir string) (*Cluster, error) {
	r.TLSConfig.SetDirectory(dir)
	if given == nil {
		given = &Cluster{}
		settings.Declare[Cluster](Formats("")).SetDefaults(given)
	}
	if given.Replica != "" {
		return given, nil
	}
	name, err := os.Hostname()
	if err == nil {
		given.Replica, err = ReplicaName(name)
	}
	return given, err
}

// Keys returns the passwords that there are.
func (r *Redis) Keys() (keys []*apikey.Key) {
	for _, k := range []*apikey.Key{r.Password, r.SentinelPassword} {
		if k != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// Equal reports whether two servers are the same, with passwords from the same places.
func (r Redis) Equal(o Redis) bool {
	same := equalKeys(r.Password, o.Password) && equalKeys(r.SentinelPassword, o.SentinelPassword)
	r.Password, o.Password, r.SentinelPassword, o.SentinelPassword = nil, nil, nil, nil
	return same && reflect.DeepEqual(r, o)
}

func equalKeys(a, b *apikey.Key) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b)
}

// Check sees that what is said of replicas concerns some, and that each part of an account may be asked.
type Check struct {
	Root       *settings.Object // nil: the file has none
	Redis      *Redis           // nil: there is none
	Cluster    **Cluster        // completed by All
	Background *bool            // polling.background, likewise: who holds an account must ask, though it may be another that is scraped
	Dir        string
}

// Account checks an account, which is at a place in the file.
func (c Check) Account(at *settings.Object, parts, maxConcurrent int) {
	switch {
	case parts > maxConcurrent:
		at.Report("parts", "must not be above max_concurrent: each part sends at least one request at a time (%d is above %d)", parts, maxConcurrent)
	case parts > 1 && c.Redis == nil:
		at.Report("parts", "needs storage.redis, over which replicas share the parts")
	}
}

// All checks the rest. The error says what is wrong with the name of the replica.
func (c Check) All() (err error) {
	switch {
	case c.Redis != nil:
		*c.Background = *c.Background || !c.Root.At("polling").Has("background")
		*c.Cluster, err = c.Redis.Complete(*c.Cluster, c.Dir)
	case c.Root != nil && c.Root.IsSet("cluster"):
		c.Root.Report("cluster", "needs storage.redis, over which the replicas share the work")
	}
	return err
}
