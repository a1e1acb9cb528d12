// The command line.

package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/duration"
	replicasettings "github.com/kie-exporter/kie_exporter/internal/replicas"
	"github.com/kie-exporter/kie_exporter/internal/settings"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/web"
)

// mostShards is as many as an account may send requests at a time.
const mostShards = 1000

// defaultConfigFile is used if it exists and nothing else says what to track.
const defaultConfigFile = "kie_exporter.yml"

type flags struct {
	configFile string
	check      bool
	strict     bool // of a check: warnings are errors
	taskIDs    []string
	taskFiles  []string
	demo       bool
	storage    string
	keepStrict bool // a storage that others can write is refused

	replica    string
	shard      share.Shard
	shardGiven [2]bool // --shard and --total-shards

	web            *toolkit.FlagConfig
	metricsPath    string
	timeoutOffset  time.Duration
	maxConnections int
	maxRequests    int
	allowedHosts   []string
	lifecycle      bool
	pprof          bool
	probe          bool
	probeAddress   string
	grafana        string
	hookAddress    string
	onHooks        func(net.Addr) // if set, is told where callbacks are received

	log promslog.Config
}

// parseFlags reads the command line. done: it asked for help or the version, which has been printed.
func parseFlags(args []string, stdout io.Writer) (f *flags, done bool, err error) {
	f = &flags{}
	k := kingpin.New("kie_exporter", about)
	k.UsageWriter(stdout).ErrorWriter(io.Discard).Terminate(func(int) { done = true })
	k.Version(version.Print("kie_exporter"))
	k.HelpFlag.Short('h')
	k.Flag("config.file", "Configuration file. Default: "+defaultConfigFile+" if it exists.").
		PlaceHolder("FILE").StringVar(&f.configFile)
	k.Flag("config.check", "Check the configuration, read all lists, say what would be tracked, and exit.").BoolVar(&f.check)
	k.Flag("config.check-strict", "Like --config.check, and exit with 1 if there is any warning.").BoolVar(&f.strict)
	k.Flag("task.id", "Id of a task to track, without a configuration file; the key comes from KIE_API_KEY. Repeatable.").
		PlaceHolder("ID").StringsVar(&f.taskIDs)
	k.Flag("task.file", "File that lists task ids, or a pattern of such files; otherwise like --task.id. Repeatable.").
		PlaceHolder("FILE").StringsVar(&f.taskFiles)
	k.Flag("demo", "Track made-up tasks of a simulated API. Needs no key and no network.").BoolVar(&f.demo)
	k.Flag("storage.path", "Folder in which to keep what is known of tasks. Default: data; empty: in memory only.").
		Default("data").PlaceHolder("FOLDER").StringVar(&f.storage)
	k.Flag("storage.strict", "Refuse to start if others than this user, its groups and root can write the storage, instead of a warning.").
		BoolVar(&f.keepStrict)
	k.Flag("shard", "Which shard this process is, counted from 0: it has the tasks of its part of each account. Needs --total-shards.").
		PlaceHolder("NUMBER").IsSetByUser(&f.shardGiven[0]).IntVar(&f.shard.Number)
	k.Flag("total-shards", "Among how many processes the tasks of each account, and what it may spend, are divided. Needs --shard. Default: not divided.").
		PlaceHolder("COUNT").IsSetByUser(&f.shardGiven[1]).IntVar(&f.shard.Total)
	k.Flag("cluster.replica", "Name of this replica, for a StatefulSet: --cluster.replica=$(POD_NAME). Default: cluster.replica of the configuration, or the host name.").
		PlaceHolder("NAME").StringVar(&f.replica)
	f.web = kingpinflag.AddFlags(k, ":10059")
	k.Flag("web.telemetry-path", "Path under which the metrics are served.").Default("/metrics").StringVar(&f.metricsPath)
	k.Flag("web.timeout-offset", "How long before the scrape's timeout to answer with what is known.").
		Default("500ms").SetValue(durationFlag{"--web.timeout-offset", &f.timeoutOffset})
	k.Flag("web.max-requests", "Scrapes answered at a time, and probes; who finds no place is answered with 503.").
		Default("40").IntVar(&f.maxRequests)
	k.Flag("web.max-connections", "Connections open at a time; beyond, whoever has most of them loses one.").
		Default("1024").IntVar(&f.maxConnections)
	k.Flag("web.allowed-hosts", "Host under which browsers may use the exporter, besides IP addresses, localhost, this machine's name and names without a dot. Repeatable.").
		PlaceHolder("HOST").StringsVar(&f.allowedHosts)
	k.Flag("web.enable-lifecycle", "Allow a reload of the configuration by HTTP; SIGHUP reloads it always.").BoolVar(&f.lifecycle)
	k.Flag("web.enable-pprof", "Serve profiles of the process below /debug/pprof/.").BoolVar(&f.pprof)
	k.Flag("web.enable-probe", "Answer /probe, where whoever reaches it has tasks asked, listed or not.").Default("true").BoolVar(&f.probe)
	k.Flag("web.grafana-url", "Where Grafana is, for links from a task's page to its dashboard; no links if not given.").
		PlaceHolder("URL").StringVar(&f.grafana)
	k.Flag("web.probe-listen-address", "Address on which to serve health and readiness alone, without TLS and authentication; off if not given.").
		PlaceHolder("ADDRESS").StringVar(&f.probeAddress)
	k.Flag("web.webhook-listen-address", "Address on which to receive callbacks at /webhook/{account}, without TLS; off if not given.").
		PlaceHolder("ADDRESS").StringVar(&f.hookAddress)
	promslogflag.AddFlags(k, &f.log)
	if slices.Contains(args, "--help-man") {
		return f, true, writeManPage(stdout, k.Model())
	}
	_, err = k.Parse(args)
	if done {
		return f, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	f.check = f.check || f.strict
	return f, false, f.validate()
}

// durationFlag is a time on the command line, written as in the configuration. It may be a fraction of a unit, too, as Go has it.
type durationFlag struct {
	flag string
	into *time.Duration
}

// Set implements kingpin.Value.
func (d durationFlag) Set(s string) error {
	parsed, err := duration.Parse(s)
	if fraction, e := time.ParseDuration(s); err != nil && e == nil {
		parsed, err = fraction, nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.flag, err)
	}
	*d.into = parsed
	return nil
}

