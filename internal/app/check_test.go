package app_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/pipe"
)

// serveText starts a server whose list is text.
func serveText(t *testing.T, text string) string {
	t.Helper()
	return serveList(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text)
	})
}

// writeLists writes list files into a folder of their own.
func writeLists(t *testing.T, lists map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range lists {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Two accounts may have keys of one account of the API: then what both have counts twice, and nobody but the check reads all lists.
func TestACheckWarnsOfIDsOfTwoAccounts(t *testing.T) {
	accounts := "accounts: [{name: x, credentials_file: key}, {name: y, credentials_file: other}]\n"
	dir := writeLists(t, map[string]string{"key": "key-of-a-test", "other": "other-key-of-a-test", "kie.yml": accounts +
		"groups: [{name: g, account: x, tasks: [a, b, c]}, {name: h, account: y, tasks: [c, b, d]}, {name: i, account: x, tasks: [d, a]}]\n"})
	code, stdout, stderr := run(t, environment, "--config.check", "--config.file="+filepath.Join(dir, "kie.yml"))
	want := "Warning: groups of different accounts have the same ids, 3 of them (such as b of x and y): each account asks about them, and is told of its own tasks only."
	if code != 0 || !strings.Contains(stdout, want+"\n") {
		t.Errorf("exit code %d: %s\n%s", code, stderr, stdout)
	}
}

func TestACheckSaysForEverySourceWhatItHasAndWhatWasSkipped(t *testing.T) {
	dir := writeLists(t, map[string]string{"a.txt": "a\n\nb\nx\x01y\na\nz\x02\n", "b.txt": "b\nc\n", "none.yml": "[]\n"})
	if err := pipe.Make(filepath.Join(dir, "pi\x1bpe.txt")); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	down := serveList(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	path := configFile(t, "http://127.0.0.1:1", fmt.Sprintf(
		"groups:\n- {name: g, tasks: [i], files: ['%[1]s/*.txt', '%[1]s/none.yml', '%[1]s/missing'], http: %[2]s}\n- {name: h, tasks: [i], http: %[3]s}\n", dir, serveText(t, "p\nq\np\n"), down))
	code, stdout, stderr := run(t, environment, "--config.check", "--config.file="+path)
	if code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	wantLines(t, stdout,
		`The configuration is valid.`,
		`Source inline of group g: 1 id.`,
		fmt.Sprintf(`Source %[1]s/*.txt of group g: 3 ids; skipped: 2 duplicate (the first in line 5 of %[1]s/a.txt), 2 invalid (the first in line 4 of %[1]s/a.txt).`, dir),
		fmt.Sprintf(`Warning: source %[1]s/*.txt of group g can't be read in whole: %[1]s/pi?pe.txt: not a regular file.`, dir),
		fmt.Sprintf(`Source %s/none.yml of group g: 0 ids.`, dir),
		fmt.Sprintf(`Warning: source %s/none.yml of group g yields no ids.`, dir),
		fmt.Sprintf(`Source %s/missing of group g: 0 ids.`, dir),
		fmt.Sprintf(`Warning: source %[1]s/missing of group g can't be read: %[1]s/missing: no such file or directory.`, dir),
		`Source http of group g: 2 ids; skipped: 1 duplicate (the first in line 3).`,
		`Source inline of group h: 0 ids; skipped: 1 duplicate (the first in line 1).`,
		`Warning: source inline of group h yields no ids.`,
		`Source http of group h: 0 ids.`,
	)
	if !strings.Contains(stdout, "Warning: source http of group h can't be read: ") || !strings.Contains(stdout, "502") {
		t.Errorf("nothing is said of the list that is down:\n%s", stdout)
	}
	checkSecrets(t, stdout+stderr)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	got := strings.Split(text, "\n")
	for _, line := range lines {
		if !slices.Contains(got, line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestACheckCountsALastLineWithoutAnEnd(t *testing.T) {
	dir := writeLists(t, map[string]string{"just-written.txt": "a\nb"})
	path := filepath.Join(t.TempDir(), "kie.yml")
	if err := os.WriteFile(path, []byte("groups: [{files: ['"+dir+"/*']}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t, environment, "--config.check", "--config.file="+path)
	if code != 0 || !strings.Contains(stdout, "of group default: 2 ids.") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestAStrictCheckFailsAfterAnyWarning(t *testing.T) {
	good := writeLists(t, map[string]string{
		"l.txt": "a\nb\na\n", "bad.txt": "c\n\x01\n",
		"refused.jsonl": `{"code":402,"msg":"The current credits are insufficient. Please top up."}{"code":200,"data":{"taskId":"d"}}`,
	})
	for name, test := range map[string]struct {
		groups string
		code   int
	}{
		"nothing wrong":     {"[{files: ['" + good + "/l.txt']}]", 0},
		"no task created":   {"[{files: ['" + good + "/refused.jsonl']}]", 0},
		"no ids":            {"[{files: ['" + good + "/l.txt', '" + good + "/*.yml']}]", 1},
		"a missing file":    {"[{files: ['" + good + "/l.txt', '" + good + "/no']}]", 1},
		"a bad line":        {"[{files: ['" + good + "/l.txt', '" + good + "/bad.txt']}]", 1},
		"callbacks in vain": {"[{webhook: true, files: ['" + good + "/l.txt']}]", 1},
	} {
		t.Run(name, func(t *testing.T) {
			key := filepath.Join(t.TempDir(), "hook")
			if err := os.WriteFile(key, []byte(canary), 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "kie.yml")
			text := "accounts: [{webhook_keys_files: ['" + key + "']}]\ngroups: " + test.groups + "\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if code, stdout, stderr := run(t, environment, "--config.check", "--config.file="+path); code != 0 {
				t.Errorf("an ordinary check: exit code %d: %s%s", code, stdout, stderr)
			}
			if code, stdout, stderr := run(t, environment, "--config.check-strict", "--config.file="+path); code != test.code {
				t.Errorf("exit code %d, want %d: %s%s", code, test.code, stdout, stderr)
			}
		})
	}
}

func TestAnswersThatCreatedNoTaskAreNothingThatACheckWarnsOf(t *testing.T) {
	dir := writeLists(t, map[string]string{"l.jsonl": `{"code":200,"data":{"taskId":"a"}}{"code":402,"msg":"m","data":null}` + "\n"})
	path := configFile(t, "http://127.0.0.1:1", fmt.Sprintf("groups: [{files: ['%s/*']}]\n", dir))
	code, stdout, stderr := run(t, environment, "--config.check-strict", "--config.file="+path)
	if code != 0 {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if want := "1 id; skipped: 1 no_task"; !strings.Contains(stdout, want) {
		t.Errorf("no %q in %s", want, stdout)
	}
}

func TestACheckWarnsOfIdsBeyondThoseOfAList(t *testing.T) {
	dir := writeLists(t, map[string]string{"l.json": "[\"a\",\n\"b\",\n\"c\"]\n"})
	path := configFile(t, "http://127.0.0.1:1", fmt.Sprintf("groups: [{files: ['%s/*']}]\nlimits: {list_ids: 1}\n", dir))
	code, stdout, stderr := run(t, environment, "--config.check-strict", "--config.file="+path)
	if want := "1 id; skipped: 2 list_ids (the first in line 2 of "; code != 1 || !strings.Contains(stdout, want) || !strings.Contains(stdout, "ids or lines that are not taken") {
		t.Errorf("exit code %d, and no %q in %s%s", code, want, stdout, stderr)
	}
}

func TestACheckTakesAnyNumberOfIdsOfAFileOfLines(t *testing.T) {
	dir := writeLists(t, map[string]string{"l.txt": "a\nb\nc\n", "l.jsonl": `{"taskId":"d"}` + "\n" + `{"taskId":"e"}` + "\n"})
	path := configFile(t, "http://127.0.0.1:1", fmt.Sprintf("groups: [{files: ['%s/*']}]\nlimits: {list_ids: 1}\n", dir))
	code, stdout, stderr := run(t, environment, "--config.check-strict", "--config.file="+path)
	if code != 0 || !strings.Contains(stdout, "5 ids") || strings.Contains(stdout, "list_ids") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestNotReadyBeforeAListByHTTPWasReallyRead(t *testing.T) {
	_, api := serveAPI(t, kiesim.Options{})
	var up atomic.Bool
	list := serveList(t, func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
	})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{name: g, tasks: [a], http: "+list+"}]"))
	const failed = `kie_exporter_source_errors_total{group="g",source="http"}`
	p.untilAtLeast(failed, 2)
	if status, _ := p.get("/-/ready"); status != http.StatusServiceUnavailable {
		t.Errorf("/-/ready answers %d though a list was never read", status)
	}
	up.Store(true)
	p.untilReady()
	before := p.untilAtLeast(failed, 2)
	up.Store(false)
	p.untilAtLeast(failed, before+2)
	if status, _ := p.get("/-/ready"); status != http.StatusOK {
		t.Errorf("/-/ready answers %d after it was ready", status)
	}
}
