package format

import (
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source/jsonlist"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/yamllist"
)

// A line, or an entry, says where its tasks are asked about. What names no endpoint that there is, is not asked about at another.
func TestAListSaysWhereItsTasksAreAskedAbout(t *testing.T) {
	for name, tt := range map[string]struct {
		parse   Parser
		content string
		want    string // ids and their endpoints
		bad     int
		err     error
	}{
		"lines": {
			parse: jsonlist.ParseLines, content: `{"taskId":"a","endpoint":"suno"}` + "\n" + `{"endpoint":"veo","model":"veo3","data":{"taskId":"b"}}` + "\n" + `{"taskId":"c"}` + "\n",
			want: "a=suno b=veo c=",
		},
		"lines with names of none": {
			parse: jsonlist.ParseLines, content: `{"taskId":"a","endpoint":"Suno"}` + "\n" + `{"taskId":"b","endpoint":"credit"}` + "\n" + `{"taskId":"c","endpoint":7}` + "\n",
			want: "c=", bad: 2,
		},
		"entries in JSON": {
			parse: jsonlist.Parse, content: `[{"tasks":["a",{"taskId":"b"}],"endpoint":"suno"},{"endpoint":"jobs","tasks":["c"],"labels":{"x":"y"}},{"tasks":["d"]},{"taskId":"e","endpoint":"mp4"}]`,
			want: "a=suno b=suno c=jobs d= e=mp4",
		},
		"an endpoint amid an entry": {
			parse: jsonlist.Parse, content: `[{"tasks":[{"taskId":"a","endpoint":"veo"},"b"],"endpoint":"suno"}]`, want: "b=suno", bad: 1,
		},
		"an entry with a name of none": {parse: jsonlist.Parse, content: `[{"tasks":["a"],"endpoint":"songs"}]`, err: parsed.ErrEndpoint},
		"entries in YAML": {
			parse: yamllist.Parse, content: "- {tasks: [a, {taskId: b}], endpoint: suno}\n- tasks: [c]\n  labels: {x: y}\n- {taskId: d, endpoint: veo}\n",
			want: "a=suno b=suno c= d=veo",
		},
		"an entry in YAML with a name of none": {parse: yamllist.Parse, content: "- {tasks: [a], endpoint: songs}\n", err: parsed.ErrEndpoint},
		"a task in YAML with a name of none":   {parse: yamllist.Parse, content: "- {taskId: a, endpoint: songs}\n- b\n", want: "b=", bad: 1},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := found(t, tt.parse, tt.content)
			if tt.err != nil {
				if err == nil || !strings.Contains(err.Error(), tt.err.Error()) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			each(h, func(id string, attrs parsed.Attrs) { got = append(got, id+"="+attrs.Endpoint) })
			if text := strings.Join(got, " "); text != tt.want || h.Report().Count != tt.bad {
				t.Errorf("%s, %d bad; want %s, %d", text, h.Report().Count, tt.want, tt.bad)
			}
		})
	}
}
