package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/internal/webhook"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key      = "the-key"
	otherKey = "the-key-before"
)

// rig is a receiver behind a server. It tracks "open" and "done", and has the accounts "main", with two keys, and "bare".
type rig struct {
	*webhook.Receiver
	url string

	mu    sync.Mutex
	hints []string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{}
	r.Receiver = webhook.New(webhook.Options{Keys: keysOf, Hint: r.hint})
	mux := http.NewServeMux()
	r.Register(mux)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	r.url = s.URL
	return r
}

func keysOf(account string) ([]string, bool) {
	switch account {
	case "main":
		return []string{otherKey, key}, true
	case "bare":
		return nil, true
	default:
		return nil, false
	}
}

func (r *rig) hint(account, id string) (tracked, asked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hints = append(r.hints, account+"/"+id)
	return id == "open" || id == "done", id == "open"
}

// signed returns the headers of a callback about a task that is so old.
func signed(key, id string, age time.Duration) http.Header {
	timestamp := strconv.FormatInt(time.Now().Add(-age).Unix(), 10)
	return http.Header{"X-Webhook-Timestamp": {timestamp}, "X-Webhook-Signature": {sign(key, id+"."+timestamp)}}
}

func sign(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// about returns the body of a callback.
func about(id string) string {
	return fmt.Sprintf(`{"code":200,"msg":"success","data":{"taskId":%q,"state":"success","param":"{}"}}`, id)
}

// with returns headers of which one is another; empty: absent.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[name] = values
	return h
}

func (r *rig) send(t *testing.T, method, path string, header http.Header, body io.Reader) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(text), "open") {
		t.Errorf("%v, the answer says %q", err, text)
	}
	return resp.StatusCode
}