// String implements kingpin.Value.
func (d durationFlag) String() string { return duration.Format(*d.into) }

func (f *flags) validate() error {
	tasks := len(f.taskIDs) > 0 || len(f.taskFiles) > 0
	switch {
	case f.configFile != "" && tasks:
		return errors.New("--task.id and --task.file are not for use with --config.file: list the tasks in the file")
	case f.demo && (f.configFile != "" || tasks || f.check):
		return errors.New("--demo is for use without --config.file, --config.check, --task.id and --task.file")
	case f.shardGiven[0] != f.shardGiven[1]:
		return errors.New("--shard and --total-shards must be given together")
	case f.shardGiven[1] && (f.shard.Total < 1 || f.shard.Total > mostShards):
		return fmt.Errorf("--total-shards: must be 1 to %d", mostShards)
	case f.shardGiven[0] && (f.shard.Number < 0 || f.shard.Number >= f.shard.Total):
		return fmt.Errorf("--shard: must be 0 to %d, for %d shards", f.shard.Total-1, f.shard.Total)
	case f.demo && f.shard.IsOne():
		return errors.New("--demo is for use without --shard and --total-shards: each would have a simulated API of its own")
	case f.metricsPath != path.Clean("/"+f.metricsPath), strings.ContainsAny(f.metricsPath, "{}% "):
		return fmt.Errorf("--web.telemetry-path: %q is not an absolute, plain path", f.metricsPath)
	case isServed(f.metricsPath):
		return fmt.Errorf("--web.telemetry-path: %q is taken", f.metricsPath)
	case f.timeoutOffset < 0:
		return errors.New("--web.timeout-offset: must not be negative")
	case f.maxRequests < 1:
		return errors.New("--web.max-requests: must be at least 1")
	case slices.ContainsFunc(f.allowedHosts, func(host string) bool { return !web.ValidHost(host) }):
		return errors.New("--web.allowed-hosts: must be the name of a host, without scheme, port and path")
	case f.grafana != "" && !isWebAddress(f.grafana):
		return errors.New("--web.grafana-url: must be an absolute URL of http or https, without a password")
	case f.maxConnections < 1:
		return errors.New("--web.max-connections: must be at least 1")
	}
	return nil
}

