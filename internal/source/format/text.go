// Lists of lines, each of which is an id.

package format

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

var (
	errIsMarkup = errors.New("looks like HTML or XML, not like lines of ids")
	errIsJSON   = errors.New("looks like JSON, not like lines of ids; a list of JSON lines is called .jsonl, a JSON list .json")
	errIsCSV    = errors.New("holds a comma, like CSV: want nothing but an id on each line")
)

// parseText reads an id a line. A # inside a line belongs to the id.
func parseText(content string, h *parsed.List) error {
	number := h.LinesBefore()
	for at := 0; at < len(content); {
		number++
		end := strings.IndexByte(content[at:], '\n')
		line := parsed.Span{Text: content[at:], At: at}
		if end >= 0 {
			line.Text = line.Text[:end]
		}
		at += len(line.Text) + 1
		id := line
		if len(id.Text) <= parsed.MaxRaw && !parsed.IsPlain(id.Text) {
			id = id.Without(func(r rune) bool { return unicode.IsSpace(r) || parsed.IsInvisible(r) })
		}
		switch {
		case end < 0 && h.Waits(line.Text):
			return nil
		case id.Text == "" || id.Text[0] == '#':
		default:
			if err := otherFormat(id.Text); err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			h.ID(id, 0, number)
		}
		if err := h.Spend(len(line.Text) + 1); err != nil {
			return err
		}
	}
	return nil
}

// otherFormat tells a line of another format from one that has, or should have, an id.
func otherFormat(line string) error {
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
