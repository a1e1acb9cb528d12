// The manifests, as kustomize puts them together.

package deploy_test

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests are what a kustomization or the chart renders.
type manifests struct {
	set        apps.StatefulSet
	deployment apps.Deployment
	service    core.Service // by which pods are scraped
	webhook    core.Service // by which callbacks come
	ingress    networking.Ingress
	policy     networking.NetworkPolicy
	budget     disruption.PodDisruptionBudget
	configs    map[string]core.ConfigMap
	monitor    monitoring.ServiceMonitor
	rules      map[string]monitoring.PrometheusRule
	rendered   map[string]int // by kind
}

func newManifests() *manifests {
	return &manifests{configs: map[string]core.ConfigMap{}, rules: map[string]monitoring.PrometheusRule{}, rendered: map[string]int{}}
}

// render builds a kustomization and decodes each object strictly: a field that its type lacks is an error.
func render(t *testing.T, name string) *manifests {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(deploy, "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	m := newManifests()
	for _, object := range built.Resources() {
		text, err := object.AsYAML()
		if err == nil {
			err = m.decode(object.GetKind(), text)
		}
		if err != nil {
			t.Errorf("%s: %v", object.CurId(), err)
		}
	}
	return m
}

func (m *manifests) decode(kind string, text []byte) error {
	m.rendered[kind]++
	switch kind {
	case "StatefulSet":
		return strict(text, &m.set)
	case "Deployment":
		return strict(text, &m.deployment)
	case "Service":
		var s core.Service
		err := strict(text, &s)
		if s.Spec.ClusterIP == core.ClusterIPNone {
			m.service = s
		} else {
			m.webhook = s
		}
		return err
	case "Ingress":
		return strict(text, &m.ingress)
	case "PodDisruptionBudget":
		return strict(text, &m.budget)
	case "NetworkPolicy":
		return strict(text, &m.policy)
	case "ServiceMonitor":
		return strict(text, &m.monitor)
	case "ConfigMap":
		var c core.ConfigMap
		err := strict(text, &c)
		m.configs[c.Name] = c
		return err
	case "PrometheusRule":
		var r monitoring.PrometheusRule
		err := strict(text, &r)
		m.rules[r.Name] = r
		return err
	}
	return fmt.Errorf("nothing checks a %s", kind)
}

// strict decodes as the API server does when it validates strictly: no unknown or repeated fields, and capitals matter.
func strict(text []byte, into any) error {
	text, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	faults, err := json.UnmarshalStrict(text, into)
	return errors.Join(append(faults, err)...)
}

func TestManifestsAreWhatTheirTypesSay(t *testing.T) {
	want := map[string]int{"StatefulSet": 1, "Service": 1, "NetworkPolicy": 1, "ConfigMap": 2}
	if m := render(t, "base"); !reflect.DeepEqual(m.rendered, want) {
		t.Errorf("base renders %v, want %v", m.rendered, want)
	}
	want["ServiceMonitor"], want["PrometheusRule"] = 1, 3
	if m := render(t, "operator"); !reflect.DeepEqual(m.rendered, want) {
		t.Errorf("operator renders %v, want %v", m.rendered, want)
	}
}

func TestPodMayNothingButWriteItsStorage(t *testing.T) {
	pod := render(t, "base").set.Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Fatal("the pod has other containers")
	}
	c := pod.Containers[0]
	rights, own := pod.SecurityContext, c.SecurityContext
	for what, holds := range map[string]bool{
		"a user without rights":      *rights.RunAsNonRoot && *rights.RunAsUser == 65532 && *rights.RunAsGroup == 65532,
		"a seccomp profile":          rights.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
		"a read-only root":           *own.ReadOnlyRootFilesystem,
		"no escalation":              !*own.AllowPrivilegeEscalation,
		"no capabilities":            reflect.DeepEqual(own.Capabilities, &core.Capabilities{Drop: []core.Capability{"ALL"}}),
		"no privileges":              own.Privileged == nil && !pod.HostNetwork && !pod.HostPID && !pod.HostIPC,
		"no token of the cluster":    !*pod.AutomountServiceAccountToken,
		"storage its user may write": *rights.FSGroup == 65532,
		"a limit to its memory":      !c.Resources.Limits.Memory().IsZero(),
	} {
		if !holds {
			t.Errorf("the pod lacks %s", what)
		}
	}
	for _, mount := range c.VolumeMounts {
		if mount.ReadOnly == (mount.Name == "data") || mount.SubPath != "" {
			t.Errorf("%s is mounted wrongly", mount.Name)
		}
	}
}

func TestOnlyTheMonitoringNamespaceReachesThePod(t *testing.T) {
	ingress := render(t, "base").policy.Spec.Ingress
	if len(ingress) != 1 || len(ingress[0].From) != 1 || len(ingress[0].Ports) != 1 {
		t.Fatalf("ingress is %v", ingress)
	}
	from := ingress[0].From[0]
	want := map[string]string{"kubernetes.io/metadata.name": "monitoring"}
	if from.NamespaceSelector == nil || !reflect.DeepEqual(from.NamespaceSelector.MatchLabels, want) || from.PodSelector != nil || from.IPBlock != nil {
		t.Errorf("from %v, want from namespaces %v alone", from, want)
	}
}

