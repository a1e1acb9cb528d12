// Which lines of files have room where there is too little for all: the last ones, of the files that were written last.

package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
)

const (
	leastLine = 2        // bytes of a line with an id
	usualLine = 1 << 5   // that an id takes at least, about
	newBytes  = 64 << 10 // of a file that appears and may hold nothing but what is new
)

// inOrder returns paths in the order in which their files are read. Of files that were read before, those that were written last have room first. Those
// that are new come after them, the latest as the last ones: they are asked about first, and room is reserved for them.
func (p *Source) inOrder(ctx context.Context, folder string, paths []string) []string {
	var known, others []string
	written := make(map[string]time.Time, len(paths))
	for _, path := range paths {
		f := p.file(path)
		if info, err := os.Stat(path); err == nil {
			written[path], f.moved = info.ModTime(), p.hasMoved(f, info)
		}
		if f.known() {
			known = append(known, path)
		} else {
			others = append(others, path)
		}
	}
	slices.SortStableFunc(known, func(a, b string) int { return written[b].Compare(written[a]) })
	slices.SortStableFunc(others, func(a, b string) int { return written[a].Compare(written[b]) })
	for later, i := 0, len(others)-1; i >= 0; i-- {
		f := p.file(others[i])
		f.list.Reserve(later)
		if room := f.list.Room(); i > 0 && room > 0 {
			later += f.countIDs(ctx, folder, p.claims, room)
		}
	}
	return slices.Concat(known, others)
}

// hasMoved reports whether a file had another name when it was read last.
func (p *Source) hasMoved(f *file, now fs.FileInfo) bool {
	if f.known() && os.SameFile(f.info, now) {
		return false
	}
	for _, other := range p.files {
		if other != f && other.known() && os.SameFile(other.info, now) {
			return true
		}
	}
	return false
}

// countIDs returns how many ids a file has that was never read, about, and so many at the most.
func (f *file) countIDs(ctx context.Context, folder string, src *list.Source, most int) (n int) {
	target, info, err := locate(folder, f.path, bounded.Size{Most: math.MaxInt64})
	if err != nil || f.nameErr != nil {
		return 0
	}
	if !f.format.InParts() {
		return int(min(info.Size()/usualLine, int64(most)))
	}
	known := src.Secrets()
	src.Outside(func() {
		opened, info, err := openList(folder, target, known)
		if err == nil {
			_, n, _ = lastLines(ctx, opened, info.Size(), most)
			_ = opened.Close()
		}
	})
	return n
}

// hasFewLines reports whether a long content has no more lines than so many, by samples of it.
func hasFewLines(opened io.ReaderAt, size int64, most int) bool {
	const samples, length = 64, 16 << 10
	if size < samples*length {
		return false
	}
	lines, text := int64(0), make([]byte, length)
	for i := range int64(samples) {
		n, _ := opened.ReadAt(text, i*(size-length)/(samples-1)) // what can't be read is told by whoever reads all
		lines += int64(bytes.Count(text[:n], []byte("\n")))
	}
	lines = lines * size / (samples * length)
	return lines+lines/200 < int64(most)
}

// lastLines returns where the last lines of a content begin, so many of them or all, and how many they are.
func lastLines(ctx context.Context, opened io.ReaderAt, size int64, most int) (at int64, lines int, err error) {
	if most <= 0 || size == 0 {
		return size, 0, nil
	}
	text, end := make([]byte, min(1<<20, size)), size-1 // a last line may have an end or not
	for lines = 1; end > 0; {
		some := text[:min(int64(len(text)), end)]
		end -= int64(len(some))
		if _, err := opened.ReadAt(some, end); err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		if ends := bytes.Count(some, []byte("\n")); lines+ends <= most {
			lines += ends
			continue
		}
		for {
			i := bytes.LastIndexByte(some, '\n')
			if lines == most {
				return end + int64(i) + 1, lines, ctx.Err()
			}
			lines++
			some = some[:i]
		}
	}
	return 0, lines, ctx.Err()
}
