// The packages of a module, as the go command lists them.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pkg is a package of the module, without its tests.
type pkg struct {
	folder string   // seen from the module's, "." for that itself
	own    []string // folders of the packages of the module that it imports, in order
	others []string // import paths of what else it imports
	lines  int
}

// load lists the packages of the module in a folder.
func load(ctx context.Context, root string) ([]pkg, error) {
	list := exec.CommandContext(ctx, "go", "list", "-C", root, "-json=ImportPath,Imports,GoFiles,Dir,Module", "./...") //nolint:gosec // ours
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []pkg
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath, Dir  string
			Imports, GoFiles []string
			Module           struct{ Path string }
		}
		err := in.Decode(&listed)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		p := pkg{folder: folder(listed.Module.Path, listed.ImportPath)}
		for _, path := range listed.Imports {
			if f := folder(listed.Module.Path, path); f != "" {
				p.own = append(p.own, f)
			} else {
				p.others = append(p.others, path)
			}
		}
		slices.Sort(p.own)
		for _, file := range listed.GoFiles {
			text, err := os.ReadFile(filepath.Join(listed.Dir, file))
			if err != nil {
				return nil, err
			}
			p.lines += bytes.Count(text, []byte("\n"))
		}
		all = append(all, p)
	}
}

// folder returns where a package of a module is, or nothing if it is another's.
func folder(module, path string) string {
	if path == module {
		return "."
	}
	f, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return f
}
