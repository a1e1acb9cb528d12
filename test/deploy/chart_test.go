// The Helm chart: what it renders, and with which values it does not.

package deploy_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/kie-exporter/kie_exporter/test/kit/golden"
)

// standIns are short files in place of the rules and dashboards, which have tests of their own.
func standIns(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range []string{"alerts", "dashboards"} {
		paths, err := filepath.Glob(chartFolder + "/files/" + folder + "/*")
		if err != nil || len(paths) < 3 {
			t.Fatalf("%s has %d files, %v", folder, len(paths), err)
		}
		for _, path := range paths {
			files["files/"+folder+"/"+filepath.Base(path)] = "{}\n"
			if folder == "alerts" {
				files["files/"+folder+"/"+filepath.Base(path)] = "groups: [{name: g, rules: [{alert: KieAPIUnreachable, expr: up, labels: {severity: warning}}, {alert: KieKeyRefused, expr: up}]}]\n"
			}
		}
	}
	return files
}

func TestChartRendersAlikeWithBothHelms(t *testing.T) {
	for name, values := range goodValues(t) {
		t.Run(name, func(t *testing.T) {
			for _, h := range helms() {
				files, err := h.render(chartFolder, "kie-exporter", values, standIns(t))
				if err != nil {
					t.Fatalf("%s: %v", h.name, err)
				}
				golden.Check(t, "chart/"+name+".golden", text(files))
			}
		})
	}
}

func TestHelmFindsNothingWrongInTheChart(t *testing.T) {
	for name, values := range goodValues(t) {
		for _, h := range helms() {
			if said := h.lint(values); len(said) > 0 {
				t.Errorf("%s, %s: %s", name, h.name, strings.Join(said, "\n"))
			}
		}
	}
}

func TestWrongValuesAreRefused(t *testing.T) {
	paths, err := filepath.Glob("testdata/chart/wrong/*.yaml")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			first, _, _ := strings.Cut(read(t, path), "\n")
			want, ok := strings.CutPrefix(first, "# ")
			for _, h := range helms() {
				_, err := h.render(chartFolder, "kie-exporter", valuesOf(t, path), nil)
				if err == nil || !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("%s says %v, want %s", h.name, err, want)
				}
			}
		})
	}
}

func TestChartRendersWhatTypesSayAndTheExporterAccepts(t *testing.T) {
	for name, values := range goodValues(t) {
		t.Run(name, func(t *testing.T) {
			m := rendered(t, values)
			pod := m.pod()
			if m.rendered["StatefulSet"]+m.rendered["Deployment"] != 1 {
				t.Errorf("rendered %v", m.rendered)
			}
			if said := restricted(t, &pod); said != "" {
				t.Errorf("pods break the profile restricted: %s", said)
			}
			checkTargets(t, m)
			m.accepted(t)
		})
	}
}