func TestWebhook(t *testing.T) {
	const stamp, mac = "X-Webhook-Timestamp", "X-Webhook-Signature"
	open := signed(key, "open", 0)
	wide := base64.StdEncoding.EncodeToString(make([]byte, 33))
	for _, test := range []struct {
		name   string
		header http.Header
		body   string
		status int
		result webhook.Result
	}{
		{"signed", open, about("open"), 202, webhook.Accepted},
		{"signed with the key before", signed(otherKey, "open", 0), about("open"), 202, webhook.Accepted},
		{"of an older API", open, `{"code":501,"data":{"task_id":"open"}}`, 202, webhook.Accepted},
		{"of Runway", open, `{"code":200,"msg":"x","data":{"task_id":"open","video_id":"v","video_url":"u"}}`, 202, webhook.Accepted},
		{"of Aleph, beside the data", open, `{"code":200,"msg":"x","taskId":"open","data":{"result_video_url":"u"}}`, 202, webhook.Accepted},
		{"of Aleph, without data", open, `{"code":500,"taskId":"open","data":null}`, 202, webhook.Accepted},
		{"of two tasks, beside the data and in it", open, `{"taskId":"open","data":{"taskId":"done"}}`, 400, webhook.Malformed},
		{"of Veo", open, `{"code":200,"data":{"taskId":"open","promptJson":"{}","info":{"resultUrls":["u"]},"fallbackFlag":false}}`, 202, webhook.Accepted},
		{"of Midjourney", open, `{"code":200,"data":{"taskId":"open","resultUrls":["u"]}}`, 202, webhook.Accepted},
		{"of Suno, with the lyrics", open, `{"code":200,"data":{"callbackType":"text","task_id":"open","data":[]}}`, 202, webhook.Progress},
		{"of Suno, with the first track", open, `{"code":200,"data":{"callbackType":"first","task_id":"open","data":[]}}`, 202, webhook.Progress},
		{"of Suno, with all", open, `{"code":200,"data":{"callbackType":"complete","task_id":"open","data":[]}}`, 202, webhook.Accepted},
		{"of Suno, failed", open, `{"code":531,"data":{"callbackType":"error","task_id":"open","data":null}}`, 202, webhook.Accepted},
		{"of Suno, not signed for that task", signed(key, "done", 0), `{"data":{"callbackType":"text","task_id":"open"}}`, 401, webhook.Unsigned},
		{"signed 4 min ago", signed(key, "open", 4*time.Minute), about("open"), 202, webhook.Accepted},
		{"signed 4 min ahead", signed(key, "open", -4*time.Minute), about("open"), 202, webhook.Accepted},
		{"of a finished task", signed(key, "done", 0), about("done"), 202, webhook.Finished},
		{"unknown id", signed(key, "other", 0), about("other"), 202, webhook.Unknown},
		{"the same id twice", open, `{"data":{"taskId":"open","task_id":"open","taskId":"open"}}`, 202, webhook.Accepted},

		{"no signature", with(open, mac), about("open"), 401, webhook.Unsigned},
		{"empty signature", with(open, mac, ""), about("open"), 401, webhook.Unsigned},
		{"two signatures", with(open, mac, open.Get(mac), open.Get(mac)), about("open"), 401, webhook.Unsigned},
		{"wrong signature", signed("another key", "open", 0), about("open"), 401, webhook.Unsigned},
		{"signature of another task", signed(key, "done", 0), about("open"), 401, webhook.Unsigned},
		{"signature of another time", with(open, stamp, strconv.FormatInt(time.Now().Unix()-30, 10)), about("open"), 401, webhook.Unsigned},
		{"short signature", with(open, mac, open.Get(mac)[:20]), about("open"), 401, webhook.Unsigned},
		{"long signature", with(open, mac, wide), about("open"), 401, webhook.Unsigned},
		{"non-base64 signature", with(open, mac, strings.Repeat("!", 44)), about("open"), 401, webhook.Unsigned},
		{"signature in hex", with(open, mac, strings.Repeat("0f", 32)), about("open"), 401, webhook.Unsigned},
		{"no timestamp", with(open, stamp), about("open"), 401, webhook.Unsigned},
		{"two timestamps", with(open, stamp, open.Get(stamp), open.Get(stamp)), about("open"), 401, webhook.Unsigned},
		{"a timestamp that is none", with(open, stamp, "now"), about("open"), 401, webhook.Unsigned},
		{"a timestamp with a sign", with(open, stamp, "+"+open.Get(stamp)), about("open"), 401, webhook.Unsigned},
		{"stale timestamp", signed(key, "open", 6*time.Minute), about("open"), 401, webhook.Stale},
		{"future timestamp", signed(key, "open", -6*time.Minute), about("open"), 401, webhook.Stale},
		{"timestamp in milliseconds", with(open, stamp, open.Get(stamp)+"000"), about("open"), 401, webhook.Stale},
		{"timestamp at the end of time", with(open, stamp, "-9223372036854775808"), about("open"), 401, webhook.Stale},

		{"two different ids", open, `{"data":{"taskId":"open","task_id":"done"}}`, 400, webhook.Malformed},
		{"two different ids of one key", open, `{"data":{"taskId":"done","taskId":"open"}}`, 400, webhook.Malformed},
		{"two different ids in two objects", open, `{"data":{"taskId":"done"},"data":{"taskId":"open"}}`, 400, webhook.Malformed},
		{"no body", open, "", 400, webhook.Malformed},
		{"no id", open, `{"code":200,"data":{}}`, 400, webhook.Malformed},
		{"no data", open, `{"code":200,"data":null}`, 400, webhook.Malformed},
		{"id null", open, `{"data":{"taskId":null}}`, 400, webhook.Malformed},
		{"id a number", open, `{"data":{"taskId":1}}`, 400, webhook.Malformed},
		{"id empty", signed(key, "", 0), about(""), 400, webhook.Malformed},
		{"id with control characters", signed(key, "a\nb", 0), about("a\nb"), 400, webhook.Malformed},
		{"id too long", signed(key, strings.Repeat("x", 129), 0), about(strings.Repeat("x", 129)), 400, webhook.Malformed},
		{"a list", open, `[{"data":{"taskId":"open"}}]`, 400, webhook.Malformed},
		{"trailing garbage", open, about("open") + "}", 400, webhook.Malformed},
		{"20,000 nested arrays", open, strings.Repeat("[", 20_000), 400, webhook.Malformed},
		{"a body over the limit", open, about("open") + strings.Repeat(" ", 1<<20), 400, webhook.Malformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/webhook/main", "/webhook/main/"} {
				r := newRig(t)
				if status := r.send(t, http.MethodPost, path, test.header, strings.NewReader(test.body)); status != test.status {
					t.Errorf("status %d of %s, want %d", status, path, test.status)
				}
				var want webhook.Counts
				want[test.result] = 1
				if got := r.Stat("main").Counts; got != want {
					t.Errorf("%s: counted %v, want one of %v", path, got, test.result)
				}
				if hinted := len(r.hints) > 0; hinted != (test.status == http.StatusAccepted && test.result != webhook.Progress) {
					t.Errorf("%s: hints %q", path, r.hints)
				}
			}
		})
	}
}

