// What a producer sends: ids as text, JSON or lines of JSON, perhaps packed, within bounds.

package push

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Bounds of one push.
const (
	maxBody     = 16 << 20  // bytes, unpacked
	maxIDs      = 100_000   // values
	maxValue    = 256 << 10 // bytes of one value
	maxLabels   = 10_000    // different sets of labels
	maxRejected = 1000      // values that are rejected one by one in the answer; the others are counted
)

// tooLarge is why a push is refused that has too much of something.
type tooLarge struct{ what string }

func (e *tooLarge) Error() string { return "too large: " + e.what }

// unsupported is why a push is refused that comes as something that is not read, with the header that says what is.
type unsupported struct{ what, header, wanted string }

func (e *unsupported) Error() string { return e.what }

// errEmpty says that there is no JSON where some is wanted.
var errEmpty = errors.New("the body is empty")

// body is what was read of a push.
type body struct {
	tasks   []source.Task
	indices []int // of the values that the tasks are
	values  int   // so far
	faults  []rejected
	more    int // faults beyond those
	counts  map[source.Rejection]uint64
	ignored map[string]int               // values that have a key that is not read, by key
	labels  map[string]map[string]string // by their JSON, so that tasks with the same ones share them
}

// readBody reads a push. Nothing of it counts after an error, which is a *tooLarge, or says what is wrong and where.
func readBody(w http.ResponseWriter, req *http.Request) (*body, error) {
	read, err := readerOf(req.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	var content io.Reader = http.MaxBytesReader(w, req.Body, maxBody)
	switch encoding := req.Header.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(content)
		if err != nil {
			return nil, located(err, "the body is not packed with gzip, or not whole")
		}
		content = unpacked
	default:
		return nil, &unsupported{"Content-Encoding must be gzip, or absent", "Accept-Encoding", "gzip"}
	}
	b := &body{}
	if err := read(b, &limited{from: content}); err != nil {
		return nil, located(err, fmt.Sprintf("index %d", max(b.values-1, 0)))
	}
	return b, nil
}

// readerOf returns what reads a media type.
func readerOf(contentType string) (func(*body, *limited) error, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if charset := parameters["charset"]; err == nil && (charset == "" || strings.EqualFold(charset, "utf-8")) {
		switch kind {
		case "application/json":
			return (*body).readJSON, nil
		case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
			return (*body).readLines, nil
		case "text/plain":
			return (*body).readText, nil
		}
	}
	return nil, &unsupported{
		"Content-Type must be application/json, application/x-ndjson, application/jsonl or text/plain, in UTF-8",
		"Accept-Post", "application/json, application/x-ndjson, application/jsonl, text/plain",
	}
}

// located says where an error is, unless it is that something is too large.
func located(err error, where string) error {
	if large, ok := errors.AsType[*tooLarge](err); ok {
		return large
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &tooLarge{"the body has more than 16 MiB"}
	}
	if errors.Is(err, errEmpty) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the body ends too early")
	}
	return fmt.Errorf("%s: %w", where, err)
}

// limited reads no more than a body may have, nor than one value may.
type limited struct {
	from         io.Reader
	total, since int // since the last value ended
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.from.Read(p[:min(len(p), maxValue/4)])
	l.total += n
	l.since += n
	switch {
	case l.total > maxBody:
		return 0, &tooLarge{"the body has more than 16 MiB unpacked"}
	case l.since > 2*maxValue:
		return 0, &tooLarge{"a value has more than 256 KiB"}
	}
	return n, err
}

// next notes that a value ended, and begins another; it fails if there are too many.
func (b *body) next(l *limited) (index int, err error) {
	l.since = 0
	if b.values == maxIDs {
		return 0, &tooLarge{"more than 100000 ids in a push"}
	}
	b.values++
	return b.values - 1, nil
}

// take takes a task, or notes why it is none.
func (b *body) take(index int, t source.Task, fault string) {
	if fault != "" {
		b.fault(index, source.RejectedInvalid, fault)
		return
	}
	var why string
	if t.ID, why = cleanID(t.ID); why != "" {
		b.fault(index, source.RejectedInvalid, why)
		return
	}
	b.tasks = append(b.tasks, t)
	b.indices = append(b.indices, index)
}

// fault notes why a value is no task.
func (b *body) fault(index int, reason source.Rejection, what string) {
	if b.counts == nil {
		b.counts = make(map[source.Rejection]uint64)
	}
	b.counts[reason]++
	b.reject(index, string(reason)+": "+what)
}

// reject has a value be rejected in the answer.
func (b *body) reject(index int, why string) {
	if len(b.faults) == maxRejected {
		b.more++
		return
	}
	b.faults = append(b.faults, rejected{index, why})
}

// readText reads an id a line. Empty lines and those that begin with # are no values.
func (b *body) readText(l *limited) error {
	lines := bufio.NewScanner(l)
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			l.since = 0
			continue
		}
		index, err := b.next(l)
		if err != nil {
			return err
		}
		if strings.ContainsRune(`{["<`, rune(line[0])) || strings.Contains(line, ",") {
			return errors.New("looks like JSON, HTML or CSV, and not like an id a line")
		}
		b.take(index, source.Task{ID: line}, "")
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &tooLarge{"a line has more than 64 KiB"}
	}
	return lines.Err()
}
