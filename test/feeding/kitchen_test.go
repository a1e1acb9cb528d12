// What a recipe is tried in: an exporter, the API, secrets and folders, in the place of those that the page names.

package feeding_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// secrets are the files of /run/secrets, which must show up in no log.
var secrets = map[string]string{
	"kie_api_key":     "key-that-nobody-may-see",
	"kie_push_token":  "token-that-nobody-may-see",
	"kie_list_token":  "another-that-nobody-may-see",
	"kie_webhook_key": "signing-key-that-nobody-may-see",
}

// kitchen is what a recipe is tried in.
type kitchen struct {
	*testing.T
	dir   string
	texts map[string]string // the snippets that are still to be used
	env   []string          // of snippets
	swaps []string          // what the page says, and what stands for it here
	api   *kie
	hooks string // where the exporter takes callbacks
	stop  func() // ends the exporter
	shop  string // the database that is called so on the page
}

// newKitchen starts nothing but the API.
func newKitchen(t *testing.T, texts map[string]string, names []string) *kitchen {
	t.Helper()
	k := &kitchen{T: t, dir: t.TempDir(), texts: map[string]string{}, env: os.Environ()}
	for _, name := range names {
		text, ok := texts[name]
		if !ok {
			t.Fatalf("the page has no snippet %s", name)
		}
		k.texts[name] = text
	}
	k.api = startAPI(t)
	k.swap("https://api.kie.ai", k.api.url, "  - credentials_file:", "  - base_url: "+k.api.url+"\n    credentials_file:")
	for _, folder := range []string{"/run/secrets", "/var/lib/shop", "/var/lib/kie_exporter/lists", "/usr/local/bin"} {
		if err := os.MkdirAll(filepath.Join(k.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		k.swap(folder, filepath.Join(k.dir, folder))
	}
	for name, text := range secrets {
		k.write("/run/secrets/"+name, text+"\n")
	}
	return k
}

// swap says what stands here for what the page says: pairs of old and new.
func (k *kitchen) swap(pairs ...string) { k.swaps = append(k.swaps, pairs...) }

// snippet returns one as it stands on the page, but for what must be swapped.
func (k *kitchen) snippet(name string) string {
	k.Helper()
	text, ok := k.texts[name]
	if !ok {
		k.Fatalf("the recipe does not name its snippet %s, or uses it twice", name)
	}
	delete(k.texts, name)
	return k.swapped(text)
}

func (k *kitchen) swapped(text string) string {
	for i := 0; i < len(k.swaps); i += 2 {
		// A folder may stand in what another was swapped for, so each place is swapped once.
		text = strings.ReplaceAll(text, k.swaps[i], fmt.Sprintf("\x00%d\x00", i))
	}
	for i := 0; i < len(k.swaps); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("\x00%d\x00", i), k.swaps[i+1])
	}
	return text
}

func (k *kitchen) everythingWasUsed() {
	k.Helper()
	for name := range k.texts {
		k.Errorf("%s was not used", name)
	}
}

// write writes a file in the folder that stands for /, and returns its path.
func (k *kitchen) write(path, text string) string {
	k.Helper()
	path = filepath.Join(k.dir, path)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		k.Fatal(err)
	}
	return path
}