func TestOnlyPostsForAccountsThatThereAreAreReceived(t *testing.T) {
	r := newRig(t)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/webhook/main", 405},
		{http.MethodPut, "/webhook/main", 405},
		{http.MethodGet, "/webhook/main/", 405},
		{http.MethodPost, "/webhook/other", 404},
		{http.MethodPost, "/webhook/other/", 404},
		{http.MethodPost, "/webhook/", 404},
		{http.MethodPost, "/webhook", 404},
		{http.MethodPost, "/webhook/main/open", 404},
		{http.MethodPost, "/", 404},
		{http.MethodPost, "/webhook/main/open/", 404},
		{http.MethodPost, "/webhook/bare", 401}, // without keys
		{http.MethodPost, "/webhook/bare/", 401},
	} {
		if got := r.send(t, test.method, test.path, signed(key, "open", 0), strings.NewReader(about("open"))); got != test.want {
			t.Errorf("%s %s answers %d, want %d", test.method, test.path, got, test.want)
		}
	}
	if len(r.hints) > 0 {
		t.Errorf("hints %q", r.hints)
	}
}

func TestAnEmptyKeyOfNobodySignsNothing(t *testing.T) {
	r := newRig(t)
	if got := r.send(t, http.MethodPost, "/webhook/bare", signed("", "open", 0), strings.NewReader(about("open"))); got != 401 {
		t.Errorf("status %d, want 401", got)
	}
}

// hang sends a callback's header and nothing of its body.
func (r *rig) hang(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	h := signed(key, "open", 0)
	_, err = fmt.Fprintf(conn, "POST /webhook/main HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nX-Webhook-Timestamp: %s\r\nX-Webhook-Signature: %s\r\n\r\n",
		h.Get("X-Webhook-Timestamp"), h.Get("X-Webhook-Signature"))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestSlowSendersKeepNoCallbackOut(t *testing.T) {
	r := newRig(t)
	var slow []net.Conn
	for range 100 {
		conn := r.hang(t)
		defer func() { _ = conn.Close() }()
		slow = append(slow, conn)
	}
	begin := time.Now()
	for range 60 {
		if status := r.send(t, http.MethodPost, "/webhook/main", signed(key, "open", 0), strings.NewReader(about("open"))); status != http.StatusAccepted {
			t.Fatalf("status %d beside 100 slow senders", status)
		}
	}
	for _, conn := range slow { // they are answered without their bodies, and hung up on
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took > 2*time.Minute { // 2 s, and what a busy machine adds; nothing else ends them
		t.Errorf("slow senders were hung up on after %v", took)
	}
}

func TestCallbacksBeyondThoseThatAreHeededAtATimeAreToldToComeAgain(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	r := &rig{Receiver: webhook.New(webhook.Options{Keys: keysOf, Hint: func(string, string) (bool, bool) {
		entered <- struct{}{}
		<-leave
		return true, true
	}})}
	mux := http.NewServeMux()
	r.Register(mux)
	s := httptest.NewServer(mux)
	defer s.Close()
	defer http.DefaultClient.CloseIdleConnections()
	r.url = s.URL
	send := func() int {
		return r.send(t, http.MethodPost, "/webhook/main", signed(key, "open", 0), strings.NewReader(about("open")))
	}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if status := send(); status != http.StatusAccepted {
				t.Errorf("status %d of one that is heeded", status)
			}
		})
		<-entered
	}
	if status := send(); status != http.StatusServiceUnavailable {
		t.Errorf("status %d of one too many", status)
	}
	close(leave)
	all.Wait()
}

