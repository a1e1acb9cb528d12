// Package lists makes the texts of lists for tests: long ones, packed ones, answers of createTask, and some that are made to be slow.
package lists

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// Created is an answer of createTask, as it comes: without a newline.
func Created(id string) string {
	return fmt.Sprintf(`{"code":200,"msg":"success","data":{"taskId":%q,"recordId":%q}}`, id, id)
}

// Numbered is a format with the numbers from 0 to n-1.
func Numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// Packed is a content packed with gzip.
func Packed(tb testing.TB, content string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(content)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// Costly are lists that are made to be slow, by names of files: those in YAML of so many bytes, and JSON as deep as it may be.
func Costly(yaml, deep int) map[string]string {
	fill := func(part string, size int) string { return strings.Repeat(part, size/len(part)) }
	return map[string]string{
		"directives.yml": fill("%TAG !a! tag:x\n", yaml), "other directives.yml": "# x\n" + fill("%X y\n", yaml-8),
		"keys.yml": "- " + fill("a: b\n  ", yaml-8), "flow.yml": "[" + fill("a,", yaml-8), "comments.yml": fill("- a # x\n# y\n", yaml),
		"nested.yml": fill("- ", yaml), "anchors.yml": fill("- &a b\n", yaml), "blocks.yml": fill("- |\n  a\n", yaml),
		"begun.jsonl": fill("[[],\n", 1<<20), "nested.jsonl": fill("[", 1<<20), "keys.jsonl": fill(`{"a":`+"\n", 1<<20), "strings.jsonl": fill(`"a":`+"\n", 1<<20),
		"ids in a line.jsonl": fill(`"task_12345678" `, 1<<20),
		"quotes.jsonl":        fill(`"`+"\n", 1<<20), "blanks.jsonl": fill(" ", 1<<20), "deep.jsonl": fill(strings.Repeat("[", deep-1)+"1,\n", 1<<20), "braces.jsonl": fill("{}", 1<<20),
		"nested.json": fill("[", 1<<20), "keys.json": "[{" + fill(`"a":1,`, 1<<20), "key.json": `[{"` + fill("a", 4<<20) + `":1}]`, "escapes.json": `["` + fill(`\u0061`, 1<<20) + `"]`,
		"bad.txt": fill("\x00\n", 1<<20), "line.txt": fill("x", 1<<20), "invisible.txt": fill("\u200b", 1<<20),
	}
}

// LongRuns are YAML texts with lines that look like ids of a list, and may be something else.
func LongRuns() map[string]string {
	ids := Numbered("- id%d\n", 40)
	deeper := strings.ReplaceAll("\n"+strings.TrimSuffix(ids, "\n"), "\n", "\n  ")
	return map[string]string{
		"a list":                     ids,
		"without an end":             strings.TrimSuffix(ids, "\n"),
		"with CR":                    strings.ReplaceAll(ids, "\n", "\r\n"),
		"two lists":                  "- tasks:" + deeper + "\n  labels: {a: b}\n- tasks:" + deeper + "\n",
		"goes on on the next line":   ids + "  and more\n",
		"goes on before":             "- and\n  more\n" + ids,
		"a text of several lines":    "- tasks: [a]\n  labels:\n    a: b" + strings.ReplaceAll(deeper, "\n", "\n    ") + "\n",
		"a text kept as it is":       "- tasks: [a]\n  labels:\n    a: |" + strings.ReplaceAll(deeper, "\n", "\n    ") + "\n",
		"in quotes":                  "- \"a" + deeper + "\"\n",
		"below an id":                "- a" + deeper + "\n",
		"a list in a list":           "-" + deeper + "\n",
		"null amid":                  ids + "- null\n" + ids + "- ~\n" + ids,
		"quoted, and like a number":  Numbered("- \"%d\"\n", 40) + Numbered("- '%d'\n", 40) + Numbered("- %d\n", 40) + Numbered("- 0x%d\n", 40),
		"comments and empty lines":   ids + "# a comment\n\n" + ids + "- b # a comment\n" + ids,
		"another depth":              "- tasks:" + deeper + "\n" + ids,
		"objects beside":             "- tasks:" + deeper + "\n  - taskId: b" + deeper + "\n",
		"as an answer":               "data:\n" + ids,
		"tasks of the whole":         "tasks:\n" + ids + "labels: {a: b}\n",
		"a second document":          ids + "---\n" + ids,
		"a key twice":                "tasks:\n" + ids + "tasks:\n" + ids,
		"not closed":                 "- [\n" + ids,
		"a directive after the list": ids + "%TAG ! x\n",
		"an id that is too long":     ids + "- " + strings.Repeat("x", 200) + "\n" + Numbered("- "+strings.Repeat("y", 150)+"%d\n", 30),
	}
}
