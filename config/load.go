// From a configuration file, or from flags, to a checked Config.

package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// keyVariable is the environment variable with the key of a single account that has no file for it.
const keyVariable = "KIE_API_KEY"

// maxSize bounds a configuration file. It is room for some 80,000 inline ids; longer lists go into files.
const maxSize = 4 << 20

// Load reads, completes and checks a configuration file, and loads the keys. Relative paths in it start at the file's folder.
// If the file can be read, an error is of type Errors and holds every problem there is.
func Load(path string, getenv func(string) string) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	l := newLoader(path, getenv)
	if root, ok := l.parse(text); ok {
		l.root(root)
	}
	return l.result()
}

// ForTasks returns the configuration of one group of the ids and file patterns given on the command line, with the key
// from the environment. Relative patterns start at the working folder. An error is of type Errors and names the flags.
func ForTasks(ids, files []string, getenv func(string) string) (*Config, error) {
	l := newLoader("", getenv)
	if len(ids)+len(files) == 0 {
		l.report(flag("--task.id"), "no tasks; give ids with --task.id, list files with --task.file, or a file with --config.file")
	}
	group := Group{Name: defaultName, Account: defaultName}
	for _, id := range ids {
		l.addTask(flag("--task.id"), &group, id)
	}
	for _, pattern := range files {
		l.addFile(flag("--task.file"), &group, pattern)
	}
	account := defaultAccount()
	account.Name = defaultName
	account.Key = l.environmentKey(flag(keyVariable))
	l.config.Accounts = []Account{account}
	l.config.Groups = []Group{group}
	return l.result()
}

// flag is the place of a setting that is in no line of a file.
func flag(name string) value { return value{&yaml.Node{}, name} }

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

// loader turns the parts of a file into a Config.
type loader struct {
	decoder
	getenv func(string) string
	dir    string
	config *Config

	// Where the accounts and groups of config are in the file.
	accounts, groups []entry
}

// entry is an object of a list, and those of its settings that are there.
type entry struct {
	value
	present map[string]value
}

// at returns a setting of e, or where it should be.
func (e entry) at(key string) value {
	if v, ok := e.present[key]; ok {
		return v
	}
	return value{e.node, e.key(key)}
}

func newLoader(path string, getenv func(string) string) *loader {
	l := &loader{decoder: decoder{file: path}, getenv: getenv}
	if path != "" {
		l.dir = filepath.Dir(path)
	}
	l.config = &Config{Polling: defaultPolling(), Limits: DefaultLimits(), file: path}
	return l
}

func (l *loader) result() (*Config, error) {
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	return l.config, nil
}

// root reads the whole file, and then checks what concerns more than one of its parts.
func (l *loader) root(v value) {
	if v.node.IsZero() || v.node.Tag == "!!null" {
		l.report(flag(""), "is empty; it must have at least one group")
		return
	}
	present := l.object(v, l.rootFields())
	if _, ok := present["accounts"]; !ok {
		l.config.Accounts = []Account{defaultAccount()}
		l.accounts = []entry{{value: flag("accounts[0]")}}
	}
	if _, ok := present["groups"]; !ok && v.node.Kind == yaml.MappingNode {
		l.report(v, "has no groups; it must have at least one")
	}
	l.checkNames(l.accounts, func(i int) *string { return &l.config.Accounts[i].Name })
	l.checkNames(l.groups, func(i int) *string { return &l.config.Groups[i].Name })
	l.checkKeys()
	l.checkReferences()
}

func (l *loader) rootFields() fields {
	return fields{
		"accounts": l.readAccounts,
		"groups":   l.readGroups,
		"polling":  l.readPolling,
		"limits":   l.readLimits,
	}
}

func (l *loader) readAccounts(v value) {
	for _, item := range l.items(v, 1) {
		account := defaultAccount()
		if present := l.object(item, l.accountFields(&account)); present != nil {
			l.config.Accounts = append(l.config.Accounts, account)
			l.accounts = append(l.accounts, entry{item, present})
		}
	}
}

func (l *loader) accountFields(a *Account) fields {
	return fields{
		"name":                l.name(&a.Name),
		"base_url":            l.baseURL(&a.BaseURL),
		"credentials_file":    l.keyFile(&a.Key),
		"http_client":         l.httpClient(&a.HTTPClient, l.accountClientFields(&a.HTTPClient)),
		"requests_per_second": l.rate(&a.RequestsPerSecond),
		"max_concurrent":      l.integer(&a.MaxConcurrent, 1, 1000),
		"timeout":             l.duration(&a.Timeout, 100*time.Millisecond, 5*time.Minute),
		"credits_interval":    l.durationOrOff(&a.CreditsInterval, 10*time.Second, 24*time.Hour),
		"webhook_keys_files":  l.webhookKeys(&a.WebhookKeys),
	}
}

