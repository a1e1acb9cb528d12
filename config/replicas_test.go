package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// loadReplicas loads a configuration whose files lie in its folder.
func loadReplicas(t *testing.T, text string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"kie.yml": text, "password": "canary-password\n", "ca.pem": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "kie.yml"), func(string) string { return "key-of-the-environment" })
}

const replicasGroups = "groups: [{tasks: [a]}]\n"

func TestReplicasAreConfigured(t *testing.T) {
	c, err := loadReplicas(t, replicasGroups+"accounts: [{parts: 4}]\nstorage: {redis: {addresses: ['redis:6379'], password_file: password, tls_config: {ca_file: ca.pem}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	r := c.Redis()
	if r.Password.Value() != "canary-password" || !r.TLS || !filepath.IsAbs(r.TLSConfig.CAFile) || r.Timeout != 500*time.Millisecond {
		t.Errorf("%+v, %+v", r.TLSConfig, r.Timeout)
	}
	host, _ := os.Hostname()
	if c.Cluster == nil || c.Cluster.Name != "default" || c.Cluster.Lease != 30*time.Second || c.Cluster.Replica != host || c.Accounts[0].Parts != 4 {
		t.Errorf("%+v", c.Cluster)
	}
	for _, text := range []string{fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c.Storage), fmt.Sprintf("%v", *r)} {
		if strings.Contains(text, "canary") {
			t.Errorf("the password is shown: %s", text)
		}
	}
	if shown, err := c.YAML(); err != nil || strings.Contains(string(shown), "canary") || !strings.Contains(string(shown), "redis:6379") {
		t.Errorf("%v: %s", err, shown)
	}
	if !strings.Contains(strings.Join(c.Secrets(), " "), "canary-password") || !strings.Contains(strings.Join(c.SecretFiles(), " "), "password") {
		t.Error("the password is not known to be secret")
	}
	for polling, want := range map[string]bool{"": true, "polling: {max_wait: 1s}\n": true, "polling: {background: false}\n": false, "polling: {background: true}\n": true} {
		c, err := loadReplicas(t, replicasGroups+"storage: {redis: {addresses: ['redis:6379']}}\n"+polling)
		if err != nil || c.Polling.Background != want {
			t.Errorf("with %q: %v, whoever holds an account asks though nobody scrapes: %v", polling, err, c.Polling.Background)
		}
	}
	alone, err := loadReplicas(t, replicasGroups)
	if err == nil && alone.Polling.Background {
		t.Error("without storage.redis it asks though nobody scrapes")
	}
	if err != nil || alone.Redis() != nil || alone.Cluster != nil {
		t.Errorf("without storage.redis: %v", err)
	}
}

func TestWhatReplicasCantBe(t *testing.T) {
	const redis = "storage: {redis: {addresses: ['redis:6379']%s}}\n"
	of := func(more string) string { return replicasGroups + fmt.Sprintf(redis, more) }
	for name, test := range map[string]struct{ text, want string }{
		"more parts than requests":   {of("") + "accounts: [{parts: 5}]\n", "accounts[0].parts: must not be above max_concurrent: each part sends at least one request at a time (5 is above 4)"},
		"parts of one process":       {replicasGroups + "accounts: [{parts: 2}]\n", "accounts[0].parts: needs storage.redis"},
		"replicas without Redis":     {replicasGroups + "cluster: {name: a}\n", "cluster: needs storage.redis"},
		"a server nowhere":           {replicasGroups + "storage: {redis: {}}\n", "storage.redis.addresses: must be given"},
		"an address without a port":  {replicasGroups + "storage: {redis: {addresses: [redis]}}\n", "storage.redis.addresses[0]: must be host:port"},
		"a password in the address":  {replicasGroups + "storage: {redis: {addresses: ['me:secret@redis:6379']}}\n", "must be host:port"},
		"several servers":            {replicasGroups + "storage: {redis: {addresses: ['a:1', 'b:1']}}\n", "addresses: must be one, unless sentinel_master or cluster is set"},
		"Sentinel and Cluster":       {of(", cluster: true, sentinel_master: m"), "cluster: is not possible with sentinel_master"},
		"a database of a cluster":    {of(", cluster: true, db: 1"), "db: must be 0 with cluster"},
		"a password of no Sentinel":  {of(", sentinel_password_file: password"), "sentinel_password_file: needs sentinel_master"},
		"a file that is not there":   {of(", password_file: none"), "password file"},
		"a name with a brace":        {of("") + "cluster: {name: 'a}b'}\n", "cluster.name: must be 1 to 64 letters, digits, _ or -"},
		"a replica with a bar":       {of("") + "cluster: {replica: 'a|b'}\n", "cluster.replica: must be 1 to 253 letters, digits, _, - or ."},
		"a lease that is too short":  {of("") + "cluster: {lease: 1s}\n", "cluster.lease: must be"},
		"a timeout that is too long": {of(", timeout: 1m"), "storage.redis.timeout: must be"},
	} {
		if _, err := loadReplicas(t, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}
