// What the labels of metrics can be, for who has to know: documents, dashboards, rules and their checks.

package collector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// valueSet is all that a label can be, where that is known beforehand. A metric's cardinality names it, where several are for one label.
type valueSet struct {
	name   string
	label  string
	values []string
}

// valueSets returns the closed sets; the first of a label is the one of metrics whose cardinality names none.
func valueSets() []valueSet {
	finals := finalStates()
	return []valueSet{
		{"states", "state", words(kie.States())},
		{"final states", "state", words(finals[:])},
		{"reasons", "reason", words(kie.Reasons())},
		{"classes", "class", words(kie.Classes())},
		{"classes but ok", "class", words(slices.DeleteFunc(slices.Clone(kie.Classes()), func(c kie.Class) bool { return c == kie.ClassOK }))},
		{"gate reasons", "reason", words(budget.Reasons())},
		{"pace bounds", "bound", []string{paceConfigured, paceLearned}},
		{"endpoints in use", "endpoint", words(kie.Endpoints())},
		{"rejections", "reason", words([]source.Rejection{
			source.RejectedInvalid, source.RejectedDuplicate, source.RejectedLimit, source.RejectedMaxTasks, source.RejectedListIDs,
			source.RejectedNoTask, source.RejectedSecret,
		})},
		{"refusals", "reason", words([]source.Rejection{
			source.RejectedLimit, source.RejectedMaxTasks, source.RejectedListIDs, source.KeptByOtherGroup,
		})},
		{"push results", "result", words(source.PushResults())},
		{"callback results", "result", words(webhook.Results())},
		{"share changes", "change", ShareChanges()},
		{"configurations", "config", []string{configSame, configOther}},
		{"questions", "question", words(question.Kinds())},
		{"mailbox results", "result", words(question.Results())},
		{"operations", "operation", words(store.Operations())},
		{"Redis operations", "operation", RedisOperations()},
		{"Redis results", "result", RedisResults()},
		{"overflows", "label", []string{overflowCode, overflowLabelKey, overflowModel}},
	}
}

func words[T any](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = fmt.Sprint(v)
	}
	return all
}

// origins says where the values of the other labels come from.
func origins() map[string]string {
	const build = "the build"
	return map[string]string{
		"account": "the name of an account in the configuration", "group": "the name of a group in the configuration",
		"source": "inline, http or push, or a file or pattern of the group as it is written in the configuration",
		"model":  "the API's answers, cleaned; other beyond limits.models", "task_id": "the lists",
		"fail_code": "the API's answers, cleaned; none where it told none, other beyond fifty",
		"shard":     "--shard, counted from 0", "total_shards": "--total-shards",
		"part":   "the parts of the account, counted from 0",
		"branch": build, "goarch": build, "goos": build, "goversion": build, "revision": build, "tags": build, "version": build,
	}
}

// closed returns all that a label of a metric can be, or nothing if that is not known beforehand.
func (m *Metric) closed(label string) []string {
	var values []string
	factors := strings.Split(m.Cardinality, " × ")
	for _, set := range valueSets() {
		if set.label != label {
			continue
		}
		if values == nil || slices.Contains(factors, set.name) {
			values = set.values
		}
	}
	return values
}
