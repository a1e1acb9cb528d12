// The rules, their tests, and how promtool is made to judge a mutant.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

// suite is a folder with rule files, and its sub-folder tests.
type suite struct {
	promtool string
	folder   string
	files    map[string]*rulefmt.RuleGroups // by name
	tests    map[string]test                // by name
}

// test is a test file.
type test struct {
	about []string // names of the rules that it names
	needs []string // of these and of all that they rest upon
}

// place is where a rule is.
type place struct {
	file        string
	group, rule int
}

func nameOf(r rulefmt.Rule) string { return r.Alert + r.Record }

func load(promtool, folder string) (*suite, error) {
	promtool, err := filepath.Abs(promtool)
	if err != nil {
		return nil, err
	}
	s := &suite{promtool: promtool, folder: folder, files: map[string]*rulefmt.RuleGroups{}, tests: map[string]test{}}
	ruleFiles, err := filepath.Glob(filepath.Join(folder, "*.yml"))
	if err != nil {
		return nil, err
	}
	for _, path := range ruleFiles {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		groups := new(rulefmt.RuleGroups)
		if err := yaml.Unmarshal(content, groups); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(groups.Groups) > 0 { // else it is no rule file
			s.files[filepath.Base(path)] = groups
		}
	}
	return s, s.loadTests()
}

func (s *suite) loadTests() error {
	paths, err := filepath.Glob(filepath.Join(s.folder, "tests", "*.test.yml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var t test
		for _, rule := range s.rules() {
			if strings.Contains(string(content), nameOf(rule)) {
				t.about = append(t.about, nameOf(rule))
			}
		}
		t.needs = s.closure(t.about)
		s.tests[filepath.Base(path)] = t
	}
	if len(s.tests) == 0 {
		return errors.New("no tests")
	}
	return nil
}

// rules yields every rule in a constant order.
func (s *suite) rules() iter.Seq2[place, rulefmt.Rule] {
	return func(yield func(place, rulefmt.Rule) bool) {
		for _, file := range slices.Sorted(maps.Keys(s.files)) {
			for g, group := range s.files[file].Groups {
				for r, rule := range group.Rules {
					if !yield(place{file, g, r}, rule) {
						return
					}
				}
			}
		}
	}
}

// closure returns the names, and those of all recording rules that they rest upon, annotations included.
func (s *suite) closure(names []string) []string {
	needed := slices.Clone(names)
	for i := 0; i < len(needed); i++ {
		for _, rule := range s.rules() {
			if nameOf(rule) != needed[i] {
				continue
			}
			text := rule.Expr + strings.Join(slices.Collect(maps.Values(rule.Annotations)), " ")
			for _, other := range s.rules() {
				if other.Record != "" && strings.Contains(text, other.Record) && !slices.Contains(needed, other.Record) {
					needed = append(needed, other.Record)
				}
			}
		}
	}
	return needed
}

// intact reports a test that fails though nothing is altered.
func (s *suite) intact(ctx context.Context) error {
	for name := range s.tests {
		output, err := s.test(ctx, name, nil)
		if err != nil {
			return fmt.Errorf("%s fails on unaltered rules: %w\n%s", name, err, output)
		}
	}
	return nil
}

// kills reports whether a test notices the mutant.
func (s *suite) kills(ctx context.Context, m mutant) (bool, error) {
	for _, name := range s.testsOf(nameOf(m.rule)) {
		_, err := s.test(ctx, name, &m)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if _, failed := errors.AsType[*exec.ExitError](err); failed {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// testsOf returns the test files that a rule matters to, those first that name it and little else.
func (s *suite) testsOf(rule string) []string {
	return slices.SortedFunc(func(yield func(string) bool) {
		for name, t := range s.tests {
			if slices.Contains(t.needs, rule) && !yield(name) {
				return
			}
		}
	}, func(a, b string) int {
		rank := func(name string) int {
			t := s.tests[name]
			if slices.Contains(t.about, rule) {
				return len(t.about)
			}
			return 1000 + len(t.about)
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

// test runs a test file on the rules that it needs, one of them altered.
func (s *suite) test(ctx context.Context, name string, m *mutant) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mutaterules-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for file := range s.files {
		if err := s.write(filepath.Join(dir, file), file, s.tests[name].needs, m); err != nil {
			return nil, err
		}
	}
	content, err := os.ReadFile(filepath.Join(s.folder, "tests", name))
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "tests"), 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "tests", name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return nil, err
	}
	//nolint:gosec // the promtool is the caller's, the path one of our own
	return exec.CommandContext(ctx, s.promtool, "test", "rules", path).CombinedOutput()
}

// write writes a rule file as far as it is needed. Its groups stay, as the tests name them.
func (s *suite) write(path, file string, needs []string, m *mutant) error {
	var out rulefmt.RuleGroups
	for g, group := range s.files[file].Groups {
		rules := group.Rules
		group.Rules, group.Interval = []rulefmt.Rule{}, model.Duration(0)
		for r, rule := range rules {
			if m != nil && m.at == (place{file, g, r}) {
				rule = m.rule
			}
			if slices.Contains(needs, nameOf(rule)) {
				group.Rules = append(group.Rules, rule)
			}
		}
		out.Groups = append(out.Groups, group)
	}
	content, err := yaml.Marshal(out)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
