// Recipes that push. Each meets a 503 at first.

package feeding_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
)

// python is Debian's, which python3-requests is for. Another one may come first in the path.
const python = "/usr/bin/python3"

func pushes() []recipe {
	script := func(name string, command ...string) func(k *kitchen) {
		return func(k *kitchen) {
			k.exporter("accounts.yml", "push.yml")
			said := k.run(command[0], append(command[1:], k.write(name, k.snippet(name)))...)
			if !accepted(said) {
				k.Errorf("nothing is accepted: %s", said)
			}
			k.knows(k.api.ids()...)
		}
	}
	configuration := []string{"accounts.yml", "push.yml"}
	with := func(names ...string) []string { return slices.Concat(configuration, names) }
	return []recipe{
		{"push with curl", with("push.sh"), []string{"curl"}, script("push.sh", "sh")},
		{"push from Node", with("push.mjs"), []string{"curl", "node"}, script("push.mjs", "node")},
		{"push from Python", with("push.py"), []string{"curl", python}, script("push.py", python)},
		{"push from Go", with("push.go"), []string{"curl", "go"}, script("push.go", "go", "run")},
		{"push from n8n", with("push.n8n.json"), []string{"curl", "node"}, fromN8N},
		{"push from Postgres", with("generations.sql", "kie-push", "kie-push.cron"), []string{"curl", "psql", initdb}, fromPostgres},
		{"side by side with docker compose", with("compose.yaml"), []string{"kie_exporter"}, composed},
	}
}

// accepted reports whether an answer to a push, as a program shows it, tells of one new id and no rejected one.
func accepted(said string) bool {
	plain := strings.NewReplacer(`"`, "", `'`, "", " ", "").Replace(said)
	return strings.Contains(plain, "accepted:1,") && strings.Contains(plain, "rejected:[]")
}

// fromPostgres has cron's command push what is in a table, twice, as it will.
func fromPostgres(k *kitchen) {
	k.exporter("accounts.yml", "push.yml")
	k.database()
	k.sql("insert into generations (task_id, model) values (null, 'kling')")
	k.cron("kie-push.cron", "kie-push")
	for range 2 {
		k.sql("insert into generations (task_id, model) values ('" + k.api.create(`kl"ing`) + `', 'kl"ing')`)
		k.run("sh", "-c", k.dir+"/usr/local/bin/kie-push")
	}
	k.knows(k.api.ids()...)
}

// node is one of n8n's HTTP Request, version 4.2, with what the recipe uses of it and nothing else.
type node struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Type        string     `json:"type"`
	TypeVersion float64    `json:"typeVersion"`
	Position    [2]float64 `json:"position"`
	Parameters  struct {
		Method          string `json:"method"`
		URL             string `json:"url"`
		Authentication  string `json:"authentication"`
		GenericAuthType string `json:"genericAuthType"`
		SendBody        bool   `json:"sendBody"`
		SpecifyBody     string `json:"specifyBody"`
		JSONBody        string `json:"jsonBody"`
		Options         struct {
			Timeout int `json:"timeout,omitempty"`
		} `json:"options"`
	} `json:"parameters"`
	RetryOnFail      bool   `json:"retryOnFail"`
	MaxTries         int    `json:"maxTries"`
	WaitBetweenTries int    `json:"waitBetweenTries"`
	OnError          string `json:"onError"`
}

// workflow is what n8n exports.
type workflow struct {
	Name        string `json:"name"`
	Nodes       []node `json:"nodes"`
	Connections map[string]struct {
		Main [][]struct {
			Node  string `json:"node"`
			Type  string `json:"type"`
			Index int    `json:"index"`
		} `json:"main"`
	} `json:"connections"`
}

// fromN8N reads the workflow strictly and does what its nodes say.
func fromN8N(k *kitchen) {
	k.exporter("accounts.yml", "push.yml")
	decoder := json.NewDecoder(strings.NewReader(k.snippet("push.n8n.json")))
	decoder.DisallowUnknownFields()
	var flow workflow
	if err := decoder.Decode(&flow); err != nil || len(flow.Nodes) != 2 {
		k.Fatalf("%d nodes: %v", len(flow.Nodes), err)
	}
	first, second := flow.Nodes[0], flow.Nodes[1]
	if to := flow.Connections[first.Name].Main; len(flow.Connections) != 1 || len(to) != 1 || len(to[0]) != 1 || to[0][0].Node != second.Name || to[0][0].Type != "main" {
		k.Fatalf("the first node does not lead to the second: %+v", flow.Connections)
	}
	if first.RetryOnFail {
		k.Error("a task would be created twice")
	}
	answer := k.perform(second, secrets["kie_push_token"], k.perform(first, secrets["kie_api_key"], "{}"))
	if !accepted(answer) {
		k.Errorf("nothing is accepted: %s", answer)
	}
	k.knows(k.api.ids()...)
}

