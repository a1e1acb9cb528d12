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
	files map[string]string // by package.Test
	fuzz  []fuzz
}

// find returns a test by its name. Source tells no subtests; whether they are there, a run of the tests tells.
func (s tests) find(name string) (test, error) {
	parent, _, _ := strings.Cut(name, "/")
	file, ok := s.files[parent]
	if !ok {
		return test{}, fmt.Errorf("there is no test %s", parent)
	}
	return test{name, file}, nil
}

// served is a module beside, whose tests rows may name, too: its path is the main module's and its folder.
const served = "test/served"

// findTests reads all tests below a folder that belong to its module or to served.
func findTests(root string) (tests, error) {
	found := tests{files: map[string]string{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isOther(root, path)):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return found.read(root, path)
	})
	slices.SortFunc(found.fuzz, func(a, b fuzz) int { return strings.Compare(a.name, b.name) })
	return found, err
}

// isOther reports whether a folder is another module, whose tests rows do not name.
func isOther(root, path string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil && path != filepath.Join(root, served)
}

// read adds the tests of a file.
func (s *tests) read(root, path string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	file, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		name := strings.TrimSuffix(parsed.Name.Name, "_test") + "." + f.Name.Name
		s.files[name] = file
		if strings.HasPrefix(f.Name.Name, "Fuzz") {
			comment := strings.Join(strings.Fields(f.Doc.Text()), " ")
			_, property, _ := strings.Cut(comment, f.Name.Name+": ")
			s.fuzz = append(s.fuzz, fuzz{test{name, file}, property})
		}
	}
	return nil
}