func (l *loader) readGroups(v value) {
	for _, item := range l.items(v, 1) {
		var group Group
		before := len(l.problems)
		present := l.object(item, l.groupFields(&group))
		if len(group.Tasks)+len(group.Files) == 0 && group.HTTP == nil && len(l.problems) == before {
			l.report(item, "has neither tasks, nor files, nor http")
		}
		if present != nil {
			l.config.Groups = append(l.config.Groups, group)
			l.groups = append(l.groups, entry{item, present})
		}
	}
}

func (l *loader) groupFields(g *Group) fields {
	return fields{
		"name":      l.name(&g.Name),
		"account":   l.text(&g.Account),
		"tasks":     l.each("a task id", func(v value, id string) { l.addTask(v, g, id) }),
		"files":     l.each("a file pattern", func(v value, pattern string) { l.addFile(v, g, pattern) }),
		"http":      l.httpList(&g.HTTP),
		"labels":    l.labels(&g.Labels),
		"overdue":   l.duration(&g.Overdue, time.Second, 365*24*time.Hour),
		"webhook":   l.boolean(&g.Webhook),
		"max_tasks": l.integer(&g.MaxTasks, 0, mostTasks),
	}
}

func (l *loader) readPolling(v value) {
	p := &l.config.Polling
	before := len(l.problems)
	present := l.object(v, l.pollingFields(p))
	if len(l.problems) == before && p.MaxInterval < p.MinInterval {
		e := entry{v, present}
		l.report(e.at("max_interval"), "must not be below min_interval (%s is below %s)",
			model.Duration(p.MaxInterval), model.Duration(p.MinInterval))
	}
}

func (l *loader) pollingFields(p *Polling) fields {
	return fields{
		"background":   l.boolean(&p.Background),
		"max_wait":     l.duration(&p.MaxWait, 0, time.Minute),
		"min_interval": l.duration(&p.MinInterval, time.Second, time.Hour),
		"max_interval": l.duration(&p.MaxInterval, time.Second, 24*time.Hour),
	}
}

func (l *loader) readLimits(v value) {
	m := &l.config.Limits
	before := len(l.problems)
	present := l.object(v, l.limitsFields(m))
	if _, given := present["task_series"]; !given {
		m.TaskSeries = min(m.TaskSeries, m.Tasks)
	}
	if _, given := present["list_ids"]; !given {
		m.ListIDs = max(m.ListIDs, m.Tasks)
	}
	if len(l.problems) == before && m.TaskSeries > m.Tasks {
		l.report(present["task_series"], "must not be above tasks (%d is above %d)", m.TaskSeries, m.Tasks)
	}
}

// mostTasks is the most tasks that a limit may allow.
const mostTasks = 10_000_000

func (l *loader) limitsFields(m *Limits) fields {
	const most = mostTasks
	return fields{
		"tasks":       l.integer(&m.Tasks, 1, most),
		"task_series": l.integer(&m.TaskSeries, 0, most),
		"models":      l.integer(&m.Models, 1, 10_000),
		// An id's place in a list has 32 bits.
		"list_bytes": l.size(&m.ListBytes, units.KiB, units.GiB),
		"list_ids":   l.integer(&m.ListIDs, 1, most),
	}
}

// each reads a list of texts.
func (l *loader) each(what string, add func(v value, s string)) reader {
	return func(v value) {
		for _, item := range l.items(v, 0) {
			if s, ok := l.scalar(item, what); ok {
				add(item, s)
			}
		}
	}
}

func (l *loader) addTask(v value, g *Group, id string) {
	if !kie.ValidID(id) {
		l.report(v, "must be 1 to 128 bytes of UTF-8 without control characters (got %s)", quote(id))
		return
	}
	g.Tasks = append(g.Tasks, id)
}

func (l *loader) addFile(v value, g *Group, pattern string) {
	_, err := filepath.Match(pattern, "")
	switch {
	case pattern == "":
		l.report(v, "must not be empty")
	case strings.ContainsFunc(pattern, unicode.IsControl):
		l.report(v, "must not hold control characters (got %s)", quote(pattern))
	case err != nil:
		l.report(v, "is not a valid pattern (got %s)", quote(pattern))
	case slices.ContainsFunc(g.Files, func(f File) bool { return f.Written == pattern }):
		l.report(v, "is listed already (%s)", quote(pattern))
	default:
		g.Files = append(g.Files, File{Written: pattern, Path: l.resolvePattern(pattern)})
	}
}