func TestPodFindsWhatItIsToldToUse(t *testing.T) {
	m := render(t, "base")
	m.accepted(t)
	if args := m.pod().Spec.Containers[0].Args; !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--storage.path=/data") }) {
		t.Error("the storage is not on its volume")
	}
}

// pod returns what the pods are made of.
func (m *manifests) pod() core.PodTemplateSpec {
	if m.deployment.Name != "" {
		return m.deployment.Spec.Template
	}
	return m.set.Spec.Template
}

// accepted fails the test unless the exporter accepts the configuration that it finds in a pod, with its arguments.
func (m *manifests) accepted(t *testing.T) {
	t.Helper()
	c := m.pod().Spec.Containers[0]
	fs := root{T: t, path: t.TempDir()}
	volumes := map[string]core.VolumeSource{}
	for _, claim := range m.set.Spec.VolumeClaimTemplates {
		volumes[claim.Name] = core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}
	}
	for _, v := range m.pod().Spec.Volumes {
		volumes[v.Name] = v.VolumeSource
	}
	texts := slices.Clone(c.Args)
	for _, v := range m.pod().Spec.Volumes {
		if v.ConfigMap != nil {
			texts = append(texts, m.configs[v.ConfigMap.Name].Data["kie_exporter.yml"])
		}
	}
	told := strings.Join(texts, "\n")
	mounts := slices.Clone(c.VolumeMounts)
	// The configuration names files of the others.
	slices.SortStableFunc(mounts, func(a, b core.VolumeMount) int { return cmp.Compare(order(a), order(b)) })
	for _, mount := range mounts {
		switch v := volumes[mount.Name]; {
		case v.Secret != nil:
			for _, name := range regexp.MustCompile(regexp.QuoteMeta(mount.MountPath)+`/([-.\w]+)`).FindAllStringSubmatch(told, -1) {
				content := "no-secret-" + name[1]
				if name[1] == "web.yml" {
					content = "basic_auth_users: {}\n"
				}
				fs.add(mount.MountPath+"/"+name[1], content)
			}
		case v.ConfigMap != nil:
			data := m.configs[v.ConfigMap.Name].Data
			if len(data) == 0 {
				t.Errorf("nothing to mount at %s", mount.MountPath)
			}
			for name, text := range data {
				if name == "tasks.txt" {
					text += shardedTasks()
				}
				fs.add(mount.MountPath+"/"+name, text)
			}
		case v.EmptyDir == nil && v.PersistentVolumeClaim == nil:
			t.Errorf("nothing to mount at %s", mount.MountPath)
		default:
			fs.add(mount.MountPath+"/.there", "")
		}
	}
	for pod := range max(1, m.pods()) {
		fs.accepts(expanded(c, pod))
	}
}

func (m *manifests) pods() int {
	for _, replicas := range []*int32{m.set.Spec.Replicas, m.deployment.Spec.Replicas} {
		if replicas != nil {
			return int(*replicas)
		}
	}
	return 1
}

// shardedTasks returns lines with so many ids that each shard has some.
func shardedTasks() string {
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, "\ntask_%08d\n", i)
	}
	return b.String()
}

// order puts the volume with the configuration behind all others, of which it names files.
func order(mount core.VolumeMount) int {
	if mount.Name == "config" {
		return 1
	}
	return 0
}

// expanded returns the arguments of a container of a pod, by its number, as Kubernetes puts variables in.
func expanded(c core.Container, pod int) (args []string) {
	for _, arg := range c.Args {
		for _, v := range c.Env {
			value := v.Value
			if v.ValueFrom != nil {
				value = map[string]string{
					"metadata.name": fmt.Sprint("kie-exporter-", pod), "metadata.labels['apps.kubernetes.io/pod-index']": strconv.Itoa(pod),
				}[v.ValueFrom.FieldRef.FieldPath]
			}
			arg = strings.ReplaceAll(arg, "$("+v.Name+")", value)
		}
		args = append(args, arg)
	}
	return args
}

// Each pod is the shard of its number, there are as many as each is told, and the exporter takes that.
func TestShardsAreAsManyAsTheyAreTold(t *testing.T) {
	m := render(t, "shards")
	c := m.set.Spec.Template.Spec.Containers[0]
	if *m.set.Spec.Replicas != 10 {
		t.Errorf("%d pods", *m.set.Spec.Replicas)
	}
	for pod := range 10 {
		if args := expanded(c, pod); !slices.Contains(args, "--total-shards=10") || !slices.Contains(args, fmt.Sprintf("--shard=%d", pod)) {
			t.Errorf("pod %d has %v", pod, args)
		}
	}
	m.accepted(t)
}

