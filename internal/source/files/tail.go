// Lists of lines, which grow: what is new in one is read, from where it was read last.

package files

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

const (
	partBytes  = 1 << 20          // that are read and parsed at a time; more if no line ends in them
	nearBytes  = 512              // before the place, that are compared at each read
	checkEvery = 10 * time.Minute // a list that has grown is compared with all that was read of it
	checkCost  = 100              // times as long as the last comparison, there is no other unless the file is another one
)

// errRewritten is never shown: the list is begun again.
var errRewritten = errors.New("rewritten while it is read")

// tail is how far a list of lines was read, and by what that is known again. All up to there is in the list and nothing else is, unless a
// content was begun that did not come to its end.
type tail struct {
	spot
	all     maphash.Hash // of all bytes before it
	open    bool         // the line before it had no end
	whole   bool         // and is what it is once it has one
	begun   bool         // a content was begun that did not come to its end
	paused  bool         // and it goes on from here
	older   int64        // up to there, ids of it have no room: it is for those behind
	refused uint64       // hash of one that is no list
	grown   bool         // it was put behind more than what was compared last
	suspect bool         // what was read may be there no more, though file system and near bytes say so
	checked time.Time    // when all was read or compared last
	took    time.Duration
}

// follow brings the list up to date. On an error it keeps what it had, and of a list in several parts those that were read before it.
func (f *file) follow(ctx context.Context, folder, target string, info fs.FileInfo, src *list.Source) error {
	t, now := &f.tail, time.Now()
	unchanged := f.unchanged(target, info)
	t.suspect = t.suspect || t.grown && now.Sub(t.checked) >= checkEvery
	again := !f.known() || f.list.Wants() || f.round != src.Round()
	if unchanged && !again && !f.halfway && !t.suspect {
		return f.err
	}
	var opened *os.File
	var err error
	known := src.Secrets()
	src.Outside(func() { opened, info, err = openList(folder, target, known) })
	if err != nil {
		return err
	}
	defer opened.Close() //nolint:errcheck // nothing was written
	if !again {
		src.Outside(func() { again, err = f.isAnother(ctx, opened, target, info, unchanged) })
		if err != nil {
			return err
		}
	}
	if f.known() && t.begun && !t.paused && !again {
		return f.err // what is no list is the same as it was
	}
	r := partReader{file: f, source: src, opened: opened, began: now, atRest: !f.known() && now.Sub(info.ModTime()) >= source.Interval}
	r.same = f.known() && !t.begun && target == f.target && os.SameFile(info, f.info) && info.Size() >= t.at && t.isNear(opened)
	f.target, f.info, f.readAt, f.round = target, info, now, src.Round()
	if f.err = r.read(ctx, again); errors.Is(f.err, errRewritten) {
		r.same = false
		f.err = r.read(ctx, true)
	}
	if errors.Is(f.err, errRewritten) {
		f.err = source.ErrUnfinished // it is begun again at the next look
	}
	f.halfway = f.halfway || ctx.Err() != nil || errors.Is(f.err, source.ErrUnfinished)
	if f.err != nil && !f.halfway && t.begun {
		src.Outside(func() { t.refused, _, _ = sum(ctx, opened, info.Size(), f.seed) }) // unread it is another one at the next look
	}
	return f.err
}

// isAnother reports whether the content is another one than what was read, with more behind it or not. Inode, length and the bytes just before
// the place tell that nearly always. All that was read is compared if the file is another one, if it was written to and did not grow, and
// now and then while it grows.
func (f *file) isAnother(ctx context.Context, opened *os.File, target string, info fs.FileInfo, unchanged bool) (bool, error) {
	t, now := &f.tail, time.Now()
	same := target == f.target && os.SameFile(info, f.info)
	grew := info.Size() > f.info.Size()
	if t.begun && !t.paused {
		now, _, err := sum(ctx, opened, info.Size(), f.seed)
		return now != t.refused || f.halfway, err
	}
	if t.open && info.Size() > t.at && (!t.whole || !endsLine(opened, t.at)) {
		return true, nil // the line before the place goes on
	}
	t.suspect = t.suspect || !same || !grew && !unchanged
	if same && (!t.suspect || now.Sub(t.checked) < checkCost*t.took) {
		return !t.isNear(opened), nil
	}
	differs, err := t.differs(ctx, opened, f.seed)
	if err != nil {
		return false, err
	}
	t.grown, t.suspect, t.checked, t.took = false, false, now, time.Since(now)
	return differs, nil
}

