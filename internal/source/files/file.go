// One list file: when it is read, and how.

package files

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

// fresh is how old a file must be when it is read for its time to show the next write: a file system's clock may go in
// steps of up to two seconds.
const fresh = 2 * time.Second

var (
	errDirectory  = errors.New("is a folder")
	errNotRegular = errors.New("not a regular file")
	errLink       = errors.New("a link that leads nowhere")
	errSecretFile = errors.New("a file that the configuration names for a secret, which is no list")
)

// file is a list file as it was when last read.
type file struct {
	path    string
	format  format.Format
	nameErr error // the name is none of a list
	list    *list.List
	log     *slog.Logger
	seed    maphash.Seed

	moved bool   // its content was seen under another name
	round uint32 // the source's when it was read

	target  string      // the path without symbolic links
	info    fs.FileInfo // nil: never read, or gone since
	readAt  time.Time
	sum     uint64 // of the content, if it is always read as a whole
	tail    tail   // how far it was read, if not
	end     uint64 // hash of an unterminated end; 0: there was none
	halfway bool   // that is not taken yet: it may be half-written; or reading ended early
	err     error  // why the content is no list
}

// known reports whether the file's content was read.
func (f *file) known() bool { return f.info != nil }

// forget makes the next read of the file like a first one.
func (f *file) forget() { f.info, f.tail, f.end, f.halfway, f.err = nil, tail{}, 0, false, nil }

// refresh brings the file's list up to date. On an error the list is left as it was.
func (f *file) refresh(ctx context.Context, folder string, src *list.Source) error {
	limit := f.format.Bounds(src.Limits().Bytes)
	if f.format.InParts() {
		limit.Most = math.MaxInt64 // what is new is bounded, not the file
	}
	target, info, err := locate(folder, f.path, limit)
	if err == nil {
		err = f.nameErr
	}
	switch {
	case err != nil:
		return err
	case f.format.InParts():
		return f.follow(ctx, folder, target, info, src)
	}
	now := time.Now()
	again := f.halfway || f.list.Wants() || f.round != src.Round()
	if !again && f.unchanged(target, info) {
		return f.err
	}
	var content string
	known := src.Secrets()
	src.Outside(func() { content, info, err = readBelow(ctx, folder, target, limit, known) })
	if err != nil {
		return err
	}
	sum := maphash.String(f.seed, content)
	same := f.known() && sum == f.sum
	atRest := !f.known() && now.Sub(info.ModTime()) >= source.Interval // for as long as between two reads
	f.target, f.info, f.readAt, f.sum, f.round = target, info, now, sum, src.Round()
	if !same || again {
		f.err = f.parse(ctx, content, atRest)
		f.halfway = f.halfway || ctx.Err() != nil // then it was not read to its end
	}
	return f.err
}

// unchanged reports whether, by what the file system says, the content is the one last read.
func (f *file) unchanged(target string, info fs.FileInfo) bool {
	return f.known() && target == f.target && os.SameFile(info, f.info) && info.Size() == f.info.Size() &&
		info.ModTime().Equal(f.info.ModTime()) && f.readAt.Sub(info.ModTime()) >= fresh
}

// parse makes a content all that the list names.
func (f *file) parse(ctx context.Context, content string, atRest bool) error {
	before := f.end
	f.end, f.halfway = 0, false
	p, err := f.list.Parse(ctx, content, f.format, func(tail string) bool {
		// An unterminated end that the content read before did not have may be half-written.
		f.end = maphash.String(f.seed, tail)
		f.halfway = f.end != before && !atRest
		return f.halfway
	})
	if err != nil {
		return err
	}
	f.list.Replace(p).Log(f.log)
	return nil
}

// locate resolves symbolic links, which must not lead out of the folder. What is not a regular file is refused before it is opened.
func locate(folder, path string, limit bounded.Size) (string, fs.FileInfo, error) {
	target, err := resolve(path)
	if err != nil {
		return "", nil, linkError(path, err)
	}
	if err := below(folder, target); err != nil {
		return "", nil, err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", nil, err
	}
	return target, info, acceptable(info, limit)
}

// linkError marks what is wrong with a link as that.
func linkError(path string, err error) error {
	if info, e := os.Lstat(path); e != nil || info.Mode()&fs.ModeSymlink == 0 || errors.Is(err, fs.ErrPermission) {
		return err
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	return fmt.Errorf("%w: %w", errLink, err)
}

func acceptable(info fs.FileInfo, limit bounded.Size) error {
	switch {
	case info.IsDir():
		return errDirectory
	case !info.Mode().IsRegular():
		return errNotRegular
	case info.Size() > limit.Most:
		return limit.Exceeded()
	}
	return nil
}

// readBelow returns the content of a file below a folder, and what the file system said of it before it was read.
func readBelow(ctx context.Context, folder, path string, limit bounded.Size, known *secrets.Known) (string, fs.FileInfo, error) {
	f, info, err := openList(folder, path, known)
	if err != nil {
		return "", nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if err := acceptable(info, limit); err != nil {
		return "", nil, err
	}
	content, err := bounded.ReadKnown(bounded.Reader{Ctx: ctx, Reader: f}, info.Size(), limit) // unless it has grown meanwhile
	if err != nil {
		return "", nil, err
	}
	return content, info, nil
}

// openList opens a file below a folder if it may be a list, and returns what the file system says of it.
func openList(folder, path string, known *secrets.Known) (*os.File, fs.FileInfo, error) {
	f, err := openBelow(folder, path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = acceptable(info, bounded.Size{Most: math.MaxInt64})
	}
	switch {
	case err != nil:
	case known.HasFile(info):
		err = errSecretFile
	case isKernelFile(f):
		err = errKernel
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
