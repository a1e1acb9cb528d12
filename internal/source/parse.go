// The formats of lists: lines of ids, lines of JSON.

package source

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	maxFile = 256 << 20 // bytes of a list file
	maxYAML = 64 << 20  // less, for a YAML list takes many times its size in memory while it is parsed
	maxLine = 1 << 20   // bytes of a line of JSON
)

var (
	errNoID   = errors.New("no task id: empty, over 128 bytes, not UTF-8, or with control characters")
	errNoTask = errors.New("not a JSON object with a taskId")
	errLong   = errors.New("line longer than 1 MiB")
	errUTF16  = errors.New("text is UTF-16, not UTF-8")
)

// parser visits each id that content lists, and each line that should list one and does not. If it returns an error, the
// content is no list, and nothing was visited. What is visited may share memory with content.
type parser func(content string, base *traits, visit func(item)) error

// format is how to read a list file.
type format struct {
	parse parser
	lines bool  // each line stands for itself
	max   int64 // bytes
}

// formatOf returns the format that the ending of a file's name stands for.
func formatOf(path string) format {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yml", ".yaml":
		return format{parse: parseYAML, max: maxYAML}
	case ".json":
		return format{parse: parseJSON, max: maxFile}
	case ".jsonl":
		return format{parse: parseJSONLines, lines: true, max: maxFile}
	}
	return format{parse: parseText, lines: true, max: maxFile}
}

// plain takes the byte order mark off a content.
func plain(content string) (string, error) {
	if strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff") {
		return "", errUTF16
	}
	return strings.TrimPrefix(content, "\ufeff"), nil
}

// check marks an item whose text is not an id.
func check(it item) item {
	if !kie.ValidID(it.text) {
		it.err = errNoID
	}
	return it
}

// parseText reads an id a line. A # inside a line belongs to the id.
func parseText(content string, base *traits, visit func(item)) error {
	number := 0
	for line := range strings.SplitSeq(content, "\n") {
		number++
		if id := strings.TrimSpace(line); id != "" && id[0] != '#' {
			visit(check(item{line: number, text: id, traits: base}))
		}
	}
	return nil
}

// parseJSONLines reads a JSON object a line.
func parseJSONLines(content string, base *traits, visit func(item)) error {
	models := map[string]*traits{"": base}
	number := 0
	for line := range strings.SplitSeq(content, "\n") {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		id, model, err := parseTask(line)
		if err != nil {
			visit(item{line: number, text: line, err: err})
			continue
		}
		of := models[model]
		if of == nil {
			of = &traits{group: base.group, model: kie.CleanLabel(model), labels: base.labels}
			models[model] = of
		}
		visit(check(item{line: number, text: id, traits: of}))
	}
	return nil
}

// parseTask reads an object with taskId and model, or the answer to the creation of a task.
func parseTask(line string) (id, model string, err error) {
	if len(line) > maxLine {
		return "", "", errLong
	}
	var task struct {
		TaskID string `json:"taskId"`
		Model  string
		Data   struct {
			TaskID string `json:"taskId"`
		}
	}
	if json.Unmarshal([]byte(line), &task) != nil {
		return "", "", errNoTask
	}
	if task.TaskID == "" {
		task.TaskID = task.Data.TaskID
	}
	if task.TaskID == "" {
		return "", "", errNoTask
	}
	return task.TaskID, task.Model, nil
}