// isWebAddress reports whether a text is the address of something on the web that anybody may see.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// isServed reports whether something else is served at a path, or may be one day.
func isServed(path string) bool {
	for _, p := range []string{"/-/", "/api/", "/config/", "/debug/pprof/", "/probe/", "/tasks/"} {
		if strings.HasPrefix(path+"/", p) {
			return true
		}
	}
	return false
}

// load returns the configuration that the command line asks for.
func (f *flags) load(getenv func(string) string) (*config.Config, error) {
	if f.configFile != "" {
		return config.Load(f.configFile, getenv, f.checkShards)
	}
	if len(f.taskIDs) == 0 && len(f.taskFiles) == 0 {
		if _, err := os.Stat(defaultConfigFile); !errors.Is(err, fs.ErrNotExist) {
			return config.Load(defaultConfigFile, getenv, f.checkShards)
		}
	}
	cfg, err := config.ForTasks(f.taskIDs, f.taskFiles, getenv)
	if most := config.DefaultAccount().MaxConcurrent; err == nil && f.shard.Total > most {
		return nil, fmt.Errorf("--total-shards: without a configuration file at most %d, for so many requests are sent at a time", most)
	}
	return cfg, err
}

// completeReplica takes over what the command line says of replicas. A check joins none.
func (f *flags) completeReplica(cfg *config.Config) error {
	switch {
	case cfg.Redis() == nil && f.replica != "":
		return errors.New("--cluster.replica: needs storage.redis in the configuration")
	case cfg.Redis() == nil:
		return nil
	case f.shard.IsOne():
		return errors.New("--shard is not for use with storage.redis, over which replicas share the work by themselves: see parts")
	case f.check:
		cfg.Storage = nil
		return nil
	case f.replica != "":
		name, err := replicasettings.ReplicaName(f.replica)
		if err != nil {
			return fmt.Errorf("--cluster.replica: %w", err)
		}
		cfg.Cluster.Replica = name
	}
	return nil
}

// checkShards sees that each shard may send a request of an account at a time.
func (f *flags) checkShards(a *config.Account, at *settings.Object) {
	if f.shard.Total > a.MaxConcurrent {
		at.Report("max_concurrent", "must be at least %d, the --total-shards: each of them sends at least one request at a time (got %d)",
			f.shard.Total, a.MaxConcurrent)
	}
}

// warn tells what the configuration asks for in vain, with this command line.
func (f *flags) warn(cfg *config.Config, log *slog.Logger) {
	for _, group := range f.unreceived(cfg) {
		log.Warn("Callbacks are not received without --web.webhook-listen-address, the group is polled like others", "group", group)
	}
	for _, group := range f.unguarded(cfg) {
		log.Warn("Whoever reaches the port may push ids: the group has no credentials_file for pushes, and --web.config.file asks for no password", "group", group)
	}
	for _, w := range f.warnings(cfg) {
		log.Warn("The configuration works, and is hardly what is wanted", w.about, w.name, "why", w.text)
	}
}

// unreceived returns the groups that rely on callbacks which are not received.
func (f *flags) unreceived(cfg *config.Config) (groups []string) {
	for _, g := range cfg.Groups {
		if (g.Webhook || g.Push != nil && g.Push.FromCallbacks) && f.hookAddress == "" {
			groups = append(groups, g.Name)
		}
	}
	return groups
}

// webSecretFiles returns the web configuration and the key that it names. Whether it is right is told elsewhere.
func (f *flags) webSecretFiles() []string {
	path := *f.web.WebConfigFile
	if path == "" {
		return nil
	}
	files := []string{path}
	var web struct {
		TLS struct {
			KeyFile string `yaml:"key_file"`
		} `yaml:"tls_server_config"`
	}
	if err := f.readWeb(&web); err == nil && web.TLS.KeyFile != "" {
		key := web.TLS.KeyFile
		if !filepath.IsAbs(key) {
			key = filepath.Join(filepath.Dir(path), key)
		}
		files = append(files, key)
	}
	return files
}

// readWeb reads what is asked for of the web configuration.
func (f *flags) readWeb(into any) error {
	text, err := os.ReadFile(*f.web.WebConfigFile)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into)
}