// resolvePattern makes a pattern start at the file's folder, whose own name is never taken for a pattern.
func (l *loader) resolvePattern(pattern string) string {
	dir := l.dir
	switch {
	case filepath.IsAbs(pattern) || dir == "":
		return pattern
	case strings.ContainsAny(pattern, `*?[\`):
		dir = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
	}
	return filepath.Join(dir, pattern)
}

// keyFile reads the name of a key's file, and the key in it.
func (l *loader) keyFile(into **Key) reader {
	return func(v value) {
		var name string
		if l.text(&name)(v); name == "" {
			return
		}
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(l.dir, path)
		}
		key, err := FileKey(path)
		switch {
		case err == nil:
			*into = key
		case looksLikeKey(name):
			l.report(v, "must name a file that holds the key: %s (the name is not shown, it may be the key itself)", errors.Unwrap(err))
		default:
			l.report(v, "%s", err)
		}
	}
}

// webhookKeys reads the files of the keys that sign callbacks: the one in force, and the one before or after it.
func (l *loader) webhookKeys(into *[]*Key) reader {
	const most = 2
	return func(v value) {
		for i, item := range l.items(v, 0) {
			if i == most {
				l.report(v, "must have at most %d items", most)
				break
			}
			var key *Key
			l.keyFile(&key)(item)
			switch same := func(k *Key) bool { return k.Equal(key) }; {
			case key == nil:
			case slices.ContainsFunc(*into, same):
				l.report(item, "is listed already")
			default:
				*into = append(*into, key)
			}
		}
	}
}

// looksLikeKey reports whether a file name may be a key that somebody put in its place, and must not be shown. Keys may hold
// slashes and dots, as base64 and tokens do; a name that says it is a path is none.
func looksLikeKey(name string) bool {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		return false
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '.' })
	return slices.ContainsFunc(parts, func(part string) bool { return len(part) >= 20 })
}

// environmentKey returns the key that the environment holds, or nil after reporting that there is none.
func (l *loader) environmentKey(v value) *Key {
	s := l.getenv(keyVariable)
	if s == "" {
		if v.path == keyVariable {
			l.report(v, "must be set in the environment to the API key")
		} else {
			l.report(v, "must be given, or %s set in the environment", keyVariable)
		}
		return nil
	}
	key, err := StaticKey(s)
	if err != nil {
		l.report(v, "the environment's %s %s", keyVariable, err)
	}
	return key
}

// checkKeys completes the key of a single account, and sees that no two accounts spend the budget of one key.
func (l *loader) checkKeys() {
	owners := map[string]string{}
	for i, e := range l.accounts {
		account := &l.config.Accounts[i]
		if _, given := e.present["credentials_file"]; !given {
			if len(l.accounts) > 1 {
				l.report(e.at("credentials_file"), "must be given where there are several accounts; %s serves a single one", keyVariable)
				continue
			}
			account.Key = l.environmentKey(e.at("credentials_file"))
		}
		if account.Key == nil {
			continue
		}
		if first, dup := owners[account.Key.Value()]; dup {
			l.report(e.at("credentials_file"), "holds the key of account %s, too; an account must have a key of its own", first)
		}
		owners[account.Key.Value()] = account.Name
	}
}

// checkNames completes the name of a single account or group, and sees that several have different ones.
func (l *loader) checkNames(entries []entry, name func(i int) *string) {
	seen := map[string]string{}
	for i, e := range entries {
		n := name(i)
		if _, given := e.present["name"]; !given && len(entries) > 1 {
			l.report(e.at("name"), "must be given where there are several")
		} else if !given {
			*n = defaultName
		}
		if first, dup := seen[*n]; dup && *n != "" {
			l.report(e.at("name"), "must be unique (%s is the name of %s)", *n, first)
			continue
		}
		seen[*n] = e.path
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
	for i, e := range l.groups {
		group := &l.config.Groups[i]
		_, given := e.present["account"]
		switch {
		case !given && len(l.accounts) == 1:
			group.Account = l.config.Accounts[0].Name
		case !given:
			l.report(e.at("account"), "must be given where there are several accounts")
		case group.Account != "" && !names[group.Account]:
			known := strings.Join(slices.Sorted(maps.Keys(names)), ", ")
			l.report(e.at("account"), "is no account (got %s); there is %s", quote(group.Account), known)
		}
		if group.Webhook {
			l.checkWebhook(e, group.Account)
		}
	}
}

// checkWebhook sees that callbacks about a group can be verified.
func (l *loader) checkWebhook(e entry, account string) {
	for i, a := range l.accounts {
		if l.config.Accounts[i].Name != account {
			continue
		}
		if keys, given := a.present["webhook_keys_files"]; !given || len(keys.node.Content) == 0 {
			l.report(e.at("webhook"), "needs webhook_keys_files of the account %s, with which callbacks are verified", account)
		}
	}
}
