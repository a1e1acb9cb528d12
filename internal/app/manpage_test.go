package app_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheManualPageIsValidForManAndItsIndex(t *testing.T) {
	for _, name := range []string{"man", "lexgrog"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing, test/packages.sh should have installed man-db", name)
			}
			t.Skipf("%s is missing; on Debian: apt-get install man-db", name)
		}
	}
	code, page, stderr := run(t, environment, "--help-man")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	path := filepath.Join(t.TempDir(), "kie_exporter.1")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	index := command(t, "lexgrog", path)
	if want := `"kie_exporter - Prometheus exporter for kie.ai tasks`; !strings.Contains(index, want) {
		t.Errorf("the index gets %s, want %s", index, want)
	}
	shown := command(t, "man", "--warnings=w", "-l", path)
	for _, want := range []string{
		"KIE_EXPORTER(1)", "kie_exporter - Prometheus exporter for kie.ai tasks", "-h, --help", "--config.file=FILE", "--storage.path=FOLDER",
		"KIE_API_KEY", "SIGHUP", "EXIT STATUS",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page does not show %q:\n%s", want, shown)
		}
	}
}

// command runs a program that must have nothing to complain about, and returns what it says.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...) //nolint:gosec // the test's own arguments
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=100", "MANROFFOPT=", "MANPAGER=cat")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%s: %v: %s%s", name, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}
