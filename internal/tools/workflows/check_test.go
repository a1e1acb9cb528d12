package workflows

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheWorkflowsAreRight(t *testing.T) {
	files, err := filepath.Glob("../../../.github/workflows/*.yml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Check(filepath.Base(file), text)
		if err != nil {
			t.Error(err)
		}
		for _, f := range found {
			t.Error(f)
		}
		// What they ask of make is there.
		makefile, err := os.ReadFile("../../../Makefile")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, command, is := strings.Cut(strings.TrimSpace(line), "run: make "); is {
				if target, _, _ := strings.Cut(command, " "); !strings.Contains(string(makefile), "\n"+target+":") {
					t.Errorf("%s runs make %s, and there is no such target", file, target)
				}
			}
		}
	}
}

// TestAllIsBuiltWithOneGo as setup-go installs what go.mod names, and has Go fetch no other (GOTOOLCHAIN=local): a module that asks for a later one could be
// neither built nor tested there.
func TestAllIsBuiltWithOneGo(t *testing.T) {
	const repo = "../../.."
	line := regexp.MustCompile(`(?m)^go (\S+)$`)
	read := func(file string) string {
		text, err := os.ReadFile(filepath.Join(repo, file))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := line.FindStringSubmatch(read("go.mod"))[1]
	if image := "/library/golang:" + want + "-"; !strings.Contains(read("Dockerfile"), image) {
		t.Errorf("the Dockerfile has no %s", image)
	}
	modules := 0
	for _, pattern := range []string{"internal/tools/go.mod", "internal/tools/*/go.mod", "test/*/go.mod"} {
		files, err := filepath.Glob(filepath.Join(repo, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			modules++
			name := strings.TrimPrefix(file, repo+"/")
			if is := line.FindStringSubmatch(read(name)); is == nil || is[1] != want {
				t.Errorf("%s asks for Go %q, go.mod for %s", name, is, want)
			}
		}
	}
	if modules < 10 {
		t.Errorf("there are %d modules of tools and tests", modules)
	}
}

// TestWhatIsWrongIsFound alters a workflow that is right, a fault at a time.
func TestWhatIsWrongIsFound(t *testing.T) {
	const right = `name: test
on:
  push:
    tags: ["v*"]
permissions: {}
jobs:
  check:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: read
    services:
      db:
        image: postgres@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e # v7.0.0
        with:
          go-version-file: go.mod
          cache: false
      - run: make test
`
	if found, err := Check("right.yml", []byte(right)); err != nil || len(found) > 0 {
		t.Fatalf("%v, %q", err, found)
	}
	for _, test := range []struct{ name, old, changed, rule string }{
		{"tag instead of a hash", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"},
		{"short hash", "3d3c42e5aac5ba805825da76410c181273ba90b1", "3d3c42e", "unpinned-uses"},
		{"hash without a version", " # v7.0.1", "", "unpinned-uses"},
		{"container of an action by tag", "actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e # v7.0.0", "docker://golang:1", "unpinned-images"},
		{"image by tag", "postgres@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "postgres:17", "unpinned-images"},
		{"container by tag", "    timeout-minutes: 10\n", "    timeout-minutes: 10\n    container: debian:12\n", "unpinned-images"},
		{"no permissions", "permissions: {}\n", "", "excessive-permissions"},
		{"permissions of the workflow", "permissions: {}\n", "permissions:\n  contents: write\n", "excessive-permissions"},
		{"no permissions of a job", "    permissions:\n      contents: read\n", "", "excessive-permissions"},
		{"all permissions of a job", "    permissions:\n      contents: read\n", "    permissions: write-all\n", "excessive-permissions"},
		{"strangers' pull requests", "  push:\n", "  pull_request_target:\n  push:\n", "dangerous-triggers"},
		{"strangers' runs", "  push:\n", "  workflow_run:\n    workflows: [ci]\n  push:\n", "dangerous-triggers"},
		{"token left behind", "          persist-credentials: false\n", "          fetch-depth: 0\n", "artipacked"},
		{"token left behind by default", "        with:\n          persist-credentials: false\n", "", "artipacked"},
		{"cache of a release", "          cache: false\n", "", "cache-poisoning"},
		{"expression in a script", "make test", "make VERSION=${{ github.ref_name }} test", "template-injection"},
		{"title in a script", "make test", "echo ${{ github.event.head_commit.message }}", "actionlint"},
		{"script of its own", "run: make test", "run: |\n          make build\n          ./kie_exporter --version", "house"},
		{"two commands", "make test", "make build; curl -s example.org", "house"},
		{"no timeout", "    timeout-minutes: 10\n", "", "house"},
		{"own machine", "ubuntu-24.04", "self-hosted", "self-hosted-runner"},
		{"all secrets", "      - run: make test\n", "      - run: make test\n        env:\n          ALL: ${{ toJSON(secrets) }}\n", "overprovisioned-secrets"},
		{"old commands", "      - run: make test\n", "      - run: make test\n        env:\n          ACTIONS_ALLOW_UNSECURE_COMMANDS: true\n", "insecure-commands"},
		{"called with all secrets", "    steps:\n", "    secrets: inherit\n    steps:\n", "secrets-inherit"},
		{"unknown key", "    timeout-minutes: 10\n", "    timeout-minutes: 10\n    colour: red\n", "actionlint"},
		{"unknown expression", "      - run: make test\n", "      - run: make test\n        if: ${{ nothing.there }}\n", "actionlint"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(right, test.old, test.changed, 1)
			if text == right {
				t.Fatal("nothing is changed")
			}
			found, err := Check("wrong.yml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if strings.Contains(f, ": "+test.rule+": ") {
					return
				}
			}
			t.Errorf("%q, and nothing of %s", found, test.rule)
		})
	}
}

func TestWhatIsNoWorkflowIsRefused(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "no YAML": "a: [", "a list": "- a"} {
		if found, err := Check(name, []byte(text)); err == nil && len(found) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}
