// From a configuration file, or from flags, to a checked Config.

package config

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/replicas"
	"github.com/kie-exporter/kie_exporter/internal/settings"
	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// maxSize bounds a configuration file. It is room for some 80,000 inline ids; longer lists go into files.
const maxSize = 4 << 20

// Errors are all problems of a configuration, in the order of their lines.
type Errors = document.Problems

// Load reads, completes and checks a configuration file, and loads the keys. Relative paths in it start at the file's folder.
// If the file can be read, an error is of type Errors and holds every problem there is. Checks are what others demand of each account.
func Load(path string, getenv func(string) string, checks ...func(a *Account, at *settings.Object)) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	l := newLoader(path, getenv)
	if root, ok := l.Parse(text); ok {
		l.root(root)
	}
	for i, at := range l.accounts {
		for _, check := range checks {
			check(&l.config.Accounts[i], at)
		}
	}
	return l.result()
}

// ForTasks returns the configuration of one group of the ids and file patterns given on the command line, with the key
// from the environment. Relative patterns start at the working folder. An error is of type Errors and names the flags.
func ForTasks(ids, files []string, getenv func(string) string) (*Config, error) {
	l := newLoader("", getenv)
	group := Group{Name: defaultName, Account: defaultName}
	ofTasks, ofFiles := document.Outside("--task.id"), document.Outside("--task.file")
	if len(ids)+len(files) == 0 {
		l.Report(ofTasks, "no tasks; give ids with --task.id, list files with --task.file, or a file with --config.file")
	}
	for _, s := range ids {
		if id, err := taskID(s); err != nil {
			l.Report(ofTasks, "%s", err)
		} else {
			group.Tasks = append(group.Tasks, id)
		}
	}
	for _, s := range files {
		if file, err := listFile("", s); err != nil {
			l.Report(ofFiles, "%s", err)
		} else if slices.Contains(group.Files, file) {
			l.Report(ofFiles, "is listed already (%s)", document.Quote(s))
		} else {
			group.Files = append(group.Files, file)
		}
	}
	account := DefaultAccount()
	account.Name = defaultName
	account.Key = l.environmentKey(document.Outside(apikey.Variable), "must be set in the environment to the API key")
	l.config.Accounts, l.config.Groups = []Account{account}, []Group{group}
	return l.result()
}

// DefaultAccount returns an account of which nothing is set.
func DefaultAccount() Account { return defaults[Account](formats("")) }

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("%s: is larger than 4 MiB; put ids into list files", path)
	}
	return text, err
}

// loader turns a file into a Config.
type loader struct {
	*settings.Decoder
	declared *settings.Struct
	getenv   func(string) string
	config   *Config

	// Where the accounts and groups of config are in the file.
	accounts, groups []*settings.Object
}

func newLoader(path string, getenv func(string) string) *loader {
	dir := ""
	if path != "" {
		dir = filepath.Dir(path)
	}
	l := &loader{
		Decoder: settings.NewDecoder(path), declared: settings.Declare[Config](formats(dir)), getenv: getenv,
		config: &Config{file: path},
	}
	l.declared.SetDefaults(l.config)
	return l
}

func (l *loader) result() (*Config, error) {
	if err := l.Err(); err != nil {
		return nil, err
	}
	return l.config, nil
}

// root reads the whole file, and then checks what concerns more than one of its parts.
func (l *loader) root(v document.Value) {
	if v.IsEmpty() {
		l.Report(document.Outside(""), "is empty; it must have at least one group")
		return
	}
	o := l.declared.ReadObject(l.Decoder, v, l.config)
	l.accounts, l.groups = l.Objects("accounts"), l.Objects("groups")
	if o == nil || !o.IsSet("accounts") {
		l.config.Accounts = []Account{DefaultAccount()}
		l.accounts = []*settings.Object{l.Absent("accounts[0]")}
	}
	if o != nil && !o.IsSet("groups") {
		l.Report(v, "has no groups; it must have at least one")
	}
	l.checkNames(l.accounts, func(i int) *string { return &l.config.Accounts[i].Name })
	l.checkNames(l.groups, func(i int) *string { return &l.config.Groups[i].Name })
	l.checkKeys()
	l.checkReferences()
	l.checkReplicas(o)
}

