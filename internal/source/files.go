// Ids from the files that a pattern matches.

package source

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var errNoFiles = errors.New("no file matches any more")

// files is the list files of one pattern.
type files struct {
	source *source
	path   string
	glob   bool
	files  map[string]*file // by path; those that were read, and those that are gone but still hold ids
	looked bool             // a read took place
	log    *slog.Logger
	seed   maphash.Seed
}

func newFiles(src *source, path string, glob bool, log *slog.Logger) *files {
	return &files{source: src, path: path, glob: glob, files: make(map[string]*file), log: log, seed: maphash.MakeSeed()}
}

// read reads every file there is. One that fails keeps its ids. One that is gone lists nothing any more, if it is not
// the last. In a glob, what is no file for a list is passed over: folders, hidden files and those of editors.
func (p *files) read(ctx context.Context, g *ledger) error {
	var failed failures
	var gone []*file
	present := 0
	for _, path := range p.find() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := p.file(path)
		switch err := f.refresh(ctx, g); {
		case p.glob && isGone(path, err):
			gone = append(gone, f)
		case p.glob && !f.known() && errors.Is(err, errDirectory):
		default:
			present++
			failed.add(path, err)
		}
	}
	if err := p.release(gone, present, g); err != nil {
		return err
	}
	if !p.looked && p.glob && present == 0 {
		p.log.Warn("No file matches yet, the pattern is watched")
	}
	p.looked = true
	return failed.err()
}

// find returns the paths of the files there are or were. Those known stay in the list, for a folder that can't be listed
// does not mean that its files are gone.
func (p *files) find() []string {
	if !p.glob {
		return []string{p.path}
	}
	paths, _ := filepath.Glob(p.path) // the pattern was checked, there is no other error
	paths = slices.DeleteFunc(paths, ignored)
	paths = slices.AppendSeq(paths, maps.Keys(p.files))
	slices.Sort(paths)
	return slices.Compact(paths)
}

// ignored reports whether a file in a glob is hidden or an editor's.
func ignored(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") ||
		strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".tmp")
}

func (p *files) file(path string) *file {
	f := p.files[path]
	if f == nil {
		f = &file{
			path: path, format: formatOf(path), list: &list{source: p.source, name: path},
			log: p.log.With("file", path), seed: p.seed,
		}
		p.files[path] = f
	}
	return f
}

// isGone tells a file that is not there from a link that leads nowhere.
func isGone(path string, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err = os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// release empties the lists of files that are gone, unless ids would be lost because nothing matches at all.
func (p *files) release(gone []*file, present int, g *ledger) error {
	for _, f := range gone {
		if f.list.empty() {
			f.forget()
		}
	}
	maps.DeleteFunc(p.files, func(_ string, f *file) bool { return !f.known() && f.list.empty() })
	if present == 0 && len(p.files) > 0 {
		return errNoFiles
	}
	for _, f := range gone {
		if f.known() {
			f.forget()
			_, _ = g.replace(f.list, func(func(item)) error { return nil })
		}
	}
	return nil
}

func (p *files) lists() iter.Seq[*list] {
	return func(yield func(*list) bool) {
		for _, f := range p.files {
			if !yield(f.list) {
				return
			}
		}
	}
}

// failures is the first of some files' errors and how many there are.
type failures struct {
	first error
	count int
}

func (f *failures) add(path string, err error) {
	if err == nil {
		return
	}
	if f.count++; f.count > 1 {
		return
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	f.first = fmt.Errorf("%s: %w", path, err)
}

func (f *failures) err() error {
	if f.count > 1 {
		return fmt.Errorf("%w (%d files more fail)", f.first, f.count-1)
	}
	return f.first
}