// Each pod is a replica of its own name, reaches Redis, and the exporter takes that. Only one may be drained at a time.
func TestReplicasShareARedis(t *testing.T) {
	m := render(t, "replicas")
	want := map[string]int{"StatefulSet": 1, "Service": 1, "NetworkPolicy": 1, "ConfigMap": 2, "PodDisruptionBudget": 1}
	if !reflect.DeepEqual(m.rendered, want) || *m.set.Spec.Replicas != 2 {
		t.Errorf("%v with %d pods", m.rendered, *m.set.Spec.Replicas)
	}
	for pod := range 2 {
		if args := expanded(m.set.Spec.Template.Spec.Containers[0], pod); !slices.Contains(args, fmt.Sprintf("--cluster.replica=kie-exporter-%d", pod)) {
			t.Errorf("pod %d has %v", pod, args)
		}
	}
	if ports := m.policy.Spec.Egress[0].Ports; !slices.ContainsFunc(ports, func(p networking.NetworkPolicyPort) bool { return p.Port.IntVal == 6379 }) {
		t.Errorf("Redis is not reached: %v", ports)
	}
	labels := m.set.Spec.Template.Labels
	spread := m.set.Spec.Template.Spec.TopologySpreadConstraints
	if !reflect.DeepEqual(m.budget.Spec.Selector.MatchLabels, labels) || m.budget.Spec.MaxUnavailable.IntVal != 1 ||
		len(spread) != 1 || !reflect.DeepEqual(spread[0].LabelSelector.MatchLabels, labels) {
		t.Errorf("the budget is of %v, spread are %v, pods have %v", m.budget.Spec, spread, labels)
	}
	m.accepted(t)
}

func TestProbesAskTheListenerWithoutPassword(t *testing.T) {
	c := render(t, "base").set.Spec.Template.Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	if !slices.Contains(c.Args, fmt.Sprintf("--web.probe-listen-address=:%d", ports["health"])) || ports["http"] != 10059 {
		t.Errorf("the ports are %v", ports)
	}
	for _, p := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if p.HTTPGet.Port.StrVal != "health" || !strings.HasPrefix(p.HTTPGet.Path, "/-/") {
			t.Errorf("a probe asks %v", p.HTTPGet)
		}
	}
}

func TestEverythingSelectsThePod(t *testing.T) {
	m := render(t, "operator")
	pod := m.set.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"StatefulSet":   m.set.Spec.Selector.MatchLabels,
		"Service":       m.service.Spec.Selector,
		"NetworkPolicy": m.policy.Spec.PodSelector.MatchLabels,
	} {
		if !reflect.DeepEqual(selector, pod) {
			t.Errorf("%s selects %v, the pod has %v", what, selector, pod)
		}
	}
	if !reflect.DeepEqual(m.monitor.Spec.Selector.MatchLabels, m.service.Labels) || m.set.Spec.ServiceName != m.service.Name {
		t.Error("the Service is not found")
	}
}

func TestServiceMonitorScrapesAsTheAlertsNeedIt(t *testing.T) {
	m := render(t, "operator")
	if job := m.service.Labels[m.monitor.Spec.JobLabel]; job != "kie_exporter" {
		t.Errorf("the job is %q", job)
	}
	e := m.monitor.Spec.Endpoints[0]
	if !slices.ContainsFunc(m.service.Spec.Ports, func(p core.ServicePort) bool { return p.Name == e.Port }) {
		t.Errorf("the Service has no port %s", e.Port)
	}
	interval, _ := time.ParseDuration(string(e.Interval))
	timeout, _ := time.ParseDuration(string(e.ScrapeTimeout))
	if timeout <= 5*time.Second || timeout > interval {
		t.Errorf("a scrape may take %s of %s", timeout, interval)
	}
	// Our labels win over the operator's, so we must have none of those that tell where a series comes from.
	for _, label := range []string{"namespace", "pod", "service", "container", "job", "instance"} {
		if !e.HonorLabels || slices.ContainsFunc(contract(t), func(m metric) bool { return slices.Contains(m.labels(), label) }) {
			t.Errorf("the label %s is in doubt", label)
		}
	}
}

func TestOperatorGetsTheRulesOfAlerts(t *testing.T) {
	m := render(t, "operator")
	paths, err := filepath.Glob(repo + "/alerts/kie_exporter.*.yml")
	if err != nil || len(paths) != len(m.rules) {
		t.Errorf("%d files of rules, %d PrometheusRules (%v)", len(paths), len(m.rules), err)
	}
	for _, path := range paths {
		var want monitoring.PrometheusRuleSpec
		if err := strict([]byte(read(t, path)), &want); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		name := strings.NewReplacer("_", "-", ".", "-").Replace(strings.TrimSuffix(filepath.Base(path), ".yml"))
		if !reflect.DeepEqual(m.rules[name].Spec, want) || len(want.Groups) == 0 {
			t.Errorf("the PrometheusRule %s differs from %s: run `make generate`", name, path)
		}
	}
}
