// Package feeding_test runs every snippet of docs/feeding.md as it stands there, against the built exporter and the simulated API, with the
// programs that the snippets are for.
//
// `make feeding-check` installs these programs where it may, and builds Caddy. Where one is missing its snippets are skipped, except in CI.
package feeding_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

const (
	repo = "../.."
	page = repo + "/docs/feeding.md"
)

func TestMain(m *testing.M) {
	code := program.Main(m, repo)
	if err := stopPostgres(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// snippets are the named blocks of the page, by name: those that begin with a line such as "```sh push.sh".
func snippets(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)(?: (\\S+))?\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if m[2] == "" || named[m[2]] != "" {
			t.Fatalf("a block of %s has no name of its own: %q", m[1], m[2])
		}
		named[m[2]] = m[3]
	}
	if fences := strings.Count("\n"+string(text), "\n```"); fences != 2*len(named) {
		t.Fatalf("%d lines begin or end a block, but %d blocks were found", fences, len(named))
	}
	return named
}

// recipe is a way to get ids in, or results out, and how it is seen to work.
type recipe struct {
	name     string
	snippets []string // which it takes; the first ones that end in .yml are the exporter's configuration
	programs []string // which must be there
	run      func(k *kitchen)
}

func recipes() []recipe {
	return slices.Concat(pushes(), lists(), callbacks(), results())
}

func TestEverySnippetIsRun(t *testing.T) {
	var run []string
	for _, r := range recipes() {
		run = append(run, r.snippets...)
	}
	for name := range snippets(t) {
		if !slices.Contains(run, name) {
			t.Errorf("no recipe runs %s", name)
		}
	}
}

func TestEveryRecipeWorksAsItStands(t *testing.T) {
	texts := snippets(t)
	for _, r := range recipes() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			need(t, r.programs...)
			k := newKitchen(t, texts, r.snippets)
			r.run(k)
			k.everythingWasUsed()
		})
	}
}

// need skips a test without a program, except in CI.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not there; `make feeding-check` installs or builds it", name)
		}
		t.Skipf("%s is not there; `make feeding-check` installs or builds it where it may", name)
	}
}
