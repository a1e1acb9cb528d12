package app_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/openapi"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// described is the description of the API.
type described struct {
	t    *testing.T
	root map[string]any
	seen map[string]bool // operations and statuses that were met
}

func describe(t *testing.T) *described {
	t.Helper()
	d := &described{t: t, seen: make(map[string]bool)}
	if err := yaml.Unmarshal(openapi.Document, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// follow returns what a value refers to, or the value.
func (d *described) follow(v any) map[string]any {
	d.t.Helper()
	object, _ := v.(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok {
		return object
	}
	at := d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		next, ok := at[part].(map[string]any)
		if !ok {
			d.t.Fatalf("%s leads nowhere", ref)
		}
		at = next
	}
	return at
}

// operations returns the responses of every operation by status, by method and path.
func (d *described) operations() map[string]map[string]any {
	all := make(map[string]map[string]any)
	for path, item := range d.root["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method != "parameters" {
				all[strings.ToUpper(method)+" "+path] = operation.(map[string]any)["responses"].(map[string]any)
			}
		}
	}
	return all
}

// routes returns every route of the API that the program registers anywhere.
func routes(t *testing.T) (all []string) {
	t.Helper()
	route := regexp.MustCompile(`^[A-Z]+ /api/v1/`)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/sim/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				if s, err := strconv.Unquote(text.Value); err == nil && route.MatchString(s) {
					all = append(all, s)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryRouteOfTheAPIIsDescribedAndEveryOneDescribedExists(t *testing.T) {
	d := describe(t)
	described, there := slices.Sorted(maps.Keys(d.operations())), routes(t)
	slices.Sort(there)
	if !slices.Equal(described, there) {
		t.Errorf("described are %q, and there are %q", described, there)
	}
	var refs func(v any)
	refs = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			d.follow(v)
			for _, inner := range v {
				refs(inner)
			}
		case []any:
			for _, inner := range v {
				refs(inner)
			}
		}
	}
	refs(d.root)
}

// check sees that an answer is one that is described.
func (d *described) check(operation string, status int, header http.Header, body string) {
	d.t.Helper()
	response, ok := d.operations()[operation][strconv.Itoa(status)]
	if !ok {
		d.t.Errorf("%s answers %d, which is not described: %s", operation, status, body)
		return
	}
	d.seen[operation+" "+strconv.Itoa(status)] = true
	d.checkResponse(fmt.Sprint(operation, " ", status), response, header, body)
}

// checkResponse sees that an answer is the one that is described.
func (d *described) checkResponse(operation string, response any, header http.Header, body string) {
	d.t.Helper()
	described := d.follow(response)
	headers, _ := described["headers"].(map[string]any)
	for name, of := range headers {
		if d.follow(of)["required"] == true && header.Get(name) == "" {
			d.t.Errorf("%s is answered without %s", operation, name)
		}
	}
	for _, name := range []string{"Allow", "WWW-Authenticate", "Retry-After", "Accept-Post", "Accept-Encoding"} {
		if headers[name] == nil && header.Get(name) != "" {
			d.t.Errorf("%s is answered with %s, which is not described", operation, name)
		}
	}
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	content, ok := described["content"].(map[string]any)[kind].(map[string]any)
	if !ok {
		d.t.Errorf("%s is answered with %s, which is not described", operation, kind)
		return
	}
	if kind == "application/json" || kind == "application/x-ndjson" {
		for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
			var v any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				d.t.Errorf("%s: %v in %s", operation, err, line)
			}
			for _, wrong := range d.wrong(operation, content["schema"], v) {
				d.t.Error(wrong)
			}
		}
	}
}

// whole returns a schema with what all of its parts say.
func (d *described) whole(schema any) map[string]any {
	d.t.Helper()
	s := d.follow(schema)
	parts, ok := s["allOf"].([]any)
	if !ok {
		return s
	}
	properties := make(map[string]any)
	for _, part := range parts {
		maps.Copy(properties, d.follow(part)["properties"].(map[string]any))
	}
	return map[string]any{"type": "object", "properties": properties}
}

