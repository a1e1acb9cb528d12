// The formats of lists, and which one a list has. Lines of ids.

package source

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/alecthomas/units"
)

const (
	maxYAML = 4 << 20 // bytes of a YAML list, which takes many times its size in memory while it is parsed
	maxID   = 128
	maxRaw  = 64 << 10 // bytes of an id with what is taken off around it
)

const endings = ".txt or no ending, .yml, .yaml, .json, .jsonl, .ndjson"

var (
	errEnding   = errors.New("the name's ending is none of a list: want " + endings + ", also rotated (.1) and packed (.gz)")
	errUTF16    = errors.New("text is UTF-16, not UTF-8")
	errPacked   = errors.New("is packed with gzip, but neither its name nor its Content-Encoding says so")
	errIsMarkup = errors.New("looks like HTML or XML, not like lines of ids")
	errIsJSON   = errors.New("looks like JSON, not like lines of ids; a list of JSON lines is called .jsonl, a JSON list .json")
	errIsCSV    = errors.New("holds a comma, like CSV: want nothing but an id on each line")
)

// parser puts what content lists into a harvest. If it returns an error, the content is no list.
type parser func(content string, h *harvest) error

// format is how to read a list file.
type format struct {
	parse  parser
	lines  bool // each part stands for itself
	packed bool // with gzip
	yaml   bool
}

// formats are those that an ending stands for.
var formats = map[string]format{
	"":       {parse: parseText, lines: true},
	"txt":    {parse: parseText, lines: true},
	"jsonl":  {parse: parseJSONLines, lines: true},
	"ndjson": {parse: parseJSONLines, lines: true},
	"json":   {parse: parseJSON},
	"yml":    {parse: parseYAML, yaml: true},
	"yaml":   {parse: parseYAML, yaml: true},
}

// size bounds the bytes of a list, and says what with.
type size struct {
	most int64
	by   string
}

// within returns how many bytes a list may have.
func (f format) within(bytes int64) size {
	if f.yaml && bytes > maxYAML {
		return size{maxYAML, "for YAML; a list of lines of ids or of JSON may be longer"}
	}
	return size{bytes, "of limits.list_bytes"}
}

func (s size) error() error {
	return fmt.Errorf("%w: over the %v %s", errTooLarge, units.Base2Bytes(s.most), s.by)
}

// rotated is what is added to the name of a file that was rotated: a number or a time.
var rotated = regexp.MustCompile(`[.-]\d[0-9tz:_+.-]*$`)

// formatOf returns the format that the ending of a file's name stands for, whether rotated and packed or not.
func formatOf(path string) (format, error) {
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
		return format{}, errEnding
	}
	f.packed = packed
	return f, nil
}

// plain takes the byte order mark off a content.
func plain(content string) (string, error) {
	switch {
	case strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff"):
		return "", errUTF16
	case strings.HasPrefix(content, "\x1f\x8b"):
		return "", errPacked
	}
	return strings.TrimPrefix(content, mark), nil
}

// parseText reads an id a line. A # inside a line belongs to the id.
func parseText(content string, h *harvest) error {
	number := 0
	for at := 0; at < len(content); {
		number++
		end := strings.IndexByte(content[at:], '\n')
		line := piece{content[at:], at}
		if end >= 0 {
			line.text = line.text[:end]
		}
		at += len(line.text) + 1
		id := line
		if len(id.text) <= maxRaw && !isPlain(id.text) {
			id = id.without(func(r rune) bool { return unicode.IsSpace(r) || unseen(r) })
		}
		switch {
		case end < 0 && h.waits(line.text):
			return nil
		case id.text == "" || id.text[0] == '#':
		default:
			if err := isForeign(id.text); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			h.id(id, 0, number)
		}
		if err := h.spend(len(line.text) + 1); err != nil {
			return err
		}
	}
	return nil
}

// isForeign tells a line of another format from one that has, or should have, an id.
func isForeign(line string) error {
	switch {
	case line[0] == '<':
		return errIsMarkup
	case line[0] == '{' || line[0] == '[', len(line) > 1 && line[0] == '"' && line[len(line)-1] == '"':
		return errIsJSON
	case strings.IndexByte(line, ',') >= 0:
		return errIsCSV
	}
	return nil
}
