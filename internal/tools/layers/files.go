// References between the files of a package.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// downward lists the packages whose files refer to one another one way only, so that each can be read from the top down.
func downward() []string {
	return []string{
		"internal/backlog", "internal/blocks", "internal/dispatch", "internal/entry", "internal/labels", "internal/learned", "internal/life",
		"internal/evict", "internal/history", "internal/probe", "internal/reader", "internal/records", "internal/results", "internal/withheld", "internal/source/ledger", "internal/source/list",
		"internal/source/capacity", "internal/source/pushlist", "internal/summary", "internal/tasks", "internal/totals", "internal/tracker", "internal/unlisted", "internal/view",
	}
}

// references are what a file names of another one's, by both files; one name stands for all of them.
type references map[string]map[string]string

// checkFiles returns the circles of references between the files of a module's package.
func checkFiles(ctx context.Context, root, folder string) error {
	refs, err := fileReferences(ctx, root, folder)
	if err != nil {
		return err
	}
	if circle := refs.circle(); circle != "" {
		return fmt.Errorf("%s: %s", folder, circle)
	}
	return nil
}

// circle returns one of the circles in words; empty: there is none.
func (r references) circle() string {
	done := make(map[string]bool)
	var path []string
	var follow func(file string) string
	follow = func(file string) string {
		if i := slices.Index(path, file); i >= 0 {
			var words strings.Builder
			circle := append(slices.Clone(path[i:]), file)
			for j, f := range circle[1:] {
				fmt.Fprintf(&words, "%s refers to %s of ", circle[j], r[circle[j]][f])
			}
			return words.String() + file
		}
		if done[file] {
			return ""
		}
		done[file] = true
		path = append(path, file)
		defer func() { path = path[:len(path)-1] }()
		for _, other := range slices.Sorted(maps.Keys(r[file])) {
			if circle := follow(other); circle != "" {
				return circle
			}
		}
		return ""
	}
	for _, file := range slices.Sorted(maps.Keys(r)) {
		if circle := follow(file); circle != "" {
			return circle
		}
	}
	return ""
}

// fileReferences returns the references between the files of a package, by their names.
func fileReferences(ctx context.Context, root, folder string) (references, error) {
	exports, files, err := listFiles(ctx, root, folder)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, path := range files {
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", open)}
	pkg, err := config.Check(folder, fset, parsed, info)
	if err != nil {
		return nil, err
	}
	refs := make(references)
	for id, object := range info.Uses {
		if object.Pkg() != pkg {
			continue
		}
		from, to := fileOf(fset, id.Pos()), fileOf(fset, object.Pos())
		if from == to {
			continue
		}
		if refs[from] == nil {
			refs[from] = make(map[string]string)
		}
		if name := refs[from][to]; name == "" || object.Name() < name {
			refs[from][to] = object.Name()
		}
	}
	return refs, nil
}

func fileOf(fset *token.FileSet, at token.Pos) string {
	return filepath.Base(fset.Position(at).Filename)
}

// listFiles returns the files of a package, and those of what it imports that tell its types, by import path.
func listFiles(ctx context.Context, root, folder string) (exports map[string]string, files []string, err error) {
	list := exec.CommandContext(ctx, "go", "list", "-C", root, "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles,DepOnly", "./"+folder) //nolint:gosec // ours
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w", err)
	}
	exports = make(map[string]string)
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Export, Dir string
			GoFiles                 []string
			DepOnly                 bool
		}
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return exports, files, nil
		} else if err != nil {
			return nil, nil, err
		}
		exports[p.ImportPath] = p.Export
		for _, f := range p.GoFiles {
			if !p.DepOnly {
				files = append(files, filepath.Join(p.Dir, f))
			}
		}
	}
}