// 10,000 a second, or as many as come through, half of them forged: memory and goroutines stay as they are.
func TestAFloodIsBounded(t *testing.T) {
	r := newRig(t)
	bodies := []string{about("open"), about("unknown"), "{"}
	large := `{"data":"` + strings.Repeat("x", 1<<19) // over what is read
	send := func(i int) {
		body := bodies[i%len(bodies)]
		if i%100 == 0 {
			body = large
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/webhook/main", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = signed(key, []string{"open", "unknown"}[i%2], 0)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	for i := range 100 {
		send(i)
	}
	before := heap.InUse()
	var senders sync.WaitGroup
	for s := range 20 {
		senders.Go(func() {
			for i := range 250 {
				send(s + i)
			}
		})
	}
	senders.Wait()
	http.DefaultClient.CloseIdleConnections()
	r.hints = nil
	if after := heap.InUse(); after > before+8<<20 {
		t.Errorf("%d MiB more on the heap", (after-before)>>20)
	}
	counts := r.Stat("main").Counts
	if counts[webhook.Accepted] == 0 || counts[webhook.Malformed] == 0 {
		t.Errorf("%v", counts)
	}
}

// FuzzWebhook: whatever comes, the status is one of those promised, and only a signature of the one task that the body names,
// made with a key of the account at about this time, leads to a hint, about that task.
func FuzzWebhook(f *testing.F) {
	now := time.Now()
	for _, id := range []string{"open", "a.1", ""} {
		f.Add([]byte(about(id)), id, strconv.FormatInt(now.Unix(), 10), true, []byte(nil))
	}
	f.Add([]byte(`{"data":{"taskId":"a","task_id":"b"}}`), "a", strconv.FormatInt(now.Unix(), 10), true, []byte(nil))
	f.Add([]byte(about("open")), "open", "0", false, []byte("AAAA"))
	f.Fuzz(func(t *testing.T, body []byte, id, timestamp string, right bool, mac []byte) {
		var hints []string
		r := webhook.New(webhook.Options{Keys: keysOf, Hint: func(_, id string) (bool, bool) {
			hints = append(hints, id)
			return true, true
		}})
		mux := http.NewServeMux()
		r.Register(mux)
		signature := string(mac)
		if right {
			signature = sign(key, id+"."+timestamp)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook/main", bytes.NewReader(body))
		req.Header["X-Webhook-Timestamp"], req.Header["X-Webhook-Signature"] = []string{timestamp}, []string{signature}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, req)
		if !slices.Contains([]int{202, 400, 401}, w.Code) || (w.Code == 202) != (len(hints) == 1) {
			t.Errorf("status %d, hints %q", w.Code, hints)
		}
		if len(hints) == 0 {
			return
		}
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute+2*time.Second {
			t.Errorf("a hint at %q", timestamp)
		}
		if signature != sign(key, hints[0]+"."+timestamp) && signature != sign(otherKey, hints[0]+"."+timestamp) {
			t.Errorf("a hint about %q, which is not signed", hints[0])
		}
		if hints[0] == "" || !bytes.Contains(bytes.ToLower(body), []byte(`id"`)) && !bytes.ContainsAny(body, `\`) {
			t.Errorf("a hint about %q for %q", hints[0], body)
		}
	})
}

// What is another shard's is heeded by nobody here, and said so only to who signed it.
func TestACallbackAboutATaskOfAnotherShardIsSentThere(t *testing.T) {
	r := &rig{}
	r.Receiver = webhook.New(webhook.Options{
		Keys: keysOf, Hint: r.hint, Register: func(string, string) webhook.Result { return webhook.Registered },
		Elsewhere: func(_, id string) string { return map[string]string{"other": "the task is one of shard 1 of 2"}[id] },
	})
	for _, step := range []struct {
		id, key string
		status  int
		says    string
	}{
		{"other", key, http.StatusMisdirectedRequest, "one of shard 1 of 2"},
		{"other", "wrong", http.StatusUnauthorized, "Unauthorized"},
		{"open", key, http.StatusAccepted, "Accepted"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhook/main", strings.NewReader(about(step.id)))
		req.Header = signed(step.key, step.id, 0)
		w := httptest.NewRecorder()
		mux := http.NewServeMux()
		r.Register(mux)
		if mux.ServeHTTP(w, req); w.Code != step.status || !strings.Contains(w.Body.String(), step.says) {
			t.Errorf("%s signed with %s: %d %s", step.id, step.key, w.Code, w.Body)
		}
	}
	if c := r.Stat("main").Counts; c[webhook.Elsewhere] != 1 || c[webhook.Registered] != 0 || !slices.Equal(r.hints, []string{"main/open"}) {
		t.Errorf("counted as %v, with the hints %v", c, r.hints)
	}
}
