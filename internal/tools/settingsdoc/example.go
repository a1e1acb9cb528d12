// The example.

package main

import (
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/settings"
)

const exampleIntroduction = `# yaml-language-server: $schema=kie_exporter.schema.json
#
# The configuration of kie_exporter, with every setting there is. Values shown are the defaults, except in groups.
# Paths are relative to this file's folder. Times have a unit: 500ms, 30s, 1m30s, 1h, 1d.
# docs/configuration.md has the same as a table. Both are written by "go generate ./config" from the fields of config/config.go.

`

// example returns a file with every setting and what is said of it.
func (c comments) example(of *settings.Struct) []byte {
	return []byte(exampleIntroduction + strings.Join(c.object(of), "\n") + "\n")
}

// object returns the lines of an object's settings.
func (c comments) object(of *settings.Struct) []string {
	var lines []string
	for s := range offered(of) {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, c.remarks(s)...)
		lines = append(lines, c.value(s)...)
	}
	return lines
}

// remarks returns what is said of a setting, and its range and default unless they are seen.
func (c comments) remarks(s *settings.Setting) []string {
	var lines []string
	for line := range strings.SplitSeq(c.text(s), "\n") {
		if line != "" {
			lines = append(lines, "# "+strings.ReplaceAll(line, "\t", "  "))
		}
	}
	var facts []string
	if words := rangeOf(s.Type); words != "" {
		facts = append(facts, strings.ToUpper(words[:1])+words[1:]+".")
	}
	if s.Unset != "" {
		facts = append(facts, "Default: "+defaultOf(s, func(s string) string { return s })+".")
	}
	if len(facts) > 0 {
		lines = append(lines, "# "+strings.Join(facts, " "))
	}
	return lines
}

// value returns a setting with its value.
func (c comments) value(s *settings.Setting) []string {
	switch {
	case s.Sample != "":
		return []string{"# " + s.Name + ": " + s.Sample}
	case s.Example != "":
		return []string{s.Name + ": " + s.Example}
	case s.Default != "":
		return []string{s.Name + ": " + s.Default}
	}
	object := indented("  ", c.object(objectOf(s.Type)))
	if _, list := s.Type.(*settings.List); list {
		object = item(object)
	}
	lines := append([]string{s.Name + ":"}, object...)
	if s.Optional {
		return indented("# ", lines)
	}
	return lines
}

// item makes of an object the first item of a list.
func item(object []string) []string {
	first := true
	for i, line := range object {
		switch {
		case first && strings.HasPrefix(line, "  #"):
		case first:
			object[i], first = "  - "+strings.TrimPrefix(line, "  "), false
		case line != "":
			object[i] = "  " + line
		}
	}
	return object
}

func indented(by string, lines []string) []string {
	result := make([]string, len(lines))
	for i, line := range lines {
		result[i] = strings.TrimRight(by+line, " ")
	}
	return result
}
