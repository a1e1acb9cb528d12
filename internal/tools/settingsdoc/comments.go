// What the fields' comments say.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/settings"
)

// comments are the comments of the fields of structs, by "Struct.Field".
type comments map[string]string

// readComments reads them from the Go files of folders.
func readComments(dirs ...string) (comments, error) {
	var names []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	c := comments{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				c.addStruct(spec)
			}
			return true
		})
	}
	return c, nil
}

func (c comments) addStruct(spec *ast.TypeSpec) {
	of, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range of.Fields.List {
		for _, name := range field.Names {
			c[spec.Name.Name+"."+name.Name] = strings.TrimSpace(field.Doc.Text())
		}
	}
}

// text returns all that is said of a setting.
func (c comments) text(s *settings.Setting) string { return c[s.Owner+"."+s.Field] }

// meaning returns the first paragraph, on one line.
func (c comments) meaning(s *settings.Setting) string {
	first, _, _ := strings.Cut(c.text(s), "\n\n")
	return strings.ReplaceAll(first, "\n", " ")
}

// complete returns an error if a setting has no comment.
func (c comments) complete(of *settings.Struct) error {
	for s := range offered(of) {
		if c.text(s) == "" {
			return fmt.Errorf("%s.%s has no comment, which is what users read of %s", s.Owner, s.Field, s.Name)
		}
		if inner := objectOf(s.Type); inner != nil {
			if err := c.complete(inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// offered yields the settings of an object, but for those that are refused.
func offered(of *settings.Struct) func(yield func(*settings.Setting) bool) {
	return func(yield func(*settings.Setting) bool) {
		for _, s := range of.Settings {
			if !s.Refused() && !yield(s) {
				return
			}
		}
	}
}

// objectOf returns the object that a setting is, or whose list or mapping it is; nil: none.
func objectOf(t settings.Type) *settings.Struct {
	switch t := t.(type) {
	case *settings.Struct:
		return t
	case *settings.List:
		return objectOf(t.Item)
	case *settings.Map:
		return objectOf(t.Value)
	case settings.Wrapper:
		return objectOf(t.Type)
	}
	return nil
}

// rangeOf returns what a value may be; empty: there is no more to say.
func rangeOf(t settings.Type) string {
	switch t := t.(type) {
	case settings.Leaf:
		return t.Range()
	case *settings.List:
		switch {
		case t.Bounded() && t.Least > 0:
			return fmt.Sprintf("%d to %d items", t.Least, t.Most)
		case t.Bounded():
			return fmt.Sprintf("at most %d items", t.Most)
		case t.Least > 0:
			return fmt.Sprintf("at least %d item", t.Least)
		}
	}
	return ""
}

// defaultOf returns what is so without the setting; code makes code of it.
func defaultOf(s *settings.Setting, code func(string) string) string {
	switch {
	case s.Required:
		return "must be given"
	case s.Default == "":
		return s.Unset
	case s.Unset != "":
		return code(s.Default) + ", " + s.Unset
	}
	return code(s.Default)
}