// environmentKey returns the key that the environment holds, or nil after reporting at v what is wrong with it, or missing if it has none.
func (l *loader) environmentKey(v document.Value, missing string) *apikey.Key {
	s := l.getenv(apikey.Variable)
	if s == "" {
		l.Report(v, "%s", missing)
		return nil
	}
	key, err := apikey.Static(s)
	if err != nil {
		l.Report(v, "the environment's %s %s", apikey.Variable, err)
	}
	return key
}

// checkKeys completes the key of a single account, and sees that no two accounts spend the budget of one key.
func (l *loader) checkKeys() {
	const setting = "credentials_file"
	owners := map[string]string{}
	for i, o := range l.accounts {
		account := &l.config.Accounts[i]
		if !o.IsSet(setting) {
			if len(l.accounts) > 1 {
				o.Report(setting, "must be given where there are several accounts; %s serves a single one", apikey.Variable)
				continue
			}
			account.Key = l.environmentKey(o.At(setting), "must be given, or "+apikey.Variable+" set in the environment")
		}
		if account.Key == nil {
			continue
		}
		if first, dup := owners[account.Key.Value()]; dup {
			o.Report(setting, "holds the key of account %s, too; an account must have a key of its own", first)
		}
		owners[account.Key.Value()] = account.Name
	}
}

// checkNames completes the name of a single account or group, and sees that several have different ones.
func (l *loader) checkNames(objects []*settings.Object, name func(i int) *string) {
	seen := map[string]string{}
	for i, o := range objects {
		n := name(i)
		if !o.IsSet("name") && len(objects) > 1 {
			o.Report("name", "must be given where there are several")
		} else if !o.IsSet("name") {
			*n = defaultName
		}
		if first, dup := seen[*n]; dup && *n != "" {
			o.Report("name", "must be unique (%s is the name of %s)", *n, first)
			continue
		}
		seen[*n] = o.Path()
	}
}

// checkReferences completes and checks the account of each group.
func (l *loader) checkReferences() {
	names := map[string]bool{}
	for _, a := range l.config.Accounts {
		names[a.Name] = true
	}
	if len(names) == 0 || names[""] {
		return // what the accounts are is not known, and reported
	}
	for i, o := range l.groups {
		group := &l.config.Groups[i]
		switch given := o.IsSet("account"); {
		case !given && len(l.accounts) == 1:
			group.Account = l.config.Accounts[0].Name
		case !given:
			o.Report("account", "must be given where there are several accounts")
		case group.Account != "" && !names[group.Account]:
			known := strings.Join(slices.Sorted(maps.Keys(names)), ", ")
			o.Report("account", "is no account (got %s); there is %s", document.Quote(group.Account), known)
		}
		if group.Webhook {
			l.checkWebhook(o, group.Account, "webhook")
		}
		if group.Push != nil {
			l.checkPush(o, group)
		}
	}
}

// checkWebhook sees that callbacks about a group, which a setting asks for, can be verified.
func (l *loader) checkWebhook(group *settings.Object, account, setting string) {
	for i, o := range l.accounts {
		if l.config.Accounts[i].Name == account && (!o.IsSet("webhook_keys_files") || o.At("webhook_keys_files").Len() == 0) {
			group.Report(setting, "needs webhook_keys_files of the account %s, with which callbacks are verified", account)
		}
	}
}

// checkPush sees that a token opens nothing but pushes, and that callbacks which register tasks can be verified.
func (l *loader) checkPush(o *settings.Object, group *Group) {
	if group.Push.FromCallbacks {
		l.checkWebhook(o, group.Account, "push")
	}
	if group.Push.Token == nil {
		return
	}
	for _, a := range l.config.Accounts {
		for _, key := range a.keys() {
			if key.Value() == group.Push.Token.Value() {
				o.Report("push", "must have a token of its own, not a key of the account %s", a.Name)
			}
		}
	}
}

// Redis returns the server over which replicas share the work; nil: there is none.
func (c *Config) Redis() *replicas.Redis { return c.Storage.Server() }

// checkReplicas sees that parts may be asked, and that what is said of replicas concerns some.
func (l *loader) checkReplicas(root *settings.Object) {
	c := replicas.Check{Root: root, Redis: l.config.Redis(), Cluster: &l.config.Cluster, Background: &l.config.Polling.Background, Dir: filepath.Dir(l.config.file)}
	for i, at := range l.accounts {
		c.Account(at, l.config.Accounts[i].Parts, l.config.Accounts[i].MaxConcurrent)
	}
	if err := c.All(); err != nil {
		l.Report(document.Outside("cluster.replica"), "must be given, for the name of the host will not do: %s", err)
	}
}
