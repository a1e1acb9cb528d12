// What deploy/compose puts together, as far as it can be told without a container engine.

package e2e_test

import (
	"debug/buildinfo"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/prometheus/alertmanager/config"
	"gopkg.in/yaml.v3"
)

// loadCompose parses the compose file; envFiles are as .env would be, and Grafana's password is in the environment.
func loadCompose(t *testing.T, envFiles ...string) *types.Project {
	t.Helper()
	project, err := parseCompose(t, append(envFiles, password(t, "no-secret"))...)
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// password writes an env file with a password for Grafana.
func password(t *testing.T, of string, more ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	lines := append([]string{"GRAFANA_ADMIN_PASSWORD=" + of}, more...)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestComposeAsksForGrafanasPassword(t *testing.T) {
	for _, env := range []string{os.DevNull, password(t, "")} {
		if _, err := parseCompose(t, env); err == nil || !strings.Contains(err.Error(), "GRAFANA_ADMIN_PASSWORD") {
			t.Errorf("without a password: %v", err)
		}
	}
	if got := loadCompose(t).Services["grafana"].Environment["GF_SECURITY_ADMIN_PASSWORD"]; got == nil || *got != "no-secret" {
		t.Errorf("Grafana's password is not the one given: %v", got)
	}
}

func parseCompose(t *testing.T, envFiles ...string) (*types.Project, error) {
	t.Helper()
	return parseFiles(t, []string{compose + "/compose.yaml"}, envFiles...)
}

func parseFiles(t *testing.T, files []string, envFiles ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions(files, cli.WithEnvFiles(envFiles...), cli.WithDotEnv)
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

// loadReplicas parses the compose file with two exporters over Redis.
func loadReplicas(t *testing.T) *types.Project {
	t.Helper()
	files := []string{compose + "/compose.yaml", compose + "/replicas.yaml"}
	project, err := parseFiles(t, files, password(t, "no-secret"))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeServicesAreConfined(t *testing.T) {
	checkConfined(t, loadCompose(t))
	checkConfined(t, loadReplicas(t))
}

func checkConfined(t *testing.T, project *types.Project) {
	t.Helper()
	published := map[string]string{}
	for name, s := range project.Services {
		if !s.ReadOnly || !slices.Contains(s.Tmpfs, "/tmp") || !slices.Contains(s.CapDrop, "ALL") || len(s.SecurityOpt) == 0 {
			t.Errorf("%s: not confined", name)
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind && !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
		for _, secret := range s.Secrets {
			if project.Secrets[secret.Source].File == "" {
				t.Errorf("%s: docker compose refuses secret %s, as it can't copy it to where nothing may be written", name, secret.Source)
			}
		}
		for _, p := range s.Ports {
			if other, taken := published[p.Published]; taken || p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s on %s, taken by %q", name, p.Published, p.HostIP, other)
			}
			published[p.Published] = name
		}
	}
}

// loadShards parses what the documentation has for two shards.
func loadShards(t *testing.T) *types.Project {
	t.Helper()
	text, err := os.ReadFile(repo + "/docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```yaml\nx-exporter:")
	block, _, ends := strings.Cut(block, "\n```\n")
	if !found || !ends {
		t.Fatal("docs/scaling.md has no shards for compose")
	}
	path := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(path, []byte("name: shards\nx-exporter:"+block), 0o600); err != nil {
		t.Fatal(err)
	}
	project, err := parseFiles(t, []string{path}, password(t, "no-secret", "KIE_API_KEY=no-secret"))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// A volume belongs to root, unless the image has a folder of its user's where it is mounted.
func TestComposeExportersMayWriteTheirStorage(t *testing.T) {
	image, err := os.ReadFile(repo + "/Dockerfile")
	if err != nil || !strings.Contains(string(image), "mkdir -p /homes/nonroot") || !strings.Contains(string(image), "--chown=65532:65532 /homes /home") {
		t.Fatalf("the image has no /home/nonroot of its user's: %v", err)
	}
	exporters := 0
	for _, project := range []*types.Project{loadCompose(t, compose+"/env.example"), loadReplicas(t), loadShards(t)} {
		for name, s := range project.Services {
			if !strings.Contains(s.Image, "kie_exporter:") {
				continue
			}
			exporters++
			kept := false
			for _, v := range s.Volumes {
				kept = kept || v.Type == types.VolumeTypeVolume && v.Target == "/home/nonroot" && strings.HasPrefix(flag(t, s, "--storage.path"), v.Target+"/")
			}
			if !kept || s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < 30*time.Second {
				t.Errorf("%s keeps nothing, or is killed before requests under way are answered and what it learned is written", name)
			}
		}
	}
	if exporters != 5 {
		t.Errorf("%d exporters are looked at, want 5", exporters)
	}
}

func TestComposeMountsWhatThereIs(t *testing.T) {
	checkMounts(t, loadCompose(t))
	checkMounts(t, loadReplicas(t))
}

func checkMounts(t *testing.T, project *types.Project) {
	t.Helper()
	for name, s := range project.Services {
		if s.Build != nil {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, v := range s.Volumes {
			_, declared := project.Volumes[v.Source]
			_, err := os.Stat(v.Source)
			if v.Type == types.VolumeTypeBind && err != nil || v.Type == types.VolumeTypeVolume && !declared {
				t.Errorf("%s: nothing to mount at %s: %v", name, v.Target, err)
			}
		}
	}
}

// What is tested here and what the images hold are the same versions.
func TestComposeImagesAreTheTestedVersions(t *testing.T) {
	services := loadCompose(t).Services
	for _, name := range []string{"prometheus", "alertmanager"} {
		info, err := buildinfo.ReadFile(tool(t, name))
		if err != nil {
			t.Fatal(err)
		}
		version := info.Main.Version
		if name == "prometheus" {
			version = strings.Replace(version, "v0.3", "v3.", 1) // its module v0.316.0 is release v3.16.0
		}
		got, _, _ := strings.Cut(services[name].Image, "@")
		if want := "docker.io/prom/" + name + ":" + version; got != want {
			t.Errorf("%s is %s, tested is %s", name, got, want)
		}
	}
}

// onHost returns the file or folder that a service sees under a path.
func onHost(t *testing.T, s types.ServiceConfig, path string) string {
	t.Helper()
	for _, v := range s.Volumes {
		if rest, ok := strings.CutPrefix(path+"/", v.Target+"/"); ok && v.Type == types.VolumeTypeBind {
			return filepath.Join(v.Source, rest)
		}
	}
	t.Fatalf("%s mounts nothing at %s", s.Name, path)
	return ""
}

// flag returns the value of a service's command line flag.
func flag(t *testing.T, s types.ServiceConfig, name string) string {
	t.Helper()
	for _, arg := range s.Command {
		if value, ok := strings.CutPrefix(arg, name+"="); ok {
			return value
		}
	}
	t.Fatalf("%s has no %s", s.Name, name)
	return ""
}

func TestComposePrometheusIsConfigured(t *testing.T) {
	checkPrometheus(t, loadCompose(t).Services["prometheus"])
	checkPrometheus(t, loadReplicas(t).Services["prometheus"])
}

func checkPrometheus(t *testing.T, s types.ServiceConfig) {
	t.Helper()
	path := flag(t, s, "--config.file")
	root := t.TempDir()
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		target := filepath.Join(root, v.Target)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(v.Source, target); err != nil {
			t.Fatal(err)
		}
	}
	check := exec.CommandContext(t.Context(), tool(t, "promtool"), "check", "config", "--lint=all", "--lint-fatal", filepath.Join(root, path)) //nolint:gosec // ours
	said, err := check.CombinedOutput()
	if err != nil || strings.Count(string(said), "rules found") != 3 {
		t.Errorf("%v:\n%s", err, said)
	}
}

func TestComposeAlertmanagerIsConfigured(t *testing.T) {
	s := loadCompose(t).Services["alertmanager"]
	if _, err := config.LoadFile(onHost(t, s, flag(t, s, "--config.file"))); err != nil {
		t.Error(err)
	}
}

func TestComposeGrafanaFindsItsDashboards(t *testing.T) {
	s := loadCompose(t).Services["grafana"]
	provisioning := onHost(t, s, "/etc/grafana/provisioning")
	var dashboards struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	readYAML(t, provisioning+"/dashboards/kie_exporter.yml", &dashboards)
	for _, p := range dashboards.Providers {
		found, err := filepath.Glob(onHost(t, s, p.Options.Path) + "/*.json")
		if err != nil || len(found) != 3 {
			t.Errorf("%s holds the dashboards %v, %v", p.Options.Path, found, err)
		}
	}
	home := s.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if home == nil {
		t.Fatal("no home dashboard")
	}
	text, err := os.ReadFile(onHost(t, s, *home))
	if err != nil || !json.Valid(text) {
		t.Errorf("the home dashboard: %v", err)
	}
}

func TestComposeServicesFindEachOther(t *testing.T) {
	project := loadCompose(t)
	expose := func(address string) {
		t.Helper()
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(project.Services[host].Ports, func(p types.ServicePortConfig) bool {
			return strconv.FormatUint(uint64(p.Target), 10) == port
		}) {
			t.Errorf("no service listens on %s", address)
		}
	}
	type static []struct {
		Static []struct{ Targets []string } `yaml:"static_configs"`
	}
	var prometheus struct {
		Alerting struct{ Alertmanagers static }
		Scrape   static `yaml:"scrape_configs"`
	}
	readYAML(t, compose+"/prometheus.yml", &prometheus)
	jobs := slices.Concat(prometheus.Alerting.Alertmanagers, prometheus.Scrape)
	if len(jobs) != 2 {
		t.Errorf("%d jobs and Alertmanagers, want 2", len(jobs))
	}
	for _, job := range jobs {
		for _, target := range job.Static[0].Targets {
			expose(target)
		}
	}
	var grafana struct{ Datasources []struct{ URL string } }
	readYAML(t, compose+"/grafana/provisioning/datasources/prometheus.yml", &grafana)
	source, err := url.Parse(grafana.Datasources[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	expose(source.Host)
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestComposeRunsTheDemoUnlessTold(t *testing.T) {
	if s := loadCompose(t).Services["kie_exporter"]; !slices.Equal(s.Command, []string{"--web.grafana-url=http://localhost:3000", "--demo"}) {
		t.Errorf("without .env it runs %v", s.Command)
	}
	s := loadCompose(t, compose+"/env.example").Services["kie_exporter"]
	check := exec.CommandContext(t.Context(), "kie_exporter", append([]string{"--config.check"}, s.Command...)...) //nolint:gosec // ours
	check.Dir, check.Env = onHost(t, s, "/etc/kie_exporter"), []string{"KIE_API_KEY=no-secret"}
	if said, err := check.CombinedOutput(); err != nil || !strings.Contains(string(said), "The configuration is valid") {
		t.Errorf("with the example of .env it fails: %v\n%s", err, said)
	}
}

// Each replica is a target of its own, both have the same configuration, and the exporter takes it.
func TestComposeReplicasAreTwoOfOneCluster(t *testing.T) {
	project := loadReplicas(t)
	var prometheus struct {
		Scrape []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, onHost(t, project.Services["prometheus"], "/etc/prometheus/prometheus.yml"), &prometheus)
	if targets := prometheus.Scrape[0].Static[0].Targets; !slices.Equal(targets, []string{"kie_exporter:10059", "kie_exporter_2:10059"}) {
		t.Errorf("scraped are %v", targets)
	}
	secrets := t.TempDir()
	if err := os.WriteFile(filepath.Join(secrets, "redis_password"), []byte("no-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kie_exporter", "kie_exporter_2"} {
		s := project.Services[name]
		if got := flag(t, s, "--cluster.replica"); got != name || len(s.Secrets) != 1 || s.Secrets[0].Source != "redis_password" {
			t.Errorf("%s is replica %s with secrets %v", name, got, s.Secrets)
		}
		folder := t.TempDir()
		if err := os.CopyFS(folder, os.DirFS(onHost(t, s, "/etc/kie_exporter"))); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, flag(t, s, "--config.file"))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/run/secrets", secrets)), 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.CommandContext(t.Context(), "kie_exporter", append([]string{"--config.check"}, s.Command...)...) //nolint:gosec // ours
		check.Dir, check.Env = folder, []string{"KIE_API_KEY=no-secret"}
		if said, err := check.CombinedOutput(); err != nil || !strings.Contains(string(said), "The configuration is valid") {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

// The exporters' user has the documented rights, and a server takes the command.
func TestComposeRedisIsAsDocumented(t *testing.T) {
	s := loadReplicas(t).Services["redis"]
	text, err := os.ReadFile(repo + "/docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, documented, found := strings.Cut(string(text), "ACL SETUSER kie_exporter on '>password' ~kie1:* ")
	documented, _, _ = strings.Cut(documented, "\n")
	script := strings.ReplaceAll(s.Command[len(s.Command)-1], "$$", "$") // as compose has it
	if !found || !slices.Equal(s.Command[:2], []string{"sh", "-c"}) || !strings.Contains(script, "'~kie1:*' \\\n  "+documented+"\n") {
		t.Errorf("%s\nhas not the rights\n%s", script, documented)
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("no redis-server")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	if err := os.WriteFile(filepath.Join(dir, "redis_password"), []byte("no-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script = strings.NewReplacer("/run/secrets", dir, "exec valkey-server", "exec redis-server --port 0 --unixsocket "+socket+" --dir "+dir).Replace(script)
	server := exec.CommandContext(t.Context(), "sh", "-c", script) //nolint:gosec // ours
	var said strings.Builder
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	var last []byte
	for range 2000 {
		last, _ = exec.CommandContext(t.Context(), "redis-cli", "-s", socket, "--no-auth-warning", //nolint:gosec // ours
			"--user", "kie_exporter", "--pass", "no-secret", "set", "kie1:{a}:b", "c").CombinedOutput()
		if strings.TrimSpace(string(last)) == "OK" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = server.Process.Kill()
	_ = server.Wait()
	t.Errorf("the server says %s\n%s", last, said.String())
}
