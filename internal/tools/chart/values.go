// What values.yaml says of its values.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kie-exporter/kie_exporter/internal/tools/marked"
)

// value is one that has a comment.
type value struct {
	path    []string
	section string // the title above it
	meaning string
	byItem  string // the default, as JSON on one line
}

// parse returns all values in their order. Each has a comment, or is a mapping of which each has.
func parse(text []byte) ([]value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	titles := sections(text)
	var all []value
	var walk func(mapping *yaml.Node, above []string) error
	walk = func(mapping *yaml.Node, above []string) error {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			key, content := mapping.Content[i], mapping.Content[i+1]
			path := append(append([]string(nil), above...), key.Value)
			switch meaning := comment(key.HeadComment); {
			case meaning != "":
				byItem, err := defaultOf(content)
				if err != nil {
					return fmt.Errorf("%s: %w", strings.Join(path, "."), err)
				}
				all = append(all, value{path: path, section: titles[path[0]], meaning: meaning, byItem: byItem})
			case content.Kind == yaml.MappingNode && len(content.Content) > 0:
				if err := walk(content, path); err != nil {
					return err
				}
			default:
				return fmt.Errorf("line %d: %s has no comment", key.Line, strings.Join(path, "."))
			}
		}
		return nil
	}
	if len(document.Content) == 0 {
		return nil, errors.New("is empty")
	}
	return all, walk(document.Content[0], nil)
}

var topKey = regexp.MustCompile(`^([A-Za-z]+):`)

// sections returns the title above each value of the top level: a line that begins with ##.
func sections(text []byte) map[string]string {
	title, titles := "", map[string]string{}
	for line := range bytes.Lines(text) {
		if t, ok := bytes.CutPrefix(line, []byte("## ")); ok {
			title = string(bytes.TrimSpace(t))
		}
		if m := topKey.FindSubmatch(line); m != nil {
			titles[string(m[1])] = title
		}
	}
	return titles
}

// comment returns the text of the comment right above a value, on one line.
func comment(head string) string {
	var words []string
	for line := range strings.SplitSeq(head, "\n") {
		switch text, ok := strings.CutPrefix(line, "# "); {
		case ok:
			words = append(words, text)
		default: // a title, or an empty line
			words = nil
		}
	}
	return strings.Join(words, " ")
}

func defaultOf(content *yaml.Node) (string, error) {
	var v any
	if err := content.Decode(&v); err != nil {
		return "", err
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(text.String()), err
}

const (
	begins = "<!-- Values; generated from values.yaml by `make generate`, do not edit. -->"
	ends   = "<!-- End of values. -->"
)

// writeTables writes a table for each section into a README.
func writeTables(path string, values []value) error {
	var b bytes.Buffer
	section := ""
	for _, v := range values {
		if v.section != section {
			if section != "" {
				b.WriteString("\n")
			}
			section = v.section
			fmt.Fprintf(&b, "### %s\n\n| value | default | meaning |\n|---|---|---|\n", section)
		}
		cell := strings.ReplaceAll(v.byItem, "|", `\|`)
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", strings.Join(v.path, "."), cell, strings.ReplaceAll(v.meaning, "|", `\|`))
	}
	return marked.Write(path, begins, ends, b.Bytes())
}
