// What a run of all tests says of the tests that rows name.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// checkRan sees that each test and subtest that a row or the security model names has run and passed. Source can't tell: a subtest's name may be any text.
func checkRan(root, file string) error {
	found, err := findTests(root)
	if err != nil {
		return err
	}
	module, err := modulePath(root)
	if err != nil {
		return err
	}
	outcomes, err := readOutcomes(file)
	if err != nil {
		return err
	}
	if os.Getenv("CI") == "" {
		outcomes.excuseSkipped(os.Stderr)
	}
	return outcomes.check(slices.Concat(sections(), doors()), found, module)
}

// outcomes are the outcomes of tests: pass, skip or fail, by "package test".
type outcomes map[string]string

// readOutcomes reads what internal/tools/testlog has written.
func readOutcomes(file string) (outcomes, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := outcomes{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		outcome, test, _ := strings.Cut(lines.Text(), " ")
		all[test] = outcome
	}
	return all, lines.Err()
}

// excuseSkipped takes skipped tests for passed ones, and says so: what a person may do on a machine, such as mount a disk, differs.
func (o outcomes) excuseSkipped(out io.Writer) {
	for _, test := range slices.Sorted(maps.Keys(o)) {
		if o[test] == "skip" {
			_, _ = fmt.Fprintf(out, "badinput: %s was skipped, in CI it must not be\n", test)
			o[test] = "pass"
		}
	}
}

// check returns every test of the rows that did not pass.
func (o outcomes) check(sections []section, found tests, module string) error {
	var problems []error
	for _, s := range sections {
		for _, r := range s.rows {
			for _, name := range r.tests {
				if err := o.checkTest(name, found, module); err != nil {
					problems = append(problems, fmt.Errorf("%q: %w", r.input, err))
				}
			}
		}
	}
	return errors.Join(problems...)
}

func (o outcomes) checkTest(name string, found tests, module string) error {
	t, err := found.find(name)
	if err != nil {
		return err
	}
	_, ran, _ := strings.Cut(name, ".")
	switch outcome := o[path.Join(module, path.Dir(filepath.ToSlash(t.file)))+" "+asRun(ran)]; outcome {
	case "pass":
		return nil
	case "":
		return fmt.Errorf("%s was not among the tests that ran", name)
	default:
		return fmt.Errorf("%s did not pass: %s", name, outcome)
	}
}

// asRun returns the name that package testing gives to a test that is called so.
func asRun(name string) string {
	var run strings.Builder
	for _, r := range name {
		switch {
		case unicode.IsSpace(r):
			run.WriteByte('_')
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			run.WriteString(quoted[1 : len(quoted)-1])
		default:
			run.WriteRune(r)
		}
	}
	return run.String()
}

// modulePath returns the path of the module in a folder.
func modulePath(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", errors.New("go.mod names no module")
}
