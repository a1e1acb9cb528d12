package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/cluster"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// loadText loads a configuration that names a file of a password.
func loadText(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"kie.yml": text, "password": "secret-of-a-test\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(filepath.Join(dir, "kie.yml"), func(string) string { return "key-of-a-test" })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestWhatReplicasAgreedOnTakesARestart(t *testing.T) {
	const groups = "groups: [{tasks: [a]}]\n"
	const redis = "storage: {redis: {addresses: ['127.0.0.1:1']}}\ncluster: {replica: r}\n"
	const parts = "accounts: [{parts: 2}]\n"
	first := loadText(t, groups+redis+parts)
	r, err := newReplicas(first, store.Memory{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.client.Close() })
	for name, test := range map[string]struct{ text, want string }{
		"the same":       {groups + redis + parts, ""},
		"another group":  {"groups: [{tasks: [a, b]}]\n" + redis + parts, ""},
		"another server": {groups + strings.Replace(redis, ":1'", ":2'", 1) + parts, "storage.redis: a change takes a restart"},
		"a password":     {groups + strings.Replace(redis, "]}", "], password_file: password}", 1) + parts, "storage.redis: a change takes a restart"},
		"another lease":  {groups + strings.Replace(redis, "r}", "r, lease: 1m}", 1) + parts, "cluster: a change takes a restart"},
		"no server":      {groups, "storage.redis: a change takes a restart"},
		"other parts":    {groups + redis + "accounts: [{parts: 3}]\n", "account default: parts: a change takes a restart"},
	} {
		err := r.check(loadText(t, test.text))
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	var alone *replicas
	if err := alone.check(first); err == nil {
		t.Error("a process that is alone takes a server at a reload")
	}
	all, digest := r.shares(first)
	if len(all) != 2 || all[1].String() != "default/1" {
		t.Errorf("shares: %v", all)
	}
	if _, other := r.shares(loadText(t, "groups: [{name: other, tasks: [a]}]\n"+redis+parts)); other == digest {
		t.Error("another group has the same digest")
	}
}

func TestFlagsOfReplicas(t *testing.T) {
	const redis = "groups: [{tasks: [a]}]\nstorage: {redis: {addresses: ['127.0.0.1:1']}}\n"
	for name, test := range map[string]struct {
		args []string
		text string
		want string // in the error, or the name of the replica
	}{
		"a name":             {[]string{"--cluster.replica=pod-1"}, redis, "pod-1"},
		"a name of nothing":  {[]string{"--cluster.replica=pod-1"}, "groups: [{tasks: [a]}]\n", "needs storage.redis"},
		"a name with a bar":  {[]string{"--cluster.replica=a|b"}, redis, "--cluster.replica: must be"},
		"shards over Redis":  {[]string{"--shard=0", "--total-shards=2"}, redis, "--shard is not for use with storage.redis"},
		"a check joins none": {[]string{"--config.check"}, redis, ""},
	} {
		f, _, err := parseFlags(append(test.args, "--config.file=x"), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		cfg := loadText(t, test.text)
		err = f.completeReplica(cfg)
		switch {
		case err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v", name, err)
		case err == nil && test.want == "" && cfg.Redis() != nil:
			t.Errorf("%s: it has a server", name)
		case err == nil && test.want != "" && cfg.Cluster.Replica != test.want:
			t.Errorf("%s: it is called %s", name, cfg.Cluster.Replica)
		}
	}
}

// The collector does not import what it tells of here, so its words are compared.
func TestReplicasAreToldOfBeforeRedisAnswers(t *testing.T) {
	var results []string
	for _, r := range redis.Results() {
		results = append(results, string(r))
	}
	if !slices.Equal(collector.ShareChanges(), cluster.Kinds()) || !slices.Equal(collector.RedisResults(), results) {
		t.Errorf("the collector knows the changes %q and results %q, of %q and %q", collector.ShareChanges(), collector.RedisResults(), cluster.Kinds(), results)
	}
	var alone *replicas
	if alone.stats() != nil {
		t.Error("a process that is alone has metrics of replicas")
	}
	cfg := loadText(t, "groups: [{tasks: [a]}]\naccounts: [{parts: 2}]\nstorage: {redis: {addresses: ['127.0.0.1:1'], timeout: 1s}}\ncluster: {replica: r}\n")
	r, err := newReplicas(cfg, store.Memory{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.client.Close() })
	for _, op := range collector.RedisOperations() {
		_, _ = r.client.Do(t.Context(), redis.Call{Name: op, Urgent: true}, "ping")
	}
	st := r.stats()
	if st.Answered || st.Up || len(st.Shares) != 2 || len(st.Changes) != len(cluster.Kinds()) || len(st.Durations) != len(collector.RedisOperations()) {
		t.Errorf("of two shares of an account, without an answer: %+v", st)
	}
	if len(st.Calls) != len(collector.RedisOperations())*len(results) || st.Calls[collector.RedisCall{Operation: "tick", Result: "unreachable"}] != 1 {
		t.Errorf("calls: %v", st.Calls)
	}
}