// restricted returns why Kubernetes would refuse a pod in a namespace of the profile restricted.
func restricted(t *testing.T, pod *core.PodTemplateSpec) string {
	t.Helper()
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(e.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenReason() + ": " + result.ForbiddenDetail()
}

// checkTargets sees to it that each pod is one target.
func checkTargets(t *testing.T, m *manifests) {
	t.Helper()
	labels := m.pod().Labels
	for what, selector := range map[string]map[string]string{
		"Service":       m.service.Spec.Selector,
		"NetworkPolicy": m.policy.Spec.PodSelector.MatchLabels,
	} {
		if !within(selector, labels) || len(selector) < 2 {
			t.Errorf("the %s selects %v, pods have %v", what, selector, labels)
		}
	}
	if m.service.Spec.ClusterIP != core.ClusterIPNone {
		t.Error("the Service balances")
	}
	if m.rendered["ServiceMonitor"] == 0 {
		return
	}
	selector := m.monitor.Spec.Selector.MatchLabels
	if !within(selector, m.service.Labels) || m.webhook.Name != "" && within(selector, m.webhook.Labels) {
		t.Errorf("the ServiceMonitor selects %v, the Services have %v and %v", selector, m.service.Labels, m.webhook.Labels)
	}
	e := m.monitor.Spec.Endpoints[0]
	if e.Port != m.service.Spec.Ports[0].Name || e.RelabelConfigs[0].TargetLabel != "instance" || m.service.Labels[m.monitor.Spec.JobLabel] != "kie_exporter" {
		t.Errorf("the ServiceMonitor scrapes %v", e)
	}
}

func within(some, all map[string]string) bool {
	for key, value := range some {
		if all[key] != value {
			return false
		}
	}
	return true
}

func TestChartHasTheRulesAndDashboards(t *testing.T) {
	m := rendered(t, map[string]any{"prometheusRule": map[string]any{"enabled": true}, "dashboards": map[string]any{"enabled": true}})
	rules, err := filepath.Glob(repo + "/alerts/kie_exporter.*.yml")
	if err != nil || len(rules) != len(m.rules) {
		t.Errorf("%d files of rules, %d PrometheusRules (%v)", len(rules), len(m.rules), err)
	}
	for _, path := range rules {
		var want monitoring.PrometheusRuleSpec
		if err := strict([]byte(read(t, path)), &want); err != nil {
			t.Fatal(err)
		}
		name := strings.NewReplacer("_", "-", ".", "-").Replace(strings.TrimSuffix(filepath.Base(path), ".yml"))
		if !reflect.DeepEqual(m.rules[name].Spec, want) {
			t.Errorf("%s is not what the chart renders: run `make generate`", path)
		}
	}
	dashboards, err := filepath.Glob(repo + "/dashboards/*.json")
	if err != nil || len(dashboards) == 0 || len(m.configs) != 2+len(dashboards) {
		t.Errorf("%d dashboards, %d ConfigMaps (%v)", len(dashboards), len(m.configs), err)
	}
	for _, path := range dashboards {
		name := filepath.Base(path)
		c := m.configs["kie-exporter-dashboard-"+strings.TrimSuffix(strings.TrimPrefix(name, "kie-"), ".json")]
		if c.Data[name] != strings.TrimSpace(read(t, path)) || c.Labels["grafana_dashboard"] != "1" {
			t.Errorf("%s is not what the chart renders: run `make generate`", path)
		}
	}
}

func TestAlertsCanBeLeftOutAndGetLabels(t *testing.T) {
	m := rendered(t, map[string]any{"prometheusRule": map[string]any{
		"enabled": true, "singleTask": false, "disabledAlerts": []any{"KieMaintenance"}, "alertLabels": map[string]any{"team": "film"},
	}})
	alerts := 0
	for _, r := range m.rules {
		for _, group := range r.Spec.Groups {
			for _, rule := range group.Rules {
				if rule.Alert == "KieMaintenance" || rule.Alert == "KieTaskFailed" {
					t.Errorf("there is %s", rule.Alert)
				}
				if rule.Alert != "" {
					alerts++
				}
				if (rule.Alert != "") != (rule.Labels["team"] == "film") || rule.Alert != "" && rule.Labels["severity"] == "" {
					t.Errorf("%s%s has the labels %v", rule.Alert, rule.Record, rule.Labels)
				}
			}
		}
	}
	if alerts < 20 {
		t.Errorf("%d alerts", alerts)
	}
}

func TestNativeHistogramsAreLeftToPrometheus(t *testing.T) {
	for value, want := range map[any]string{true: "true", false: "false", nil: ""} {
		values := map[string]any{"serviceMonitor": map[string]any{"enabled": true, "nativeHistograms": value}}
		got := ""
		if is := rendered(t, values).monitor.Spec.ScrapeNativeHistograms; is != nil {
			got = strconv.FormatBool(*is)
		}
		if got != want {
			t.Errorf("for %v the field is %q, want %q", value, got, want)
		}
	}
}

func TestTheExampleOfThresholdsFitsIntoTheValues(t *testing.T) {
	values := map[string]any{"prometheusRule": map[string]any{"enabled": true, "extraGroups": valuesOf(t, repo+"/alerts/thresholds.example.yml")["groups"]}}
	var want monitoring.PrometheusRuleSpec
	if err := strict([]byte(read(t, repo+"/alerts/thresholds.example.yml")), &want); err != nil {
		t.Fatal(err)
	}
	if is := rendered(t, values).rules["kie-exporter-extra"].Spec; len(want.Groups) == 0 || !reflect.DeepEqual(is, want) {
		t.Errorf("the chart renders %v, want %v", is, want)
	}
}

func TestGoIsToldEightyPercentOfTheChartsMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		limit any
		want  string
	}{
		{"512Mi", "410MiB"},
		{"1Gi", "819MiB"},
		{"1.5Gi", "1229MiB"},
		{"2G", "1526MiB"},
		{"100M", "76MiB"},
		{536870912.0, "410MiB"},
		{"536870912", "410MiB"},
		{nil, ""},
	} {
		values := map[string]any{"resources": map[string]any{"limits": map[string]any{"memory": c.limit}}}
		got := goLimits(rendered(t, values))
		if strings.Join(got, " ") != c.want {
			t.Errorf("for %v Go is told %v, want %s", c.limit, got, c.want)
		}
	}
	own := map[string]any{"extraEnv": []any{map[string]any{"name": "GOMEMLIMIT", "value": "99MiB"}}}
	if got := goLimits(rendered(t, own)); !reflect.DeepEqual(got, []string{"99MiB"}) {
		t.Errorf("Go is told %v, want 99MiB alone", got)
	}
}