// run runs a program and returns what it said; the test ends if it fails.
func (k *kitchen) run(name string, args ...string) string {
	k.Helper()
	c := exec.CommandContext(k.Context(), name, args...) //nolint:gosec // named here, or on the page
	c.Dir, c.Env = k.dir, k.env
	said, err := c.CombinedOutput()
	if err != nil {
		k.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	if len(bytes.TrimSpace(said)) > 0 {
		k.Logf("%s says %s", filepath.Base(args[len(args)-1]), bytes.TrimSpace(said))
	}
	return string(said)
}

// process is a program that runs until the test ends.
type process struct {
	ended chan struct{} // closed when it has
	stop  func()        // ends it and waits for that

	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes what the program logs.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start starts a program that is to run until the test ends, and is told to end then by SIGTERM.
func (k *kitchen) start(name string, args ...string) *process {
	k.Helper()
	p := &process{ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(k.Context())
	c := exec.CommandContext(ctx, name, args...) //nolint:gosec // likewise
	c.Dir, c.Env, c.Stdout, c.Stderr = k.dir, k.env, p, p
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		k.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = c.Wait() // what there is to know is in its log
	}()
	p.stop = func() { cancel(); <-p.ended }
	k.Cleanup(func() {
		p.stop()
		for name, secret := range secrets {
			if strings.Contains(p.log(), secret) {
				k.Errorf("%s logs %s", c, name)
			}
		}
		if k.Failed() {
			k.Logf("%s:\n%s", c, p.log())
		}
	})
	return p
}

// listening is how the exporter says where it does.
var listening = regexp.MustCompile(`msg="(Listening on|Receiving callbacks)" address=(127\.0\.0\.1:\d+)`)

// exporter starts the exporter with the configuration that snippets make, and swaps its addresses. The first push meets a 503, as any may.
func (k *kitchen) exporter(configuration ...string) {
	k.Helper()
	var text strings.Builder
	for _, name := range configuration {
		text.WriteString(k.snippet(name))
	}
	args := []string{
		"--config.file=" + k.write("kie_exporter.yml", text.String()), "--storage.path=" + filepath.Join(k.dir, "data"), "--web.listen-address=127.0.0.1:0",
	}
	if strings.Contains(text.String(), "webhook_keys_files") {
		args = append(args, "--web.webhook-listen-address=127.0.0.1:0")
	}
	p := k.start("kie_exporter", args...)
	addresses := map[string]string{}
	wait.Until(k.T, 20*time.Second, 20*time.Millisecond, func() error {
		for _, m := range listening.FindAllStringSubmatch(p.log(), -1) {
			addresses[m[1]] = m[2]
		}
		select {
		case <-p.ended:
			k.Fatal("the exporter does not start")
		default:
		}
		if len(addresses) < len(args)-2 {
			return errors.New("it does not listen")
		}
		return nil
	})
	k.ready(addresses["Listening on"])
	front := reluctant(k.T, addresses["Listening on"])
	k.hooks, k.stop = addresses["Receiving callbacks"], p.stop
	k.swap("http://localhost:10059", front, "127.0.0.1:10061", k.hooks)
}

// ready waits until the exporter has read its lists: before that it answers callbacks with 503, which kie.ai sends again and a test does not.
func (k *kitchen) ready(address string) {
	k.Helper()
	wait.Until(k.T, 20*time.Second, 20*time.Millisecond, func() error {
		req, err := http.NewRequestWithContext(k.Context(), http.MethodGet, "http://"+address+"/-/ready", http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("it is not ready: %s", resp.Status)
		}
		return nil
	})
}

// reluctant returns the address of a server that hands requests on to another, but for the first POST.
func reluctant(t *testing.T, address string) string {
	t.Helper()
	var met atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && met.CompareAndSwap(false, true) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// knows waits until the exporter tells that tasks have succeeded: their ids were told to it, and it has asked about them.
func (k *kitchen) knows(ids ...string) {
	k.Helper()
	if len(ids) == 0 {
		k.Fatal("no task was created")
	}
	for _, id := range ids {
		wait.Until(k.T, 20*time.Second, 50*time.Millisecond, func() error {
			var answer struct {
				Tasks []struct {
					ID    string `json:"task_id"`
					State string `json:"state"`
				}
			}
			text := k.get("http://localhost:10059/api/v1/tasks?q=" + id)
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				return err
			}
			if len(answer.Tasks) != 1 || answer.Tasks[0].ID != id || answer.Tasks[0].State != "success" {
				return fmt.Errorf("of %s it says %s", id, text)
			}
			return nil
		})
	}
}

// get asks for an address of the page.
func (k *kitchen) get(address string) string {
	k.Helper()
	return k.quiet("curl", "-sS", "--max-time", "60", k.swapped(address))
}

// quiet runs a program whose output is for the test alone.
func (k *kitchen) quiet(name string, args ...string) string {
	k.Helper()
	said, err := exec.CommandContext(k.Context(), name, args...).Output() //nolint:gosec // likewise
	if err != nil {
		k.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(said)
}

// port finds one that is free on the loopback.
func port(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, number, _ := net.SplitHostPort(listener.Addr().String())
	return number
}

// answers waits until something takes connections at an address.
func (k *kitchen) answers(address string) {
	k.Helper()
	wait.Until(k.T, 20*time.Second, 20*time.Millisecond, func() error {
		c, err := (&net.Dialer{}).DialContext(k.Context(), "tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
}

// kie is the simulated API, in which tasks can be created as well. They end at once.
type kie struct {
	sim *kiesim.Server
	url string

	mu      sync.Mutex
	created []string
}

func startAPI(t *testing.T) *kie {
	t.Helper()
	a := &kie{sim: kiesim.New(kiesim.Options{Keys: []string{secrets["kie_api_key"]}, Credits: 100})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/jobs/createTask", func(w http.ResponseWriter, r *http.Request) {
		var task struct {
			Model string
			Input map[string]any
		}
		err := json.NewDecoder(r.Body).Decode(&task)
		if err != nil || task.Model == "" || len(task.Input) == 0 || r.Header.Get("Authorization") != "Bearer "+secrets["kie_api_key"] {
			t.Errorf("a task can't be created like that: %v, %+v", err, task)
			http.Error(w, `{"code":422,"msg":"no"}`, http.StatusOK)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"code":200,"msg":"success","data":{"taskId":%q,"recordId":"1"}}`, a.create(task.Model))
	})
	mux.Handle("/", a.sim)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// create makes a task and returns its id.
func (a *kie) create(model string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprintf("task_%032x", 1000+len(a.created))
	a.sim.Put(kiesim.Task{ID: id, Model: model, Credits: 1})
	a.created = append(a.created, id)
	return id
}

// ids are those of all tasks that were created.
func (a *kie) ids() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.created)
}