// spot is a place in a file.
type spot struct {
	place format.Position
	at    int64  // the place in bytes
	near  string // the bytes just before it
}

// isNear reports whether the bytes just before the place are those that were read.
func (s *spot) isNear(opened io.ReaderAt) bool {
	now := make([]byte, len(s.near))
	n, _ := opened.ReadAt(now, s.at-int64(len(now))) // what can't be read is not the same
	return string(now[:n]) == s.near
}

// advance puts the place behind what was read.
func (s *spot) advance(read string, next format.Position) {
	s.at += int64(len(read))
	s.place = next
	near := s.near + read[max(0, len(read)-nearBytes):]
	s.near = strings.Clone(near[max(0, len(near)-nearBytes):])
}

// differs reports whether the bytes before the place are others than those that were read.
func (t *tail) differs(ctx context.Context, opened io.ReaderAt, seed maphash.Seed) (bool, error) {
	all, n, err := sum(ctx, opened, t.at, seed)
	return n != t.at || all != t.all.Sum64(), err
}

// sum returns the hash of the first bytes of a file, and how many there are.
func sum(ctx context.Context, opened io.ReaderAt, most int64, seed maphash.Seed) (hash uint64, n int64, err error) {
	var all maphash.Hash
	all.SetSeed(seed)
	n, err = io.Copy(&all, bounded.Reader{Ctx: ctx, Reader: io.NewSectionReader(opened, 0, most)})
	return all.Sum64(), n, err
}

// endsLine reports whether what is at a place ends the line before it.
func endsLine(opened io.ReaderAt, at int64) bool {
	var next [2]byte
	n, _ := opened.ReadAt(next[:], at)
	return bytes.HasPrefix(next[:n], []byte("\n")) || string(next[:n]) == "\r\n"
}

// isString reports whether a text is a string of JSON.
func isString(text string) bool { return strings.HasPrefix(text, `"`) && json.Valid([]byte(text)) }

// advance puts the place behind what was read.
func (t *tail) advance(read string, next format.Position) {
	t.spot.advance(read, next)
	t.grown = true
	_, _ = t.all.WriteString(read)
}

// partReader reads what is behind the place of a file, part by part.
type partReader struct {
	file   *file
	source *list.Source
	opened io.ReaderAt
	began  time.Time
	atRest bool // an unterminated end is no half-written one
	same   bool // what is read was read before
}

// read reads on, or all again.
func (r *partReader) read(ctx context.Context, again bool) error {
	f := r.file
	t, from, before := &f.tail, f.tail.at, f.end
	if again {
		*t, from = tail{begun: true, checked: r.began}, -1
		t.all.SetSeed(f.seed)
	}
	f.halfway, t.paused = false, false
	if again {
		if err := r.refuses(ctx); err != nil {
			return err
		}
		if err := r.findOlder(ctx); err != nil {
			return err
		}
	}
	var end uint64
	var whole bool
	err := r.parts(ctx, t, func(rest string) bool {
		// An unterminated end that was not there at the last read may be half-written.
		end, whole = maphash.String(f.seed, rest), f.format.IsText() || isString(rest)
		f.halfway = end != before && !r.atRest
		return f.halfway
	}, func(p *parsed.List, last bool) error {
		if again {
			r.begin(p, last)
			again = false
		}
		return r.take(ctx, p, last)
	})
	if err != nil {
		return err
	}
	if t.at != from || end != 0 {
		f.end, t.open, t.whole = end, end != 0 && !f.halfway, whole
	}
	if t.begun {
		f.list.End().Log(f.log)
		t.begun, t.grown, t.suspect = false, false, r.began.Sub(f.info.ModTime()) < fresh
	}
	return nil
}

// findOlder finds out up to where another content, of several parts, has ids for which there is no room. A part ends there.
func (r *partReader) findOlder(ctx context.Context) (err error) {
	f := r.file
	if room := f.list.Room(); !r.same && f.info.Size() > max(partBytes, int64(room)*leastLine) {
		r.source.Outside(func() {
			if !hasFewLines(r.opened, f.info.Size(), room) {
				f.tail.older, _, err = lastLines(ctx, r.opened, f.info.Size(), room)
			}
		})
	}
	return err
}

// begin begins a content in place of the one that the list has.
func (r *partReader) begin(p *parsed.List, last bool) {
	if !last {
		p = nil
	}
	if r.same {
		r.file.list.BeginAgain()
	} else {
		r.file.list.Begin(r.file.info.Size() <= newBytes && !r.file.moved, p)
	}
}