func goLimits(m *manifests) (values []string) {
	for _, v := range m.pod().Spec.Containers[0].Env {
		if v.Name == "GOMEMLIMIT" {
			values = append(values, v.Value)
		}
	}
	return values
}

// The differences are those that the chart's README says.
func TestChartRendersTheManifests(t *testing.T) {
	for folder, values := range map[string]map[string]any{
		"base":     {},
		"operator": {"serviceMonitor": map[string]any{"enabled": true}, "prometheusRule": map[string]any{"enabled": true}},
	} {
		want, got := render(t, folder), rendered(t, values)
		if !reflect.DeepEqual(got.rendered, want.rendered) {
			t.Errorf("%s: the chart renders %v, the manifests %v", folder, got.rendered, want.rendered)
		}
		want.plain()
		got.plain()
		for _, pair := range [][2]any{
			{got.set, want.set},
			{got.service, want.service},
			{got.policy, want.policy},
			{got.monitor, want.monitor},
			{got.rules, want.rules},
			{got.configs, want.configs},
		} {
			is, _ := yaml.Marshal(pair[0])
			shall, _ := yaml.Marshal(pair[1])
			if string(is) != string(shall) {
				t.Errorf("%s: the chart renders\n%s\nthe manifests\n%s", folder, is, shall)
			}
		}
	}
}

// plain takes away in what chart and manifests may differ.
func (m *manifests) plain() {
	trim := func(labels map[string]string) {
		maps.DeleteFunc(labels, func(key, _ string) bool {
			return key == "helm.sh/chart" || strings.HasPrefix(key, "app.kubernetes.io/") && key != "app.kubernetes.io/name"
		})
	}
	pod := &m.set.Spec.Template
	delete(pod.Annotations, "checksum/config")
	for _, labels := range []map[string]string{
		m.set.Labels, m.set.Spec.Selector.MatchLabels, pod.Labels, m.service.Labels, m.service.Spec.Selector, m.policy.Labels,
		m.policy.Spec.PodSelector.MatchLabels, m.monitor.Labels, m.monitor.Spec.Selector.MatchLabels,
	} {
		trim(labels)
	}
	for name, r := range m.rules {
		trim(r.Labels)
		m.rules[name] = r
	}
	hash := regexp.MustCompile(`^(kie-exporter)-[a-z0-9]{10}$`)
	for i, v := range pod.Spec.Volumes {
		if v.ConfigMap != nil {
			pod.Spec.Volumes[i].ConfigMap.Name = hash.ReplaceAllString(v.ConfigMap.Name, "$1")
		}
	}
	configs := map[string]core.ConfigMap{}
	for name, c := range m.configs {
		var config any
		if yaml.Unmarshal([]byte(c.Data["kie_exporter.yml"]), &config) == nil && config != nil { // but for comments and the order
			text, _ := yaml.Marshal(config)
			c.Data["kie_exporter.yml"] = string(text)
		}
		c.Name = hash.ReplaceAllString(name, "$1")
		c.Labels = nil
		configs[c.Name] = c
	}
	m.configs = configs
}

