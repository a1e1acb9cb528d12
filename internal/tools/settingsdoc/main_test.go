package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/settings"
)

const root = "../../.."

func TestWhatIsGeneratedIsCurrent(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what go generate ./config makes of the declaration: %v", name, err)
		}
	}
}

func TestASettingWithoutACommentIsRefused(t *testing.T) {
	if err := (comments{}).complete(config.Declaration()); err == nil || !strings.Contains(err.Error(), "Config.Accounts has no comment") {
		t.Errorf("got %v", err)
	}
}

func TestTheExampleHasEverySettingWithAComment(t *testing.T) {
	text := read(t, "config/kie_exporter.example.yml")
	var check func(of *settings.Struct, part string)
	check = func(of *settings.Struct, part string) {
		for s := range offered(of) {
			// A comment, and then the setting, which may itself be commented out.
			found := regexp.MustCompile(`(?m)^ *(# +)?# .*\n *(- |(# +)+)?` + s.Name + `:`).FindStringIndex(part)
			if found == nil {
				t.Errorf("no %s with a comment", s.Name)
				continue
			}
			if inner := objectOf(s.Type); inner != nil && s.Example == "" {
				check(inner, part[found[0]:])
			}
		}
	}
	check(config.Declaration(), text)
}

// file is a configuration, and whether the decoder and the schema take it.
type file struct {
	text            string
	decoder, schema bool
}