// take adds a part to the list. After too long a time it has the rest wait.
func (r *partReader) take(ctx context.Context, p *parsed.List, last bool) error {
	f := r.file
	if f.tail.older > 0 {
		f.list.PassOver(f.tail.at <= f.tail.older)
	}
	if report := f.list.Add(p); report != nil {
		report.Log(f.log)
	}
	if last {
		return nil
	}
	r.source.Flush()
	if ctx.Err() == nil && time.Since(r.began) < format.Within {
		return nil
	}
	f.tail.paused = true
	return cmp.Or(ctx.Err(), source.ErrUnfinished)
}

// refuses returns why all of a content is no list, though only a line of it says so, before any of it counts.
func (r *partReader) refuses(ctx context.Context) error {
	if !r.file.format.IsText() || r.file.info.Size() <= partBytes {
		return nil // its one part is a list or none
	}
	return r.parts(ctx, &tail{}, func(string) bool { return true }, func(*parsed.List, bool) error { return ctx.Err() })
}

// part is what was read and parsed of a content, or why nothing was.
type part struct {
	parsed *parsed.List
	read   string
	next   format.Position
	last   bool
	err    error
}

// parts reads what is behind a place, part by part, and puts the place behind each. half reports whether an unterminated end is left out. While a
// part is taken, it is found out of the next one what was known of its tasks before, and the one behind that is read and parsed.
func (r *partReader) parts(ctx context.Context, t *tail, half func(rest string) bool, take func(p *parsed.List, last bool) error) error {
	parsing, stop := context.WithCancel(ctx)
	ahead, parts := make(chan part, 1), make(chan part, 1)
	from, older := t.spot, t.older
	limit, parse := r.file.format.Bounds(r.source.Limits().Bytes), r.file.list.Parts(r.file.format, t.place)
	var parser sync.WaitGroup
	parser.Go(func() {
		defer close(ahead)
		r.parse(parsing, from, older, limit, parse, half, ahead)
	})
	parser.Go(func() {
		defer close(parts)
		lookBack(parsing, ahead, parts)
	})
	defer func() { r.source.Outside(parser.Wait) }()
	defer stop()
	for {
		var p part
		var ok bool
		r.source.Outside(func() { p, ok = <-parts })
		if !ok {
			return ctx.Err()
		}
		if p.err != nil {
			return p.err
		}
		t.advance(p.read, p.next)
		if err := take(p.parsed, p.last); err != nil || p.last {
			return err
		}
	}
}

// lookBack hands on parts when their tasks were looked for among those of before: here rather than where the lock is held.
func lookBack(ctx context.Context, ahead <-chan part, parts chan<- part) {
	for p := range ahead {
		if p.err == nil {
			p.parsed.Ages()
		}
		select {
		case parts <- p:
		case <-ctx.Done():
			return
		}
	}
}

// parse hands out the parts behind a place until the last one, one that is none, or the end of ctx. No lock is held.
func (r *partReader) parse(
	ctx context.Context, at spot, older int64, limit bounded.Size, parse *format.Parts, half func(rest string) bool, parts chan<- part,
) {
	for size := int64(partBytes); ; {
		if at.at < older {
			size = min(size, older-at.at)
		}
		content, last, err := r.next(ctx, &at, min(size, limit.Most))
		p := part{last: last, err: err}
		if err == nil {
			p.parsed, p.next, p.err = parse.Parse(ctx, content, at.place, func(rest string) bool { return !last || half(rest) })
		}
		if p.err == nil {
			p.read = content[:len(content)-p.parsed.Left()]
			if p.read == "" && !last { // one line, and not all of it
				older = 0 // it goes on behind that
				if size < limit.Most {
					size *= 4
					continue
				}
				p.err = limit.Exceeded()
			}
		}
		if p.err == nil {
			at.advance(p.read, p.next)
			parse.Follows(p.parsed)
		}
		select {
		case parts <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil || last {
			return
		}
		size = partBytes
	}
}

// next returns so many bytes behind a place, and whether there are no more. That those before it were the same is looked at after it was read:
// a file that was emptied and filled again by then shows it.
func (r *partReader) next(ctx context.Context, at *spot, size int64) (content string, last bool, err error) {
	var text strings.Builder
	text.Grow(int(min(size, max(0, r.file.info.Size()-at.at)))) // unless it has grown meanwhile
	_, err = io.Copy(&text, bounded.Reader{Ctx: ctx, Reader: io.NewSectionReader(r.opened, at.at, size)})
	if err == nil && !at.isNear(r.opened) {
		err = errRewritten
	}
	return text.String(), int64(text.Len()) < size, err
}