func TestKindAndReplicasFollowFromTheValues(t *testing.T) {
	redis := map[string]any{"config": map[string]any{"storage": map[string]any{"redis": map[string]any{"addresses": []any{"redis:6379", "other:7000"}}}}}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(redis)
		maps.Copy(all, more)
		return all
	}
	off := map[string]any{"enabled": false}
	for name, c := range map[string]struct {
		values  map[string]any
		is      string
		budgets int
	}{
		"defaults":           {nil, "StatefulSet 1 data", 0},
		"nothing is kept":    {map[string]any{"persistence": off}, "Deployment 1 Recreate", 0},
		"no pod":             {map[string]any{"replicas": 0}, "StatefulSet 0 data", 0},
		"shards, no pod":     {map[string]any{"shards": 3, "replicas": 0}, "StatefulSet 0 data", 0},
		"shards":             {map[string]any{"shards": 3}, "StatefulSet 3 data", 1},
		"shards, kept not":   {map[string]any{"shards": 3, "persistence": off}, "StatefulSet 3", 1},
		"Redis":              {with(map[string]any{"replicas": 2, "persistence": off}), "Deployment 2", 1},
		"Redis and volumes":  {with(map[string]any{"replicas": 2}), "StatefulSet 2 data", 1},
		"Redis and one pod":  {with(map[string]any{"persistence": off}), "Deployment 1", 0},
		"no budget":          {map[string]any{"shards": 3, "podDisruptionBudget": off}, "StatefulSet 3 data", 0},
		"a claim that is":    {map[string]any{"persistence": map[string]any{"existingClaim": "mine"}}, "StatefulSet 1", 0},
		"no kept, no policy": {map[string]any{"persistence": off, "networkPolicy": off}, "Deployment 1 Recreate", 0},
	} {
		m := rendered(t, c.values)
		if is := workload(m); is != c.is || m.rendered["PodDisruptionBudget"] != c.budgets {
			t.Errorf("%s: %s with %d budgets, want %s with %d", name, is, m.rendered["PodDisruptionBudget"], c.is, c.budgets)
		}
		kept := slices.Contains(m.pod().Spec.Containers[0].Args, "--storage.path=/data/kie_exporter")
		mounted := slices.ContainsFunc(m.pod().Spec.Containers[0].VolumeMounts, func(v core.VolumeMount) bool { return v.Name == "data" })
		if kept != mounted || kept && strings.HasPrefix(c.is, "Deployment") {
			t.Errorf("%s: storage on a volume: %v, a volume: %v", name, kept, mounted)
		}
	}
}

// The fields that may change are those of ValidateStatefulSetUpdate in Kubernetes. Anything else is refused, and with it the upgrade.
func TestAStatefulSetTakesAnotherNumberOfPods(t *testing.T) {
	fixed := func(values map[string]any) apps.StatefulSetSpec {
		spec := rendered(t, values).set.Spec
		spec.Replicas, spec.Template, spec.UpdateStrategy, spec.MinReadySeconds = nil, core.PodTemplateSpec{}, apps.StatefulSetUpdateStrategy{}, 0
		return spec
	}
	want := fixed(nil)
	redis := map[string]any{"storage": map[string]any{"redis": map[string]any{"addresses": []any{"redis:6379"}}}}
	for name, values := range map[string]map[string]any{
		"shards":           {"shards": 3},
		"no shards":        {"shards": 3, "replicas": 0},
		"Redis":            {"config": redis},
		"Redis, some pods": {"config": redis, "replicas": 3},
		"other labels":     {"commonLabels": map[string]any{"team": "film"}, "podLabels": map[string]any{"tier": "monitoring"}},
	} {
		if is := fixed(values); !reflect.DeepEqual(is, want) {
			from, _ := yaml.Marshal(want)
			to, _ := yaml.Marshal(is)
			t.Errorf("%s: Kubernetes refuses to change\n%s\nof the defaults to\n%s", name, from, to)
		}
	}
	if base := render(t, "base").set.Spec.PodManagementPolicy; base != render(t, "shards").set.Spec.PodManagementPolicy || base != render(t, "replicas").set.Spec.PodManagementPolicy {
		t.Error("the manifests differ in podManagementPolicy, which can't be changed")
	}
}

// What README.md shows is what people copy.
func TestValuesOfTheREADMEAreTaken(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t, chartFolder+"/README.md"), -1)
	if len(blocks) < 5 {
		t.Fatalf("there are %d", len(blocks))
	}
	for _, block := range blocks {
		var values map[string]any
		if err := yaml.Unmarshal([]byte(block[1]), &values); err != nil {
			t.Fatalf("%v in\n%s", err, block[1])
		}
		if _, err := render3(chartFolder, "kie-exporter", values, nil); err != nil {
			t.Errorf("helm 3: %v in\n%s", err, block[1])
		}
		m := rendered(t, values)
		if !strings.Contains(block[1], "http:") { // whose server is not there
			m.accepted(t)
		}
	}
}

func TestPortsOfRedisAreLetOut(t *testing.T) {
	for address, want := range map[string]int{"redis:6380": 4, "/run/redis/redis.sock": 3} {
		m := rendered(t, map[string]any{"config": map[string]any{"storage": map[string]any{"redis": map[string]any{"addresses": []any{address}}}}})
		ports := m.policy.Spec.Egress[0].Ports
		if last := ports[len(ports)-1].Port; len(ports) != want || last == nil || last.IntVal == 0 {
			t.Errorf("for %s the pods reach %v", address, ports)
		}
	}
}

func workload(m *manifests) string {
	if m.deployment.Name == "" {
		words := []string{"StatefulSet", strconv.Itoa(int(*m.set.Spec.Replicas))}
		for _, claim := range m.set.Spec.VolumeClaimTemplates {
			words = append(words, claim.Name)
		}
		return strings.Join(words, " ")
	}
	said := fmt.Sprint("Deployment ", *m.deployment.Spec.Replicas)
	if m.deployment.Spec.Strategy.Type == apps.RecreateDeploymentStrategyType {
		said += " Recreate"
	}
	return said
}

