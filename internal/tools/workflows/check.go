// Package workflows checks the workflows of .github/workflows: by actionlint, and by rules of zizmor's that matter here. zizmor
// itself comes from PyPI and crates.io alone, which not every machine reaches. Its names of the rules are in the findings.
package workflows

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

// Check returns what is wrong with the text of a workflow, a line each, in the order of lines.
func Check(name string, text []byte) ([]string, error) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		return nil, err
	}
	found, err := linter.Lint(name, text, nil)
	if err != nil {
		return nil, err
	}
	f := &findings{name: name}
	for _, e := range found {
		f.add(e.Line, "actionlint", e.Message)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	f.workflow(document.Content[0])
	slices.SortStableFunc(f.found, func(a, b finding) int { return a.line - b.line })
	var lines []string
	for _, x := range f.found {
		lines = append(lines, fmt.Sprintf("%s:%d: %s: %s", name, x.line, x.rule, x.text))
	}
	return lines, nil
}

type finding struct {
	line       int
	rule, text string
}

type findings struct {
	name  string
	found []finding
}

func (f *findings) add(line int, rule, text string, args ...any) {
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	f.found = append(f.found, finding{line, rule, text})
}

// get returns the value of a key of a mapping; nil if it has none.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// entries calls do with each key of a mapping and its value.
func entries(n *yaml.Node, do func(key, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		do(n.Content[i], n.Content[i+1])
	}
}

func (f *findings) workflow(root *yaml.Node) {
	publishes := f.triggers(get(root, "on"))
	if p := get(root, "permissions"); p == nil || p.Kind != yaml.MappingNode || len(p.Content) > 0 {
		f.add(line(p, root), "excessive-permissions", "the workflow has `permissions: {}`, and each job what it needs")
	}
	f.anywhere(root)
	entries(get(root, "jobs"), func(name, job *yaml.Node) { f.job(name, job, publishes) })
}

// line returns the line of a node, or of another where that is missing.
func line(n, other *yaml.Node) int {
	if n != nil {
		return n.Line
	}
	return other.Line
}

// triggers reports whether a workflow runs for tags or releases, and so makes what others will run.
func (f *findings) triggers(on *yaml.Node) (publishes bool) {
	if on == nil {
		return false
	}
	names := []*yaml.Node{on}
	if on.Kind != yaml.ScalarNode {
		names = on.Content
	}
	for _, n := range names {
		switch n.Value {
		case "pull_request_target", "workflow_run", "issue_comment":
			f.add(n.Line, "dangerous-triggers", "%s runs with rights of the repository for strangers", n.Value)
		case "release":
			publishes = true
		}
	}
	return publishes || get(get(on, "push"), "tags") != nil
}

// job checks a job: its rights, its steps.
func (f *findings) job(name, job *yaml.Node, publishes bool) {
	switch p := get(job, "permissions"); {
	case p == nil:
		f.add(name.Line, "excessive-permissions", "job %s has no permissions of its own", name.Value)
	case p.Kind != yaml.MappingNode:
		f.add(p.Line, "excessive-permissions", "job %s has %s, and not what it needs one by one", name.Value, p.Value)
	}
	if get(job, "timeout-minutes") == nil && get(job, "uses") == nil {
		f.add(name.Line, "house", "job %s has no timeout-minutes", name.Value)
	}
	if on := get(job, "runs-on"); on != nil && strings.Contains(on.Value, "self-hosted") {
		f.add(on.Line, "self-hosted-runner", "whoever opens a pull request runs code there")
	}
	if s := get(job, "secrets"); s != nil && s.Value == "inherit" {
		f.add(s.Line, "secrets-inherit", "all secrets are handed on")
	}
	f.pinned(get(job, "uses"))
	entries(get(job, "services"), func(_, service *yaml.Node) { f.image(get(service, "image")) })
	if c := get(job, "container"); c != nil {
		if image := get(c, "image"); image != nil {
			c = image
		}
		f.image(c)
	}
	if steps := get(job, "steps"); steps != nil {
		for _, step := range steps.Content {
			f.step(step, publishes)
		}
	}
}

// aMake matches the one command that a step may run: what is done is told by the Makefile, where everybody can run it.
var aMake = regexp.MustCompile(`^make( [A-Za-z0-9_./:=-]+)+$`)

func (f *findings) step(step *yaml.Node, publishes bool) {
	with := get(step, "with")
	if run := get(step, "run"); run != nil {
		if strings.Contains(run.Value, "${{") {
			f.add(run.Line, "template-injection", "an expression is put into a script before a shell reads it; hand it on in env")
		}
		if !aMake.MatchString(strings.TrimSpace(run.Value)) {
			f.add(run.Line, "house", "a step runs one make target and holds no logic of its own")
		}
	}
	uses := get(step, "uses")
	if uses == nil {
		return
	}
	f.pinned(uses)
	action, _, _ := strings.Cut(uses.Value, "@")
	switch action {
	case "actions/checkout":
		if p := get(with, "persist-credentials"); p == nil || p.Value != "false" {
			f.add(uses.Line, "artipacked", "the checkout leaves a token in .git: persist-credentials: false")
		}
	case "actions/setup-go":
		if c := get(with, "cache"); publishes && (c == nil || c.Value != "false") {
			f.add(uses.Line, "cache-poisoning", "what is published is not built from a cache that other runs fill: cache: false")
		}
	case "actions/cache":
		if publishes {
			f.add(uses.Line, "cache-poisoning", "what is published is not built from a cache that other runs fill")
		}
	case "actions/github-script":
		if s := get(with, "script"); s != nil && strings.Contains(s.Value, "${{") {
			f.add(s.Line, "template-injection", "an expression is put into a script; hand it on in env")
		}
	}
}

var (
	byHash   = regexp.MustCompile(`^[\w.-]+/[\w.-]+(/[\w./-]+)?@[0-9a-f]{40}$`)
	ofHash   = regexp.MustCompile(`^# v\d+\.\d+\.\d+$`)
	byDigest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
)

// pinned checks that an action is named by the hash of a commit, with the version beside it.
func (f *findings) pinned(uses *yaml.Node) {
	switch {
	case uses == nil || strings.HasPrefix(uses.Value, "./"):
	case strings.HasPrefix(uses.Value, "docker://"):
		f.image(uses)
	case !byHash.MatchString(uses.Value):
		f.add(uses.Line, "unpinned-uses", "%s is not named by the hash of a commit", uses.Value)
	case !ofHash.MatchString(uses.LineComment):
		f.add(uses.Line, "unpinned-uses", "%s has no comment that says its version", uses.Value)
	}
}

func (f *findings) image(n *yaml.Node) {
	if n != nil && !byDigest.MatchString(n.Value) {
		f.add(n.Line, "unpinned-images", "%s is not named by its digest", n.Value)
	}
}

// anywhere looks for what is wrong wherever it stands.
func (f *findings) anywhere(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		switch {
		case strings.Contains(n.Value, "toJSON(secrets)"), strings.Contains(n.Value, "toJson(secrets)"):
			f.add(n.Line, "overprovisioned-secrets", "all secrets are handed over")
		case n.Value == "ACTIONS_ALLOW_UNSECURE_COMMANDS":
			f.add(n.Line, "insecure-commands", "what a step prints could set variables")
		}
	}
	for _, c := range n.Content {
		f.anywhere(c)
	}
}