// What the schema takes and the decoder doesn't are times and sizes out of range, which are text, and settings that don't fit each other.
var files = map[string]file{
	"the shortest":                      {"groups: [{tasks: [a]}]", true, true},
	"one file is enough":                {"groups: [{tasks: [], files: ['*.txt']}]", true, true},
	"texts that look like numbers":      {"groups: [{name: 007, tasks: [1, 2.5, true, 2024-01-02], labels: {season: 2, on: true}}]", true, true},
	"times without a unit that are 0":   {"groups: [{tasks: [a]}]\npolling: {max_wait: 0}\naccounts: [{credits_interval: 0}]", true, true},
	"bytes without a unit":              {"groups: [{tasks: [a]}]\nlimits: {list_bytes: 2048}", true, true},
	"bytes with several units":          {"groups: [{tasks: [a]}]\nlimits: {list_bytes: 1MiB512KiB}", true, true},
	"a list by HTTP":                    {"groups: [{http: {url: 'http://h/l', http_client: {basic_auth: {username: u, password: p}, follow_redirects: false}}}]", true, true},
	"headers":                           {"groups: [{tasks: [a]}]\naccounts: [{http_client: {http_headers: {X-A: {values: [a], secrets: [b], files: [c]}}}}]", true, true},
	"TLS":                               {"groups: [{tasks: [a]}]\naccounts: [{http_client: {tls_config: {min_version: TLS13, insecure_skip_verify: true}}}]", true, true},
	"nothing":                           {"{}", false, false},
	"no groups":                         {"polling: {background: true}", false, false},
	"groups that are none":              {"groups: []", false, false},
	"a group without ids":               {"groups: [{name: a}]", false, false},
	"a group with an empty list":        {"groups: [{tasks: [], files: []}]", false, false},
	"a list by HTTP without URL":        {"groups: [{http: {refresh_interval: 30s}}]", false, false},
	"an unknown key":                    {"groups: [{tasks: [a]}]\npoling: {}", false, false},
	"an unknown key of a group":         {"groups: [{taks: [a], tasks: [a]}]", false, false},
	"an unknown key of a client":        {"groups: [{tasks: [a]}]\naccounts: [{http_client: {tls: {}}}]", false, false},
	"a client with its own key":         {"groups: [{tasks: [a]}]\naccounts: [{http_client: {bearer_token: x}}]", false, false},
	"redirects":                         {"groups: [{tasks: [a]}]\naccounts: [{http_client: {follow_redirects: true}}]", false, false},
	"a text for a list":                 {"groups: [{tasks: a}]", false, false},
	"a list for a text":                 {"groups: [{name: [a], tasks: [a]}]", false, false},
	"no value":                          {"groups: [{name: ~, tasks: [a]}]", false, false},
	"a section without value":           {"groups: [{tasks: [a]}]\nlimits:", false, false},
	"a text for a truth value":          {"groups: [{tasks: [a], webhook: 'true'}]", false, false},
	"a text for a number":               {"groups: [{tasks: [a], max_tasks: '5'}]", false, false},
	"a fraction for a whole number":     {"groups: [{tasks: [a], max_tasks: 2.5}]", false, false},
	"too great a number":                {"groups: [{tasks: [a]}]\nlimits: {models: 10001}", false, false},
	"too small a number":                {"groups: [{tasks: [a]}]\nlimits: {models: 0}", false, false},
	"a rate of 0":                       {"groups: [{tasks: [a]}]\naccounts: [{requests_per_second: 0}]", false, false},
	"too few bytes":                     {"groups: [{tasks: [a]}]\nlimits: {list_bytes: 1023}", false, false},
	"no bytes":                          {"groups: [{tasks: [a]}]\nlimits: {list_bytes: 5 apples}", false, false},
	"a time without unit":               {"groups: [{tasks: [a]}]\naccounts: [{timeout: 30}]", false, false},
	"no time":                           {"groups: [{tasks: [a]}]\npolling: {max_wait: 1.5s}", false, false},
	"a name with a space":               {"groups: [{name: a b, tasks: [a]}]", false, false},
	"an id that is too long":            {"groups: [{tasks: [" + strings.Repeat("x", 129) + "]}]", false, false},
	"no label name":                     {"groups: [{tasks: [a], labels: {1a: x}}]", false, false},
	"a label of our own":                {"groups: [{tasks: [a], labels: {__a: x}}]", false, false},
	"no URL":                            {"groups: [{tasks: [a]}]\naccounts: [{base_url: api}]", false, false},
	"an empty file name":                {"groups: [{tasks: [a]}]\naccounts: [{credentials_file: ''}]", false, false},
	"three webhook keys":                {"groups: [{tasks: [a]}]\naccounts: [{webhook_keys_files: [a, b, c]}]", false, false},
	"a pattern twice":                   {"groups: [{files: [a, a]}]", false, false},
	"no version of TLS":                 {"groups: [{tasks: [a]}]\naccounts: [{http_client: {tls_config: {min_version: SSL3}}}]", false, false},
	"no header name":                    {"groups: [{tasks: [a]}]\naccounts: [{http_client: {http_headers: {'a b': {}}}}]", false, false},
	"too long a time":                   {"groups: [{tasks: [a]}]\naccounts: [{timeout: 1h}]", false, true},
	"too many bytes, with a unit":       {"groups: [{tasks: [a]}]\nlimits: {list_bytes: 2GiB}", false, true},
	"intervals the wrong way round":     {"groups: [{tasks: [a]}]\npolling: {min_interval: 10s, max_interval: 9s}", false, true},
	"more series than tasks":            {"groups: [{tasks: [a]}]\nlimits: {tasks: 10, task_series: 11}", false, true},
	"a group of an account there isn't": {"groups: [{tasks: [a], account: b}]", false, true},
}

func TestTheSchemaTakesWhatTheDecoderTakes(t *testing.T) {
	schema := compile(t)
	for name, test := range files {
		_, err := load(t, test.text)
		if took := err == nil; took != test.decoder {
			t.Errorf("%s: the decoder takes it: %t, %v", name, took, err)
		}
		err = schema.Validate(value(t, test.text))
		if took := err == nil; took != test.schema {
			t.Errorf("%s: the schema takes it: %t, %v", name, took, err)
		}
		if test.decoder && !test.schema {
			t.Errorf("%s: editors complain of it", name)
		}
	}
}

