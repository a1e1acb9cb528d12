// The configuration file, good and bad.

package soak_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// configuration is the exporter's configuration file.
type configuration struct {
	path  string
	api   string // URL
	lists []*list
}

// accounts returns the names of the accounts.
func accounts() []string { return []string{"alpha", "beta"} }

// newConfiguration writes the keys to a folder in which the file will be.
func newConfiguration(dir, api string, lists []*list) (*configuration, error) {
	c := &configuration{path: filepath.Join(dir, "kie_exporter.yml"), api: api, lists: lists}
	var err error
	for _, a := range accounts() {
		err = errors.Join(err, os.WriteFile(c.keyFile(a), []byte(keyOf(a)+"\n"), 0o600))
	}
	err = errors.Join(err, os.WriteFile(c.keyFile("push"), []byte(pushToken()+"\n"), 0o600))
	return c, errors.Join(err, os.WriteFile(c.keyFile("hooks"), []byte(hookKey()+"\n"), 0o600))
}

func (c *configuration) keyFile(name string) string {
	return filepath.Join(filepath.Dir(c.path), name+".key")
}

// variant is what differs from one good configuration to the next.
type variant struct {
	rate   int  // of the accounts, at most accountRate
	guest  bool // there is the group that comes and goes
	hooked bool // callbacks are expected
}

func full() variant { return variant{rate: accountRate, guest: true, hooked: true} }

func pickVariant(r *rand.Rand) variant {
	return variant{rate: accountRate - r.IntN(5), guest: r.IntN(2) == 0, hooked: r.IntN(4) > 0}
}

// hooks is the setting of an account's webhook keys; empty if it has no callbacks.
func (c *configuration) hooks(account string) string {
	for _, l := range c.lists {
		if l.group == hookedGroup && l.account == account {
			return fmt.Sprintf(", webhook_keys_files: [%q]", c.keyFile("hooks"))
		}
	}
	return ""
}

// render returns a good configuration.
func (c *configuration) render(v variant) string {
	var text strings.Builder
	text.WriteString("accounts:\n")
	for _, a := range accounts() {
		fmt.Fprintf(&text, "  - {name: %s, base_url: %q, credentials_file: %q, requests_per_second: %d, max_concurrent: %d, timeout: %v, credits_interval: 10s%s}\n",
			a, c.api, c.keyFile(a), v.rate, accountConcurrent, clientTimeout, c.hooks(a))
	}
	text.WriteString("groups:\n")
	seen := map[string]bool{}
	for _, l := range c.lists {
		if seen[l.group] || l.group == guestGroup && !v.guest {
			continue
		}
		seen[l.group] = true
		fmt.Fprintf(&text, "  - name: %s\n    account: %s\n    labels: {rate: \"%d\"}\n", l.group, l.account, v.rate)
		switch ext := filepath.Ext(l.path); {
		case l.url != "": // a task without a callback is asked when it is overdue
			fmt.Fprintf(&text, "    http: {url: %q, refresh_interval: 1s}\n    webhook: %t\n    overdue: 15s\n", l.url, v.hooked)
		case l.group == pushedGroup:
			fmt.Fprintf(&text, "    push: {credentials_file: %q}\n", c.keyFile("push"))
		case l.path == "":
			fmt.Fprintf(&text, "    tasks: [%s]\n", strings.Join(l.all(), ", "))
		case ext == ".txt": // a group of several files, and of what they were rotated to
			fmt.Fprintf(&text, "    files: [%q]\n", filepath.Join(filepath.Dir(l.path), l.group+"*"+ext+"*"))
		case l.group == fullGroup:
			fmt.Fprintf(&text, "    files: [%q]\n    max_tasks: %d\n", l.path, fullMost)
		default:
			fmt.Fprintf(&text, "    files: [%q]\n", l.path)
		}
	}
	text.WriteString("polling: {max_wait: 2s, min_interval: 1s, max_interval: 2s}\nlimits: {tasks: 100000, task_series: 300}\n")
	return text.String()
}

// bad returns a configuration that must be refused.
func (c *configuration) bad(r *rand.Rand) string {
	good := c.render(full())
	broken := []string{
		"",
		"accounts: [",
		good + "surprise: 1\n",
		good + good,
		strings.Replace(good, "max_concurrent: 8", "max_concurrent: 0", 1),
		strings.Replace(good, c.keyFile("beta"), c.keyFile("nobody"), 1),
		strings.Replace(good, "account: beta", "account: gamma", 1),
		strings.Replace(good, c.keyFile("beta"), c.keyFile("alpha"), 1),
		strings.ReplaceAll(good, "    ", "\t"),
	}
	return broken[r.IntN(len(broken))]
}

// write replaces the file.
func (c *configuration) write(text string) error {
	if err := os.WriteFile(c.path+"~", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(c.path+"~", c.path)
}
