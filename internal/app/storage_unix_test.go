//go:build unix

package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/app"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
)

// TestAStorageThatOthersCanWriteIsAWarningOrTheEnd starts on a folder for everybody, and on a link in the place of the file.
func TestAStorageThatOthersCanWriteIsAWarningOrTheEnd(t *testing.T) {
	t.Parallel()
	_, api := serveAPI(t, kiesim.Options{})
	config := "--config.file=" + configFile(t, api, "groups: [{tasks: [a]}]\n")
	for name, test := range map[string]struct {
		expose       func(folder string) error
		warning, end string // parts of the log
	}{
		"a folder for everybody": {
			expose:  func(folder string) error { return os.Chmod(folder, 0o777) },
			warning: `level=WARN`, end: "can be written by everybody: chmod o-w ",
		},
		"a link": {
			expose: func(folder string) error {
				elsewhere := filepath.Join(t.TempDir(), "elsewhere")
				keep(t, elsewhere, map[string]store.Record{"a": finishedRecord})
				return os.Symlink(filepath.Join(elsewhere, "kie_exporter.db"), filepath.Join(folder, "kie_exporter.db"))
			},
			warning: "a link, which is not followed", end: "kie_exporter.db is a link, which is not followed: remove it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := test.expose(folder); err != nil {
				t.Fatal(err)
			}
			args := []string{config, "--storage.path=" + folder, "--web.listen-address=127.0.0.1:0"}
			var stderr output.Text
			code := app.Run(t.Context(), append(args, "--storage.strict"), app.Options{Stdout: &output.Text{}, Stderr: &stderr, Getenv: environment})
			if said := stderr.String(); code != 1 || !strings.Contains(said, "--storage.path "+folder) || !strings.Contains(said, test.end) {
				t.Errorf("strict: exit code %d: %s", code, said)
			}
			p := start(t, args...)
			if said := p.stderr.String(); !strings.Contains(said, test.warning) || !strings.Contains(said, folder) {
				t.Errorf("no warning: %s", said)
			}
			if body := p.scrape(); !strings.Contains(body, "\nkie_exporter_store_up 1\n") || strings.Contains(body, `model="m"`) {
				t.Errorf("the storage does not work, or is another one:\n%s", body)
			}
		})
	}
}

func TestStrictStorageStartsInAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	_, api := serveAPI(t, kiesim.Options{})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]\n"), "--storage.strict", "--storage.path="+filepath.Join(t.TempDir(), "data"))
	if said := p.stderr.String(); strings.Contains(said, "level=WARN") || !strings.Contains(p.scrape(), "\nkie_exporter_store_up 1\n") {
		t.Errorf("said: %s", said)
	}
}