func TestTheSchemaTakesTheExamplesAndAllThatIsShown(t *testing.T) {
	schema := compile(t)
	texts := []string{
		read(t, "config/kie_exporter.example.yml"), read(t, "deploy/systemd/kie_exporter.yml"), read(t, "deploy/compose/exporter/kie_exporter.yml"),
		read(t, "deploy/kubernetes/base/kie_exporter.yml"), read(t, "deploy/kubernetes/shards/kie_exporter.yml"),
	}
	for block := range strings.SplitSeq(read(t, "config/testdata/shown.txt"), "#### ") {
		text, shown, _ := strings.Cut(block, "=>\n")
		_, text, _ = strings.Cut(text, "\n")
		texts = append(texts, text, shown)
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		if err := schema.Validate(value(t, text)); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// TestTheSchemaHasTheSettingsOfTheDecoder asks the decoder at each object of the schema which keys it knows, and at each leaf
// whether it is one.
func TestTheSchemaHasTheSettingsOfTheDecoder(t *testing.T) {
	document := parse(t)
	leaves := 0
	var check func(schema map[string]any, path []string)
	check = func(schema map[string]any, path []string) {
		properties, _ := schema["properties"].(map[string]any)
		if properties == nil {
			leaves++
			if problem := problemAt(t, path, "~"); !strings.Contains(problem, ": has no value; it must be ") {
				t.Errorf("%s is in the schema, and the decoder says: %s", strings.Join(path, "."), problem)
			}
			return
		}
		_, known, _ := strings.Cut(problemAt(t, append(slices.Clip(path), "unheard_of"), "1"), "unknown key; known here: ")
		for name := range strings.SplitSeq(known, ", ") {
			if properties[name] == nil && !strings.Contains(problemAt(t, append(slices.Clip(path), name), "1"), "is not possible") {
				t.Errorf("the decoder takes %s, which is not in the schema", strings.Join(append(path, name), "."))
			}
		}
		for name, property := range properties {
			check(innermost(property.(map[string]any)), append(slices.Clip(path), steps(name, property.(map[string]any))...))
		}
	}
	check(document, nil)
	if leaves < 60 {
		t.Errorf("only %d settings", leaves)
	}
}

// innermost returns the schema of an object in a list or mapping of such, or schema itself.
func innermost(schema map[string]any) map[string]any {
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok && inner["properties"] != nil {
			return inner
		}
	}
	return schema
}

// steps returns the keys that lead to the settings below a property; "" stands for an item of a list.
func steps(name string, property map[string]any) []string {
	if inner := innermost(property); inner["properties"] == nil || property["properties"] != nil {
		return []string{name}
	} else if property["items"] != nil {
		return []string{name, ""}
	}
	return []string{name, "X"}
}

// problemAt returns what the decoder says of a file in which this setting has this value.
func problemAt(t *testing.T, path []string, text string) string {
	t.Helper()
	for _, key := range slices.Backward(path) {
		if key == "" {
			text = "[" + text + "]"
		} else {
			text = "{" + key + ": " + text + "}"
		}
	}
	_, err := load(t, text)
	var field strings.Builder
	for _, key := range path {
		switch {
		case key == "":
			field.WriteString("[0]")
		case field.Len() == 0:
			field.WriteString(key)
		default:
			field.WriteString("." + key)
		}
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, ": "+field.String()+": ") {
			return strings.TrimSpace(line)
		}
	}
	t.Errorf("nothing about %s in %v", field.String(), err)
	return ""
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// load has the decoder read a file.
func load(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kie.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, func(string) string { return "a-key" })
}

func parse(t *testing.T) map[string]any {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, "config/kie_exporter.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	return document.(map[string]any)
}

// compile returns the schema, as a validator of the draft that it names.
func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", parse(t)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if schema.DraftVersion != 2020 {
		t.Errorf("it is of draft %d", schema.DraftVersion)
	}
	return schema
}

// value returns what a YAML file holds, as JSON has it, which knows no times.
func value(t *testing.T, text string) any {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return inJSON(t, document.Content[0])
}

func inJSON(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch {
	case n.Kind == yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = inJSON(t, n.Content[i+1])
		}
		return object
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, inJSON(t, item))
		}
		return list
	case n.Tag == "!!timestamp":
		return n.Value
	}
	var scalar any
	if err := n.Decode(&scalar); err != nil {
		t.Fatal(err)
	}
	return scalar
}
