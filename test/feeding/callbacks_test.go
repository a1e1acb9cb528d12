// Recipes with callbacks.

package feeding_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// caddy is the one that `make` builds; Debian's is too old for the recipe.
const caddy = repo + "/.cache/bin/caddy"

func callbacks() []recipe {
	return []recipe{
		{"callbacks alone", []string{"callbacks.yml"}, []string{"curl"}, func(k *kitchen) {
			k.exporter("callbacks.yml")
			id := k.api.create("kling")
			if status := k.callBack("http://"+k.hooks+"/webhook/default", id); status != http.StatusAccepted {
				k.Errorf("the exporter answers %d", status)
			}
			k.knows(id)
		}},
		{"callbacks to two with nginx", []string{"callbacks.yml", "hooks.conf"}, []string{"curl", "nginx"}, func(k *kitchen) {
			k.both(nginx)
		}},
		{"callbacks to two with Caddy", []string{"callbacks.yml", "Caddyfile"}, []string{"curl", caddy}, func(k *kitchen) {
			k.both(withCaddy)
		}},
	}
}

// callBack tells of a task's end as kie.ai does, and returns the status.
func (k *kitchen) callBack(address, id string) int {
	k.Helper()
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secrets["kie_webhook_key"]))
	mac.Write([]byte(id + "." + timestamp))
	req, err := http.NewRequestWithContext(k.Context(), http.MethodPost, address, strings.NewReader(callback(id)))
	if err != nil {
		k.Fatal(err)
	}
	req.Header = http.Header{
		"Content-Type":        {"application/json"},
		"X-Webhook-Timestamp": {timestamp},
		"X-Webhook-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		k.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// callback is the body of one. Whatever stands in it reaches the program as it was.
func callback(id string) string {
	return fmt.Sprintf(`{"code":200,"msg":"{http.request.uri} $host ü","data":{"taskId":%q,"state":"success"}}`, id)
}

// shop is the program that wants its callbacks itself.
type shop struct {
	mu     sync.Mutex
	bodies []string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/hooks/kie" || r.Header.Get("X-Webhook-Signature") == "" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, string(body))
	w.WriteHeader(http.StatusNoContent)
}

// got returns the body that came last.
func (s *shop) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bodies) == 0 {
		return ""
	}
	return s.bodies[len(s.bodies)-1]
}

// both has a proxy take a callback: program and exporter get it. Then one for an exporter that is away: the program still does.
func (k *kitchen) both(proxy func(k *kitchen, address, snippet string)) {
	k.Helper()
	program := &shop{}
	server := httptest.NewServer(program)
	k.Cleanup(server.Close)
	k.swap("127.0.0.1:3000", server.Listener.Addr().String())
	k.exporter("callbacks.yml")
	var snippet string
	for name := range k.texts { // the one that is left
		snippet = k.snippet(name)
	}
	address := "127.0.0.1:" + port(k.T)
	proxy(k, address, snippet)
	k.answers(address)
	send := func(id string) {
		k.Helper()
		if status := k.callBack("http://"+address+"/hooks/kie", id); status != http.StatusNoContent || program.got() != callback(id) {
			k.Fatalf("the sender gets %d, the program %q", status, program.got())
		}
	}
	id := k.api.create("kling")
	send(id)
	k.knows(id)
	k.stop()
	send("another")
}

// nginx runs it with the snippet in its only server.
func nginx(k *kitchen, address, snippet string) {
	k.Helper()
	path := k.write("nginx.conf", `
daemon off;
error_log stderr;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {
        listen `+address+`;
        `+snippet+`
    }
}
`)
	k.start("nginx", "-p", k.dir, "-c", path)
}

// withCaddy runs Caddy with the snippet as its only site, without TLS.
func withCaddy(k *kitchen, address, snippet string) {
	k.Helper()
	site := strings.Replace(snippet, "hooks.example.com {", "http://"+address+" {", 1)
	k.env = append(k.env, "XDG_DATA_HOME="+k.dir, "XDG_CONFIG_HOME="+k.dir)
	program, err := os.Getwd()
	if err != nil {
		k.Fatal(err)
	}
	k.start(program+"/"+caddy, "run", "--adapter", "caddyfile", "--config", k.write("Caddyfile", "{\n\tadmin off\n}\n"+site))
}
