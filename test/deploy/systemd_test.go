// The units, as systemd's own tools see them, and without those tools by what they say.

package deploy_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

const (
	service = "kie_exporter.service"
	// exposure is what `systemd-analyze security` may say of the service, times ten; 100 is no protection. What is left: it
	// uses the network, may call any address, and reads the host's files.
	exposure = "12"
)

// settings returns the values of each setting of a unit, by section and name.
func settings(t *testing.T, name string) map[string][]string {
	t.Helper()
	options, err := unit.DeserializeOptions(strings.NewReader(read(t, filepath.Join(deploy, "systemd", name))))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, o := range options {
		all[o.Section+"."+o.Name] = append(all[o.Section+"."+o.Name], o.Value)
	}
	return all
}

func TestServiceMayNothingButWriteItsState(t *testing.T) {
	has := settings(t, service)
	for setting, want := range map[string]string{
		"DynamicUser":             "yes",
		"StateDirectory":          "kie_exporter",
		"ProtectSystem":           "strict",
		"ProtectHome":             "yes",
		"NoNewPrivileges":         "yes",
		"CapabilityBoundingSet":   "",
		"MemoryDenyWriteExecute":  "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6",
		"SystemCallFilter":        "@system-service ~@privileged @resources",
	} {
		if got, there := has["Service."+setting]; !there || strings.Join(got, " ") != want {
			t.Errorf("%s=%s, want %s", setting, got, want)
		}
	}
	for setting := range has {
		if strings.HasSuffix(setting, "Paths") || strings.HasPrefix(setting, "Service.Bind") {
			t.Errorf("%s makes more of the file system writable or visible", setting)
		}
	}
}

func TestServiceFindsWhatItIsToldToUse(t *testing.T) {
	has := settings(t, service)
	fs := root{T: t, path: t.TempDir()}
	credential, _, _ := strings.Cut(has["Service.LoadCredential"][0], ":")
	fs.add("/run/credentials/"+service+"/"+credential, "no-secret")
	fs.add("/etc/kie_exporter/kie_exporter.yml", read(t, deploy+"/systemd/kie_exporter.yml"))
	fs.add("/etc/kie_exporter/tasks/a.txt", "task_12345678\n")

	command := strings.Fields(has["Service.ExecStart"][0])
	if !slices.Contains(command, "--storage.path=%S/"+has["Service.StateDirectory"][0]) {
		t.Errorf("%s does not keep its state where it may write", command)
	}
	if last := command[len(command)-1]; last != "$KIE_EXPORTER_ARGS" {
		t.Errorf("%s takes no further flags", command)
	}
	fs.accepts(command[1 : len(command)-1])
}

// What the operating manual has one write for two accounts fits together, and the service as it is.
func TestServiceFindsTheKeysOfTwoAccountsAsTheManualSays(t *testing.T) {
	manual := read(t, repo+"/docs/operating.md")
	dropIn, err := unit.DeserializeOptions(strings.NewReader(block(t, manual, "ini systemd")))
	if err != nil {
		t.Fatal(err)
	}
	fs := root{T: t, path: t.TempDir()}
	for _, o := range dropIn {
		if o.Section+"."+o.Name != "Service.LoadCredential" {
			t.Errorf("%s is not about a key", o.Name)
		}
		credential, _, _ := strings.Cut(o.Value, ":")
		if credential == "" {
			continue // takes back the unit's own
		}
		fs.add("/run/credentials/"+service+"/"+credential, "no-secret-"+credential)
	}
	fs.add("/etc/kie_exporter/kie_exporter.yml", block(t, manual, "yaml two accounts"))
	fs.add("/etc/kie_exporter/tasks/film-1.jsonl", `{"taskId":"task_12345678"}`)
	fs.add("/etc/kie_exporter/tasks/shop.txt", "task_23456789\n")
	command := strings.Fields(settings(t, service)["Service.ExecStart"][0])
	fs.accepts(command[1 : len(command)-1])
}

// block returns what a page has in the block that begins with a word.
func block(t *testing.T, page, begins string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n```"+begins+"\n")
	text, _, ends := strings.Cut(rest, "\n```\n")
	if !found || !ends {
		t.Fatalf("no block %q", begins)
	}
	return text + "\n"
}

// systemdTool returns the name of a tool of systemd. Without it the test is skipped, except in CI.
func systemdTool(t *testing.T, name string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v; on Debian: apt-get install systemd", err)
	}
	return name
}

func TestSystemdFindsNoFault(t *testing.T) {
	analyze := systemdTool(t, "systemd-analyze")
	exporter, err := exec.LookPath("kie_exporter")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var units []string
	for _, name := range []string{service, "kie_exporter.socket"} {
		// That the program is installed is not the question here.
		text := strings.ReplaceAll(read(t, filepath.Join(deploy, "systemd", name)), "/usr/local/bin/kie_exporter", exporter)
		units = append(units, filepath.Join(dir, name))
		if err := os.WriteFile(units[len(units)-1], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Unknown settings are only warned of.
	if said := command(t, analyze, append([]string{"verify", "--man=no"}, units...)...); strings.Contains(said, "kie_exporter") {
		t.Error(said)
	}
	command(t, analyze, "security", "--no-pager", "--offline=true", "--threshold="+exposure, units[0])
}

func TestSocketIsTakenOver(t *testing.T) {
	activate := systemdTool(t, "systemd-socket-activate")
	if port := settings(t, "kie_exporter.socket")["Socket.ListenStream"]; !slices.Equal(port, []string{"10059"}) {
		t.Errorf("the socket is at %s, and scrapes go to 10059", port)
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	exporter, err := exec.LookPath("kie_exporter")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), activate, "--listen="+address, exporter, "--demo", "--web.systemd-socket") //nolint:gosec // ours
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() })
	wait.Until(t, 20*time.Second, 50*time.Millisecond, func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/-/healthy", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("no answer on systemd's socket: %w", err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d on systemd's socket", answer.StatusCode)
		}
		return nil
	})
}
