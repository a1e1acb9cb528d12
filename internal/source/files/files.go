// Package files is sources of ids in the files that a pattern matches, below the pattern's folder and nowhere else.
package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
)

var noList = []error{errDirectory, errNotRegular, errLink, errOutside, errKernel, errSecretFile, format.ErrEnding}

var errBehind = fmt.Errorf("not read yet, for those before it took %v", format.Within)

var errNoFiles = errors.New("no file matches any more")

// Source is the list files of one pattern. It has no lock: the set's guards it.
type Source struct {
	claims *list.Source
	path   string
	folder string // below which all files must be, as written
	glob   bool
	files  map[string]*file // by path; those that were read, and those that are gone but still hold ids
	looked bool             // a read took place
	log    *slog.Logger
	seed   maphash.Seed
}

// New returns the source of a pattern.
func New(claims *list.Source, p Pattern, log *slog.Logger) *Source {
	glob := p.isGlob()
	return &Source{
		claims: claims, path: p.Path, folder: folderOf(p.Path, glob), glob: glob, files: make(map[string]*file), log: log, seed: maphash.MakeSeed(),
	}
}

// Due returns the zero time: files are looked at at every look.
func (p *Source) Due() time.Time { return time.Time{} }

// Fetch returns nil: there is nothing to wait for.
func (p *Source) Fetch() source.Fetch { return nil }

// Retire does nothing: no file is open between two reads.
func (p *Source) Retire() {}

// Refresh reads every file there is. One that fails keeps its ids. One that is gone lists nothing any more, if it is not
// the last. In a glob, what is no file for a list is passed over: folders, hidden files and those of editors. What stands in
// the place of a list and is none, such as a pipe, fails alone: the lists beside it are read for all that. When reading has
// taken long enough, the rest is left to the next time, so that other sources have their turn; so is the rest of a long list of lines.
func (p *Source) Refresh(ctx context.Context) error {
	var failed, odd failures
	var gone []*file
	present, unfinished := 0, false
	folder, err := resolve(p.folder)
	if err != nil {
		folder = p.folder // the files can't be found either, which says why
	}
	began := time.Now()
	for _, path := range p.inOrder(ctx, folder, p.find()) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := p.file(path)
		err := errBehind
		if time.Since(began) < format.Within {
			err = f.refresh(ctx, folder, p.claims)
		}
		f.list.Hold(err != nil)
		unfinished = unfinished || errors.Is(err, source.ErrUnfinished)
		switch {
		case p.glob && isGone(path, err):
			f.list.Hold(false)
			gone = append(gone, f)
		case p.glob && !f.known() && errors.Is(err, errDirectory):
		case p.glob && isNoList(err):
			odd.add(path, err)
		default:
			present++
			failed.add(path, err)
		}
	}
	if err := p.release(gone, present); err != nil {
		return cmp.Or(odd.err(), err)
	}
	if !p.looked && p.glob && present+odd.count == 0 {
		p.log.Warn("No file matches yet, the pattern is watched")
	}
	p.looked = true
	if unfinished {
		return source.ErrUnfinished // what else is wrong is told when it is the last word
	}
	if failed.count == 0 && odd.count > 0 {
		return &source.PartialError{Err: odd.err()}
	}
	return failed.and(odd).err()
}

// isNoList reports whether an entry is none that could hold ids: another kind of file, or a link that leads to none. A list
// that can't be read is something else, for it may hold the ids that the others lack.
func isNoList(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || slices.ContainsFunc(noList, func(target error) bool { return errors.Is(err, target) })
}

// find returns the paths of the files there are or were. Those known stay in the list, for a folder that can't be listed
// does not mean that its files are gone.
func (p *Source) find() []string {
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

func (p *Source) file(path string) *file {
	f := p.files[path]
	if f == nil {
		f = &file{
			path: path, list: p.claims.NewList(path),
			log: p.log.With("file", path), seed: p.seed,
		}
		f.format, f.nameErr = format.ByName(path)
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
func (p *Source) release(gone []*file, present int) error {
	for _, f := range gone {
		if f.list.IsEmpty() {
			f.forget()
		}
	}
	for path, f := range p.files {
		if !f.known() && f.list.IsEmpty() {
			f.list.Drop()
			delete(p.files, path)
		}
	}
	if present == 0 && len(p.files) > 0 {
		return errNoFiles
	}
	for _, f := range gone {
		if f.known() {
			f.forget()
			f.list.Replace(f.list.Content(nil))
		}
	}
	return nil
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

// and returns the failures of f and other.
func (f failures) and(other failures) failures {
	return failures{first: cmp.Or(f.first, other.first), count: f.count + other.count}
}

func (f failures) err() error {
	if f.count > 1 {
		return fmt.Errorf("%w (%d files more fail)", f.first, f.count-1)
	}
	return f.first
}
