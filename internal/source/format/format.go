// Package format says how the text of a list is read: by the ending of a file's name or by a media type, unpacked, within a time.
package format

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/jsonlist"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/yamllist"
)

// Within is how long the text of one list is read at most.
const Within = 10 * time.Second

const endings = ".txt or no ending, .yml, .yaml, .json, .jsonl, .ndjson"

// What is wrong with a list as a whole.
var (
	ErrEnding = errors.New("the name's ending is none of a list: want " + endings + ", also rotated (.1) and packed (.gz)")
	ErrLate   = fmt.Errorf("not read to its end within %v", Within)
	errUTF16  = errors.New("text is UTF-16, not UTF-8")
	errPacked = errors.New("is packed with gzip, but neither its name nor its Content-Encoding says so")
)

// Parser puts what a content lists into a list. If it returns an error, the content is no list.
type Parser func(content string, h *parsed.List) error

// Format is how to read a list.
type Format struct {
	parse  Parser
	lines  bool                                                                                          // each part stands for itself
	text   bool                                                                                          // which is an id a line, and one of another format shows that none is one
	stream func(content string, h *parsed.List, from jsonlist.StreamState) (jsonlist.StreamState, error) // reads a part; nil: parse does
	packed bool                                                                                          // with gzip
	yaml   bool
}

// formats are those that an ending stands for.
var formats = map[string]Format{
	"":       {parse: parseText, lines: true, text: true},
	"txt":    {parse: parseText, lines: true, text: true},
	"jsonl":  {parse: jsonlist.ParseLines, lines: true, stream: jsonlist.ParsePart},
	"ndjson": {parse: jsonlist.ParseLines, lines: true, stream: jsonlist.ParsePart},
	"json":   {parse: jsonlist.Parse},
	"yml":    {parse: yamllist.Parse, yaml: true},
	"yaml":   {parse: yamllist.Parse, yaml: true},
}

// Bounds returns how many bytes a list may have.
func (f Format) Bounds(bytes int64) bounded.Size {
	if f.yaml && bytes > yamllist.MaxBytes {
		return bounded.Size{Most: yamllist.MaxBytes, By: "for YAML; a list of lines of ids or of JSON may be longer"}
	}
	return bounded.Size{Most: bytes, By: "of limits.list_bytes"}
}

// Define has an ending stand for lists of lines that another parser reads, until undo is called. It is for tests of lists that are read
// for ever, and for before any list is read.
func Define(ending string, parse Parser) (undo func()) {
	before, known := formats[ending]
	formats[ending] = Format{parse: parse, lines: true}
	return func() {
		delete(formats, ending)
		if known {
			formats[ending] = before
		}
	}
}

// IsLines reports whether each line of a list stands for itself.
func (f Format) IsLines() bool { return f.lines }

// InParts reports whether a list can be read in parts, from where a part of it ended.
func (f Format) InParts() bool { return f.lines && !f.packed }

// IsText reports whether a list is an id a line, of which one of another format shows that the whole content is no list.
func (f Format) IsText() bool { return f.text }

// rotated is what is added to the name of a file that was rotated: a number or a time.
var rotated = regexp.MustCompile(`[.-]\d[0-9tz:_+.-]*$`)

// ByName returns the format that the ending of a file's name stands for, whether rotated and packed or not.
func ByName(path string) (Format, error) {
	name := strings.TrimLeft(strings.ToLower(filepath.Base(path)), ".")
	name, packed := strings.CutSuffix(name, ".gz")
	ending := strings.TrimPrefix(filepath.Ext(name), ".")
	f, known := formats[ending]
	for !known || ending == "" {
		at := rotated.FindStringIndex(name)
		if at == nil {
			break
		}
		name = name[:at[0]]
		if unpacked, ok := strings.CutSuffix(name, ".gz"); ok {
			name, packed = unpacked, true
		}
		ending = strings.TrimPrefix(filepath.Ext(name), ".")
		f, known = formats[ending]
	}
	if !known {
		return Format{}, ErrEnding
	}
	f.packed = packed
	return f, nil
}

// CheckName says what is wrong with the ending of a file's name, or of a pattern of names.
func CheckName(name string) error {
	if _, err := ByName(name); err != nil && !IsGlob(filepath.Ext(name)) {
		return err
	}
	return nil
}

// IsGlob reports whether a name is a pattern of names.
func IsGlob(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// ByType returns the format that a media type stands for; ok is false if it stands for none.
func ByType(kind string) (f Format, ok bool) {
	switch kind {
	case "text/plain":
		return formats["txt"], true
	case "application/jsonl", "application/x-ndjson", "application/ndjson", "application/x-jsonlines", "application/json-seq":
		return formats["jsonl"], true
	case "application/json":
		return formats["json"], true
	case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml":
		return formats["yml"], true
	}
	return Format{}, false
}

// Read reads a content, of so many bytes unpacked at most, into a list, within the time that there is for one. After an error nothing
// in the list counts.
func (f Format) Read(ctx context.Context, content string, bytes int64, into *parsed.List) error {
	return inTime(ctx, func(ctx context.Context) error { return f.read(ctx, content, bytes, into) })
}

// Position is where a part of a list begins. The zero Position is the beginning of the list.
type Position struct {
	Lines  int // that come before it
	stream jsonlist.StreamState
	begun  bool
}

// ReadPart reads a part of a list that is read in parts, as Read does with all of one, and returns where the next begins: behind all that
// was not left out.
func (f Format) ReadPart(ctx context.Context, content string, from Position, into *parsed.List) (next Position, err error) {
	if !from.begun {
		if content, err = plain(content); err != nil {
			return from, err
		}
	}
	err = inTime(ctx, func(ctx context.Context) (err error) {
		into.Begin(ctx, content)
		if f.stream == nil {
			return f.parse(content, into)
		}
		next.stream, err = f.stream(content, into, from.stream)
		return err
	})
	next.Lines = from.Lines + strings.Count(content[:len(content)-into.Left()], "\n")
	next.begun = from.begun || into.Left() < len(content)
	return next, err
}

// inTime calls read with a context that ends when there is no more time for one list.
func inTime(ctx context.Context, read func(ctx context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	err := read(within)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case within.Err() != nil:
		return ErrLate
	}
	return err
}

func (f Format) read(ctx context.Context, content string, bytes int64, into *parsed.List) (err error) {
	if f.packed {
		if content, err = bounded.Unpack(ctx, content, f.Bounds(bytes)); err != nil {
			return err
		}
	}
	if content, err = plain(content); err != nil {
		return err
	}
	into.Begin(ctx, content)
	return f.parse(content, into)
}

// plain takes the byte order mark off a content.
func plain(content string) (string, error) {
	switch {
	case strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff"):
		return "", errUTF16
	case strings.HasPrefix(content, "\x1f\x8b"):
		return "", errPacked
	}
	return strings.TrimPrefix(content, parsed.Mark), nil
}
