// The series of single tasks as text, made by the same table as those for a registry.

package collector

import (
	"math"
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// TaskText writes the series of single tasks as lines that mean the same in the text format and in OpenMetrics. It is not safe
// for concurrent use.
type TaskText struct {
	choice   taskseries.Choice
	keys     []string // of the tasks' own labels
	families []family
	series   []*series // of each family
	content  content   // of one task
	task     view.Task
	labels   [3]dto.LabelPair
}

// NewTaskText returns what writes the chosen series of tasks with labels of the given keys.
func NewTaskText(choice taskseries.Choice, labelKeys []string) *TaskText {
	t := &TaskText{choice: choice, keys: labelKeys, families: families(taskMetrics(choice))}
	t.labels[0] = dto.LabelPair{Name: new("group"), Value: &t.task.Group}
	t.labels[1] = dto.LabelPair{Name: new("model"), Value: &t.task.Model}
	t.labels[2] = dto.LabelPair{Name: new("task_id"), Value: &t.task.ID}
	t.content = content{labelKeys: labelKeys, tasks: []entity[view.Task]{{
		subject: &t.task, labels: []*dto.LabelPair{&t.labels[0], &t.labels[1], &t.labels[2]},
	}}}
	for _, f := range t.families {
		s := f.series(&t.content, nil)
		s.lines = newLines(f.Name, s.names)
		t.series = append(t.series, s)
	}
	return t
}

// IsFor reports whether the text is of the chosen series of tasks with labels of the given keys.
func (t *TaskText) IsFor(choice taskseries.Choice, labelKeys []string) bool {
	return t.choice.Equal(choice) && slices.Equal(t.keys, labelKeys)
}

// Families returns how many metrics there are of a task.
func (t *TaskText) Families() int { return len(t.families) }

// AppendHead appends what comes before the series of a family.
func (t *TaskText) AppendHead(to []byte, family int) []byte {
	f := t.families[family]
	to = append(append(append(to, "# HELP "...), f.Name...), ' ')
	to = append(append(to, f.Help...), "\n# TYPE "...)
	return append(append(append(append(to, f.Name...), ' '), f.Type...), '\n')
}

// Append appends the series of a block's tasks that belong to a family.
func (t *TaskText) Append(to []byte, family int, b *view.Block) []byte {
	s := t.series[family]
	s.lines.text = to
	for i := range b.Len() {
		b.Read(i, &t.task)
		t.families[family].collect(&t.content, s)
	}
	to, s.lines.text = s.lines.text, nil
	return to
}

// lines takes samples as lines of text.
type lines struct {
	text        []byte
	name        string
	beforeValue []string // what comes before the value of each label
}

func newLines(name string, labels []string) *lines {
	l := &lines{name: name}
	open := "{"
	for _, label := range labels {
		l.beforeValue = append(l.beforeValue, open+label+`="`)
		open = `",`
	}
	return l
}

// put appends a sample. Its labels are those of the entity, shared, and own ones, sorted by name together.
func (l *lines) put(names []string, shared []*dto.LabelPair, own []string, value float64) {
	to := l.text
	to = append(to, l.name...)
	for i, name := range names {
		to = append(to, l.beforeValue[i]...)
		if len(shared) > 0 && shared[0].GetName() == name {
			to, shared = appendEscaped(to, shared[0].GetValue()), shared[1:]
		} else {
			to, own = appendEscaped(to, own[0]), own[1:]
		}
	}
	to = append(to, `"} `...)
	l.text = append(appendNumber(to, value), '\n')
}

// appendEscaped appends the value of a label.
func appendEscaped(to []byte, value string) []byte {
	start := 0
	for i := range len(value) {
		var escaped string
		switch value[i] {
		case '\\':
			escaped = `\\`
		case '"':
			escaped = `\"`
		case '\n':
			escaped = `\n`
		default:
			continue
		}
		to = append(append(to, value[start:i]...), escaped...)
		start = i + 1
	}
	return append(to, value[start:]...)
}

// appendNumber appends a value as the text format has it. OpenMetrics takes an integer without a point, too.
func appendNumber(to []byte, value float64) []byte {
	switch {
	case value == 0:
		return append(to, '0') // -0, too
	case math.IsInf(value, 1):
		return append(to, "+Inf"...)
	default:
		return strconv.AppendFloat(to, value, 'g', -1, 64)
	}
}
