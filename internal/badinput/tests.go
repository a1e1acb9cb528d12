// The tests of the module, as its source has them.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// test is a test, or one of its subtests.
type test struct {
	name string // package.Test/subtest, as far as it goes
	file string // seen from the module's folder
}

// fuzz is a fuzz target and the property that its comment states.
type fuzz struct {
	test
	property string
}

// tests are the tests of a module.
type tests struct {
	files    map[string]string          // by package.Test
	literals map[string]map[string]bool // the strings beside each, among which its subtests have their names
	fuzz     []fuzz
}

// find returns a test by its name. A subtest is there if the test's file, or a case file that it reads, holds its name.
func (s tests) find(name string) (test, error) {
	parent, subtest, _ := strings.Cut(name, "/")
	file, ok := s.files[parent]
	switch {
	case !ok:
		return test{}, fmt.Errorf("there is no test %s", parent)
	case subtest != "" && !s.literals[parent][subtest]:
		return test{}, fmt.Errorf("%s has no subtest %q", parent, subtest)
	}
	return test{name, file}, nil
}

// findTests reads all tests below a folder that belong to its module.
func findTests(root string) (tests, error) {
	found := tests{files: map[string]string{}, literals: map[string]map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isFile(filepath.Join(path, "go.mod"))):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return found.read(root, path)
	})
	slices.SortFunc(found.fuzz, func(a, b fuzz) int { return strings.Compare(a.name, b.name) })
	return found, err
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// read adds the tests of a file.
func (s *tests) read(root, path string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	cases, err := caseFiles(filepath.Join(filepath.Dir(path), "testdata"))
	if err != nil {
		return err
	}
	file, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	texts := literals(parsed, cases)
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		name := strings.TrimSuffix(parsed.Name.Name, "_test") + "." + f.Name.Name
		s.files[name] = file
		s.literals[name] = texts
		if strings.HasPrefix(f.Name.Name, "Fuzz") {
			comment := strings.Join(strings.Fields(f.Doc.Text()), " ")
			_, property, _ := strings.Cut(comment, f.Name.Name+": ")
			s.fuzz = append(s.fuzz, fuzz{test{name, file}, property})
		}
	}
	return nil
}

// literals returns the strings in a file, and the headings of the case files that it reads.
func literals(f *ast.File, cases map[string][]string) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				found[text] = true
				for _, name := range cases[text] {
					found[name] = true
				}
			}
		}
		return true
	})
	return found
}

// caseFiles returns the headings of the text files in a testdata folder, each a subtest's name: lines that begin with "#### ".
func caseFiles(folder string) (map[string][]string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	cases := map[string][]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		key := "testdata/" + filepath.Base(path)
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "#### "); ok {
				cases[key] = append(cases[key], strings.TrimSpace(name))
			}
		}
	}
	return cases, nil
}