// wrong returns what of a value is not what a schema says, or what it has that the schema does not say.
func (d *described) wrong(at string, schema, v any) (faults []string) {
	d.t.Helper()
	s := d.whole(schema)
	if choices, ok := s["oneOf"].([]any); ok {
		for _, choice := range choices {
			some := d.wrong(at, choice, v)
			if len(some) == 0 {
				return nil
			}
			faults = append(faults, some...)
		}
		return faults
	}
	kinds := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		kinds["object"] = true
		faults = d.wrongObject(at, s, v)
	case []any:
		kinds["array"] = true
		for i, inner := range v {
			faults = append(faults, d.wrong(fmt.Sprintf("%s[%d]", at, i), s["items"], inner)...)
		}
	case string:
		kinds["string"] = true
		if words, ok := s["enum"].([]any); ok && !slices.Contains(words, any(v)) {
			faults = append(faults, fmt.Sprintf("%s is %q, which is none of %v", at, v, words))
		}
	case float64:
		kinds["number"], kinds["integer"] = true, v == float64(int64(v))
	case bool:
		kinds["boolean"] = true
	}
	if kind, ok := s["type"].(string); ok && !kinds[kind] {
		faults = append(faults, fmt.Sprintf("%s is %v, want a value of type %s", at, v, kind))
	}
	return faults
}

// wrongObject returns what of an object is not what a schema says.
func (d *described) wrongObject(at string, s, v map[string]any) (faults []string) {
	d.t.Helper()
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			faults = append(faults, fmt.Sprintf("%s lacks %s", at, name))
		}
	}
	for name, inner := range v {
		switch {
		case properties[name] != nil:
			faults = append(faults, d.wrong(at+"."+name, properties[name], inner)...)
		case s["additionalProperties"] != nil:
			faults = append(faults, d.wrong(at+"."+name, s["additionalProperties"], inner)...)
		case properties != nil:
			faults = append(faults, fmt.Sprintf("%s has %s, which is not described", at, name))
		}
	}
	return faults
}

// metElsewhere are statuses that take long to bring about, and the tests that do.
func metElsewhere() map[string]string {
	return map[string]string{
		"GET /api/v1/tasks 503":                   "tests of internal/web",
		"GET /api/v1/status 503":                  "TestRequestsThatWaitForReplicasAreBounded of internal/web",
		"GET /api/v1/tasks/{id} 503":              "TestAnyReplicaAnswersProbes has the holder out of reach",
		"POST /api/v1/groups/{group}/tasks 408":   "TestSlowPushesLendTheirPlacesToOthers has bodies cut off",
		"DELETE /api/v1/groups/{group}/tasks 408": "likewise",
	}
}