// perform does what n8n does with a node: it sends the body that an expression makes of the item before, and may repeat it.
func (k *kitchen) perform(n node, token, item string) (answer string) {
	k.Helper()
	p := n.Parameters
	if n.Type != "n8n-nodes-base.httpRequest" || n.TypeVersion != 4.2 || p.Authentication != "genericCredentialType" || p.GenericAuthType != "httpBearerAuth" ||
		!p.SendBody || p.SpecifyBody != "json" || n.MaxTries > 5 || n.WaitBetweenTries > 5000 {
		k.Fatalf("%s is no request as it is meant: %+v", n.Name, n)
	}
	expression, isOne := strings.CutPrefix(p.JSONBody, "={{")
	expression, ends := strings.CutSuffix(expression, "}}")
	if !isOne || !ends {
		k.Fatalf("%s is no expression", p.JSONBody)
	}
	body := k.quiet("node", "-e", "const $json = JSON.parse(process.argv[1]); process.stdout.write(eval(process.argv[2]))", item, expression)
	for try := 0; try < max(1, n.MaxTries); try++ {
		if try > 0 {
			time.Sleep(time.Duration(n.WaitBetweenTries) * time.Millisecond)
		}
		req, err := http.NewRequestWithContext(k.Context(), p.Method, p.URL, strings.NewReader(body))
		if err != nil {
			k.Fatal(err)
		}
		req.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			k.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK {
			k.Logf("%s: %s", n.Name, bytes.TrimSpace(text))
			return string(text)
		}
	}
	k.Fatalf("%s fails", n.Name)
	return ""
}

// composed reads the compose file as Docker does, and sees that the parts find each other.
func composed(k *kitchen) {
	path := k.write("compose.yaml", k.snippet("compose.yaml"))
	o, err := cli.NewProjectOptions([]string{path}, cli.WithName("shop"))
	if err != nil {
		k.Fatal(err)
	}
	project, err := o.LoadProject(k.Context())
	if err != nil {
		k.Fatal(err)
	}
	exporter, shop := project.Services["kie_exporter"], project.Services["shop"]
	if to := shop.Environment["KIE_EXPORTER_TASKS"]; to == nil || *to != "http://"+exporter.Name+":10059/api/v1/groups/film/tasks" {
		k.Errorf("the program pushes to %v", to)
	}
	if !exporter.ReadOnly || len(exporter.CapDrop) == 0 || len(exporter.Ports) != 1 || exporter.Ports[0].HostIP != "127.0.0.1" {
		k.Error("the exporter is not confined")
	}
	// What the configuration reads is what is mounted: secrets are at /run/secrets under their names.
	text := k.snippet("accounts.yml") + k.snippet("push.yml")
	for _, s := range exporter.Secrets {
		if file := project.Secrets[s.Source].File; filepath.Base(file) != s.Source || !strings.Contains(text, "/run/secrets/"+s.Source) {
			k.Errorf("secret %s from %s is not read", s.Source, file)
		}
	}
	k.env = append(k.env, "KIE_API_KEY=")
	if said := k.run("kie_exporter", "--config.check", "--config.file="+k.write("kie_exporter.yml", text)); !strings.Contains(said, "The configuration is valid") {
		k.Error(said)
	}
}

// A task that the exporter does not take is no failure of whoever creates it, and is told of.
func TestARefusedPushEndsNoProgram(t *testing.T) {
	texts := snippets(t)
	for name, command := range map[string][]string{"push.mjs": {"node"}, "push.py": {python}, "push.go": {"go", "run"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need(t, "curl", command[0])
			k := newKitchen(t, texts, []string{"accounts.yml", "push.yml", name})
			k.exporter("accounts.yml", "push.yml")
			k.swap("kie_push_token", "kie_list_token")
			said := k.run(command[0], append(command[1:], k.write(name, k.snippet(name)))...)
			if !strings.Contains(said, "not watched: ") || !strings.Contains(said, "401") || len(k.api.ids()) != 1 {
				t.Errorf("with a wrong token it says %q, and %d tasks are created", said, len(k.api.ids()))
			}
		})
	}
}

func TestAPushThatGoesWrongIsAnsweredAsThePageSays(t *testing.T) {
	need(t, "curl")
	k := newKitchen(t, snippets(t), []string{"accounts.yml", "push.yml"})
	k.texts["limits"] = "limits: {tasks: 3}\n" // of which the API does not know those below, so they don't end
	k.exporter("accounts.yml", "push.yml", "limits")
	k.push(k.api.create("kling"))
	for _, tt := range []struct{ group, token, body, status, says string }{
		{"film", "kie_push_token", `"task_1"`, "200", `{"accepted":1,"known":0,"rejected":[]}`},
		{"film", "kie_push_token", `"task_1"`, "200", `{"accepted":0,"known":1,"rejected":[]}`},
		{"film", "kie_push_token", `["task_2",{"taskId":""}]`, "200", `"rejected":[{"index":1,"reason":`},
		{"film", "kie_push_token", `["task_3","task_4"]`, "429", `"reason":"limit`},
		{"film", "kie_push_token", `{"taskId":`, "400", `"error":`},
		{"film", "kie_list_token", `"task_3"`, "401", `"error":`},
		{"fillm", "kie_push_token", `"task_3"`, "404", `"error":`},
	} {
		said := k.quiet("curl", "-sS", "-w", " %{http_code}", "-H", "Authorization: Bearer "+secrets[tt.token], "-H", "Content-Type: application/json",
			"-d", tt.body, k.swapped("http://localhost:10059/api/v1/groups/"+tt.group+"/tasks"))
		if !strings.HasSuffix(said, " "+tt.status) || !strings.Contains(said, tt.says) {
			t.Errorf("of %s to %s with %s it says %s, want %s and %s", tt.body, tt.group, tt.token, said, tt.status, tt.says)
		}
	}
}