func TestNamesFollowFromTheRelease(t *testing.T) {
	for release, want := range map[string]string{
		"kie-exporter":    "kie-exporter",
		"shop":            "shop-kie-exporter",
		"kie-exporter-eu": "kie-exporter-eu",
		"123":             "123-kie-exporter",
		"a-release-with-a-name-of-fifty-three-characters-in-it": "a-release-with-a-name-of-fi-kie-exporter",
	} {
		files, err := render4(chartFolder, release, goodValues(t)["shards"], nil)
		if err != nil {
			t.Fatal(err)
		}
		m := decoded(t, files)
		checkTargets(t, m)
		// A StatefulSet's pods have its name in labels, with a hash of 10 characters.
		if m.set.Name != want || m.service.Name != want || m.set.Spec.ServiceName != want || len(want) > 52 || m.pod().Labels["app.kubernetes.io/instance"] != release {
			t.Errorf("release %s: the name is %s, want %s; labels are %v", release, m.set.Name, want, m.pod().Labels)
		}
	}
}

// TestPackagedChartIsTheChart but for the README, of which every link leads to the repository.
func TestPackagedChartIsTheChart(t *testing.T) {
	var packaged [2]string
	for i := range packaged {
		folder := t.TempDir()
		command(t, "make", "-s", "-C", repo, "chart", "CHART_DIR="+folder)
		paths, err := filepath.Glob(folder + "/kie-exporter-*.tgz")
		if err != nil || len(paths) != 1 {
			t.Fatalf("packaged are %v, %v", paths, err)
		}
		packaged[i] = paths[0]
	}
	if read(t, packaged[0]) != read(t, packaged[1]) {
		t.Error("packaged twice, the chart has other bytes")
	}
	readme := command(t, "tar", "-xzOf", packaged[0], "kie-exporter/README.md")
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(readme, -1)
	if want := strings.Count(read(t, chartFolder+"/README.md"), "]("); len(links) != want || want == 0 {
		t.Errorf("the archive's README has %d links, want %d", len(links), want)
	}
	for _, link := range links {
		if !strings.HasPrefix(link[1], "https://") && !strings.HasPrefix(link[1], "#") {
			t.Errorf("the archive's README leads to %s, which is not in it", link[1])
		}
	}
	values := goodValues(t)["everything"]
	for _, h := range helms() {
		want, err := h.render(chartFolder, "kie-exporter", values, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.render(packaged[0], "kie-exporter", values, nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s renders the archive otherwise: %v", h.name, err)
		}
	}
}

// TestChartOfAReleaseRunsItsImage, a pre-release's too.
func TestChartOfAReleaseRunsItsImage(t *testing.T) {
	folder := t.TempDir()
	command(t, "make", "-s", "-C", repo, "chart", "CHART_DIR="+folder, "CHART_VERSION=0.2.0-rc.1")
	files, err := render4(folder+"/kie-exporter-0.2.0-rc.1.tgz", "kie-exporter", goodValues(t)["minimal"], nil)
	if err != nil {
		t.Fatal(err)
	}
	if image := decoded(t, files).pod().Spec.Containers[0].Image; !strings.HasSuffix(image, ":0.2.0-rc.1") {
		t.Errorf("the image is %s", image)
	}
}

func TestChartHasTheNewestVersion(t *testing.T) {
	var chart struct{ Version, AppVersion string }
	if err := yaml.Unmarshal([]byte(read(t, chartFolder+"/Chart.yaml")), &chart); err != nil {
		t.Fatal(err)
	}
	newest := "0.1.0" // the first, until it has a heading
	if m := regexp.MustCompile(`(?m)^## \[?v?([0-9]+\.[0-9]+\.[0-9]+[-.0-9a-z]*)`).FindStringSubmatch(read(t, repo+"/CHANGELOG.md")); m != nil {
		newest = m[1]
	}
	if chart.Version != newest || chart.AppVersion != newest {
		t.Errorf("the chart is %s for %s, the newest version in CHANGELOG.md %s", chart.Version, chart.AppVersion, newest)
	}
	for _, page := range []string{chartFolder + "/README.md", repo + "/docs/releasing.md"} {
		if file := "/releases/download/v" + newest + "/kie-exporter-" + newest + ".tgz"; !strings.Contains(read(t, page), file) {
			t.Errorf("%s does not install %s", page, file)
		}
	}
}