func TestWhatTheAPIAnswersIsDescribedAndWhatIsDescribedIsAnswered(t *testing.T) {
	d := describe(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := startPushing(t, pushSettings+"limits: {tasks: 5, task_series: 5}\n", "--storage.path="+dir)
	p.sim.Put(kiesim.Task{ID: "done", Model: "m", Created: time.Now().Add(-time.Minute), Duration: time.Second})
	if status, answer := p.push("bare", asText, "done"); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	p.until(10*time.Second, `kie_task_state{group="bare",model="m",state="success",task_id="done"} 1`)
	token := "Bearer " + canaryToken
	const push, forget, one = "POST /api/v1/groups/{group}/tasks", "DELETE /api/v1/groups/{group}/tasks", "DELETE /api/v1/groups/{group}/tasks/{id}"
	ask := func(operation, path, authorization, kind, body string) {
		t.Helper()
		method, _, _ := strings.Cut(operation, " ")
		status, text, header := p.exchange(method, path, http.Header{"Authorization": {authorization}, "Content-Type": {kind}}, body)
		d.check(operation, status, header, text)
	}
	meetOthers(t, d)
	meetOtherShards(t, d)
	ask(push, "/api/v1/groups/g/tasks", token, asJSON, `["a",{"taskId":"b","labels":{"x":"y"},"lables":{}},7,{}]`)
	for _, path := range []string{"/api/v1/tasks", "/api/v1/tasks?format=ndjson", "/api/v1/tasks?format=csv", "/api/v1/tasks?finished_after=&format=ndjson", "/api/v1/tasks?limit=1", "/api/v1/tasks?nope=1"} {
		ask("GET /api/v1/tasks", path, "", "", "")
	}
	ask("GET /api/v1/tasks/{id}", "/api/v1/tasks/done", "", "", "")
	ask("GET /api/v1/tasks/{id}", "/api/v1/tasks/nope", "", "", "")
	ask("GET /api/v1/status", "/api/v1/status", "", "", "")
	ask("GET /api/v1/openapi.yaml", "/api/v1/openapi.yaml", "", "", "")
	ask(push, "/api/v1/groups/g/tasks", token, asText, "c\nd\ne\nf\ng\nh\n")
	large := strings.Repeat("a", 1<<20)
	for operation, path := range map[string]string{push: "/tasks", forget: "/tasks", one: "/tasks/a"} {
		ask(operation, "/api/v1/groups/g"+path, token, asText, "a")
		ask(operation, "/api/v1/groups/g"+path, token, asJSON, "[")
		ask(operation, "/api/v1/groups/g"+path, token, asText, large)
		ask(operation, "/api/v1/groups/g"+path, token, "image/png", "a")
		ask(operation, "/api/v1/groups/g"+path, "", asText, "a")
		ask(operation, "/api/v1/groups/nope"+path, token, asText, "a")
	}
	for _, id := range []string{"a", "7", "c"} { // there is room, whatever came before
		ask(one, "/api/v1/groups/g/tasks/"+id, token, "", "")
	}
	ask(push, "/api/v1/groups/g/tasks", token, asText, "b")
	if err := os.Rename(dir, dir+"-moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // so that the storage can't make its folder anew meanwhile
		t.Fatal(err)
	}
	ask(forget, "/api/v1/groups/g/tasks", token, asText, "b")
	ask(one, "/api/v1/groups/g/tasks/b", token, "", "")
	ask(push, "/api/v1/groups/bare/tasks", "", asText, "new")
	for operation, responses := range d.operations() {
		for status := range responses {
			if key := operation + " " + status; !d.seen[key] && metElsewhere()[key] == "" {
				t.Errorf("%s is described, and was not met", key)
			}
		}
	}
}

// meetOtherShards pushes what is another shard's, in every way.
func meetOtherShards(t *testing.T, d *described) {
	t.Helper()
	_, api := serveAPI(t, kiesim.Options{})
	config, id := filepath.Join(t.TempDir(), "kie.yml"), "a"
	rewrite(t, config, fmt.Sprintf("accounts: [{base_url: %q}]\ngroups: [{name: bare, push: {}}]\n", api))
	for share.Of(id, 2) == 0 {
		id += "a"
	}
	p := &pushing{program: start(t, "--config.file="+config, "--shard=0", "--total-shards=2")}
	p.untilReady()
	for operation, path := range map[string]string{
		"POST /api/v1/groups/{group}/tasks": "", "DELETE /api/v1/groups/{group}/tasks": "", "DELETE /api/v1/groups/{group}/tasks/{id}": "/" + id,
	} {
		method, _, _ := strings.Cut(operation, " ")
		status, text, header := p.exchange(method, "/api/v1/groups/bare/tasks"+path, http.Header{"Content-Type": {asText}}, id)
		if status != http.StatusMisdirectedRequest {
			t.Errorf("%s is answered with %d %s", operation, status, text)
		}
		d.check(operation, status, header, text)
	}
	status, text, header := p.exchange(http.MethodGet, "/api/v1/status", nil, "")
	d.check("GET /api/v1/status", status, header, text)
}

// meetOthers asks as those may not who know no password, are browsers on another site, or ask too often, in every operation.
func meetOthers(t *testing.T, d *described) {
	t.Helper()
	dir := t.TempDir()
	_, api := serveAPI(t, kiesim.Options{})
	config, guarded, often := filepath.Join(dir, "kie.yml"), filepath.Join(dir, "guarded.yml"), filepath.Join(dir, "often.yml")
	rewrite(t, config, fmt.Sprintf("accounts: [{base_url: %q}]\ngroups: [{name: bare, push: {}}]\n", api))
	rewrite(t, guarded, "basic_auth_users: {u: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n")
	rewrite(t, often, "rate_limit: {interval: 1h, burst: 1}\n")
	for status, tt := range map[int]struct {
		args   []string
		header http.Header
	}{
		http.StatusUnauthorized:    {[]string{"--web.config.file=" + guarded}, nil},
		http.StatusForbidden:       {nil, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://elsewhere"}, "Content-Type": {asText}}},
		http.StatusTooManyRequests: {[]string{"--web.config.file=" + often}, nil},
	} {
		p := &pushing{program: start(t, append(tt.args, "--config.file="+config)...)}
		if status == http.StatusTooManyRequests {
			p.get("/api/v1/status") // which is the one request that there may be
		}
		for operation := range d.operations() {
			method, path, _ := strings.Cut(operation, " ")
			header := tt.header.Clone()
			if status == http.StatusForbidden && method == http.MethodGet { // which pages of other sites may not do only where it has an effect
				header["Host"] = []string{"rebound.example"}
			}
			got, text, answered := p.exchange(method, strings.NewReplacer("{group}", "bare", "{id}", "x").Replace(path), header, "a")
			if got != status {
				t.Errorf("%s is answered with %d %s, want %d", operation, got, text, status)
			}
			d.check(operation, got, answered, text)
		}
	}
}

func TestAPathOrMethodThatThereIsNotIsAnErrorAsDescribed(t *testing.T) {
	d, p := describe(t), startPushing(t, pushSettings)
	for _, tt := range []struct{ method, path, response, allow string }{
		{"GET", "/api/v1/nope", "NoPath", ""},
		{"GET", "/api/v1/", "NoPath", ""},
		{"POST", "/api/v1//tasks", "NoPath", ""},
		{"POST", "/api/v1/groups/g/nope", "NoPath", ""},
		{"PUT", "/api/v1/groups/g/tasks", "MethodNotAllowed", "DELETE, POST"},
		{"GET", "/api/v1/groups/bare/tasks", "MethodNotAllowed", "DELETE, POST"},
		{"POST", "/api/v1/groups/g/tasks/a", "MethodNotAllowed", "DELETE"},
		{"DELETE", "/api/v1/tasks", "MethodNotAllowed", "GET, HEAD"},
		{"OPTIONS", "/api/v1/status", "MethodNotAllowed", "GET, HEAD"},
	} {
		status, text, header := p.exchange(tt.method, tt.path, nil, "")
		want := map[string]int{"NoPath": http.StatusNotFound, "MethodNotAllowed": http.StatusMethodNotAllowed}[tt.response]
		if status != want || header.Get("Allow") != tt.allow {
			t.Errorf("%s %s is answered with %d, Allow %q; want %d, %q", tt.method, tt.path, status, header.Get("Allow"), want, tt.allow)
		}
		d.checkResponse(tt.method+" "+tt.path, map[string]any{"$ref": "#/components/responses/" + tt.response}, header, text)
	}
	if status, text := p.get("/nope"); status != http.StatusNotFound || text != "404 page not found\n" {
		t.Errorf("elsewhere, where people look, a path that there is not is answered with %d %q", status, text)
	}
}

func TestTheEndpointsOfAPushAreThoseDescribed(t *testing.T) {
	d := describe(t)
	if got := d.follow(map[string]any{"$ref": "#/components/schemas/Endpoint"})["enum"]; fmt.Sprint(got) != fmt.Sprint(kie.EndpointWords()) {
		t.Errorf("described are %v, taken %v", got, kie.EndpointWords())
	}
}

func TestTheParametersOfTasksAreThoseDescribed(t *testing.T) {
	_, refusal := start(t, "--demo").get("/api/v1/tasks?colour=red")
	d := describe(t)
	operation := d.root["paths"].(map[string]any)["/api/v1/tasks"].(map[string]any)["get"].(map[string]any)
	var got []string
	for _, v := range operation["parameters"].([]any) {
		got = append(got, d.follow(v)["name"].(string))
	}
	_, known, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(refusal), `"}`), "there are ")
	want := strings.Split(known, ", ")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("described are %v, taken %v", got, want)
	}
}
