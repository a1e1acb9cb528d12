// What the tests share: a client against a server that answers as told.

package kie

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testID  = "task_12345678"
	testKey = "test-key"
)

// documented is the example answer of the API's documentation.
const documented = `{"code":200,"message":"success","data":{
	"taskId":"task_12345678","model":"kling/v2-5-turbo-image-to-video-pro","state":"success",
	"param":"{\"model\":\"kling/v2-5-turbo-image-to-video-pro\",\"input\":{\"prompt\":\"a cat\"}}",
	"resultJson":"{\"resultUrls\":[\"https://example.com/generated-image.jpg\"]}",
	"failCode":"","failMsg":"",
	"completeTime":1698765432000,"createTime":1698765400000,"updateTime":1698765432000}}`

// connect returns a client of base; change adjusts its options.
func connect(t *testing.T, base string, change ...func(*Options)) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		BaseURL:        u,
		Key:            func() string { return testKey },
		Timeout:        10 * time.Second,
		MaxConnections: 4,
		UserAgent:      "kie_exporter/test",
	}
	for _, f := range change {
		f(&o)
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve starts an API that answers with h and returns a client of it.
func serve(t *testing.T, h http.HandlerFunc, change ...func(*Options)) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return connect(t, s.URL, change...)
}

// answering returns a handler that always gives the same answer. Headers come as name and value in turn.
func answering(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// ask queries the test's task at an API that gives this answer.
func ask(t *testing.T, status int, body string, headers ...string) (Answer, error) {
	t.Helper()
	return serve(t, answering(status, body, headers...)).Record(t.Context(), Jobs, testID)
}

// wire starts a server below HTTP: talk gets each connection once the request's header was read. It returns the base URL.
func wire(t *testing.T, talk func(conn net.Conn, req *http.Request)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the test
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					talk(conn, req)
				}
			})
		}
	})
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

// saying returns a talk that writes text and hangs up.
func saying(text string) func(net.Conn, *http.Request) {
	return func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, text) }
}

func wantClass(t *testing.T, err error, want Class) {
	t.Helper()
	if got := ClassOf(err); got != want {
		t.Errorf("class %v (%v), want %v", got, err, want)
	}
}
