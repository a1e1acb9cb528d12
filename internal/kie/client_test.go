// Requests, connections, limits and proxies.

package kie

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
)

const okBody = `{"code":200,"data":{"state":"waiting"}}`

func TestRequestIsAsTheAPIWantsIt(t *testing.T) {
	var got *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		answering(200, okBody, "Set-Cookie", "session=1")(w, r)
	}))
	t.Cleanup(s.Close)
	for base, prefix := range map[string]string{s.URL: "", s.URL + "/": "", s.URL + "/gate/way": "/gate/way", s.URL + "/gate/way/": "/gate/way", s.URL + "/a%2Fb": "/a%2Fb"} {
		c := connect(t, base)
		for _, id := range []string{testID, "a b", "a/../b", "a?b=c&d#e", "%00", `"😀+`} {
			_, err := c.Record(t.Context(), Jobs, id)
			wantClass(t, err, ClassOK)
			if got.URL.EscapedPath() != prefix+"/api/v1/jobs/recordInfo" || got.URL.Query().Get("taskId") != id || len(got.URL.Query()) != 1 {
				t.Errorf("%s asked for %q as %s", base, id, got.RequestURI)
			}
		}
		_, _ = c.Credit(t.Context())
		if got.RequestURI != prefix+"/api/v1/chat/credit" {
			t.Errorf("%s asked for the credits as %s", base, got.RequestURI)
		}
	}
	h := got.Header
	if got.Method != http.MethodGet || h.Get("Authorization") != "Bearer "+testKey || h.Get("User-Agent") != "kie_exporter/test" || h.Get("Accept-Encoding") != "gzip" {
		t.Errorf("%s with headers %v", got.Method, h)
	}
	if h.Get("Cookie") != "" {
		t.Error("a cookie was kept")
	}
}

func TestNextRequestUsesTheNewKey(t *testing.T) {
	var seen []string
	keys := []string{"first", "second"}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		answering(200, okBody)(w, r)
	}, func(o *Options) {
		o.Key = func() string { return keys[len(seen)] }
	})
	for range keys {
		_, err := c.Record(t.Context(), Jobs, testID)
		wantClass(t, err, ClassOK)
	}
	if len(seen) != 2 || seen[0] != "Bearer first" || seen[1] != "Bearer second" {
		t.Errorf("keys sent: %q", seen)
	}
}

func TestConnectionIsKeptAlive(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(answering(200, documented))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := connect(t, s.URL)
	for range 20 {
		_, err := c.Record(t.Context(), Jobs, testID)
		wantClass(t, err, ClassOK)
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections for 20 requests in a row", opened.Load())
	}
}

func TestHTTPHeadersOfTheConfigurationAreSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "header")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Values("X-Gateway"); strings.Join(v, ",") != "plain,secret,from file" || r.Header.Get("Authorization") != "Bearer "+testKey {
			t.Errorf("X-Gateway %q", v)
		}
		answering(200, okBody)(w, r)
	}, func(o *Options) {
		o.HTTPClient.HTTPHeaders = &commoncfg.Headers{Headers: map[string]commoncfg.Header{
			"X-Gateway": {Values: []string{"plain"}, Secrets: []commoncfg.Secret{"secret"}, Files: []string{file}},
		}}
	})
	_, err := c.Record(t.Context(), Jobs, testID)
	wantClass(t, err, ClassOK)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = c.Record(t.Context(), Jobs, testID)
	if wantClass(t, err, ClassTransport); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v does not name the missing file", err)
	}
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	var visited atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Store(true) }))
	t.Cleanup(other.Close)
	for name, to := range map[string]string{
		"to another port":         other.URL,
		"to another host":         strings.Replace(other.URL, "127.0.0.1", "localhost", 1),
		"to a sub-domain":         "//sub.api.example/",
		"from https to http":      other.URL,
		"to a file":               "file:///etc/passwd",
		"to another path":         "/elsewhere",
		"to what is no URL":       "http://[bad",
		"to nowhere":              "",
		"to itself with userinfo": "http://user:password@127.0.0.1/",
	} {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{301, 302, 303, 307, 308} {
				var asked atomic.Int32
				api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked.Add(1)
					answering(status, documented, "Location", to)(w, r)
				}))
				change := func(*Options) {}
				if api.Start(); name == "from https to http" {
					api.Close()
					api = httptest.NewTLSServer(api.Config.Handler)
					change = trusting(api)
				}
				t.Cleanup(api.Close)
				_, err := connect(t, api.URL, change).Record(t.Context(), Jobs, testID)
				if wantClass(t, err, ClassRedirect); asked.Load() != 1 {
					t.Errorf("%d: the API was asked %d times", status, asked.Load())
				}
			}
		})
	}
	if visited.Load() {
		t.Error("the other host was visited")
	}
}

func TestCancelledRequestHasNoClass(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"in its middle": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, documented[:20])
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				cancel()
				<-r.Context().Done()
			})
			_, err := c.Record(ctx, Jobs, testID)
			if _, classed := errors.AsType[*Error](err); classed || !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled without a class", err)
			}
		})
	}
	t.Run("deadline of the caller", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).Credit(ctx)
		if _, classed := errors.AsType[*Error](err); classed || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's without a class", err)
		}
	})
}

func short(o *Options) { o.Timeout = 100 * time.Millisecond }

func TestSlowAnswerIsTimeout(t *testing.T) {
	for name, talk := range map[string]func(net.Conn, *http.Request){
		"silence": func(conn net.Conn, _ *http.Request) { _, _ = conn.Read(make([]byte, 1)) },
		"a byte now and then": func(conn net.Conn, _ *http.Request) {
			for _, b := range []byte("HTTP/1.1 200 OK\r\n\r\n" + documented) {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond) // the slowness itself
			}
		},
		"silence in the body": func(conn net.Conn, req *http.Request) {
			saying("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")(conn, req)
			_, _ = conn.Read(make([]byte, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := connect(t, wire(t, talk), short).Record(t.Context(), Jobs, testID)
			wantClass(t, err, ClassTimeout)
		})
	}
	t.Run("while dialling", func(t *testing.T) {
		_, err := connect(t, "http://api.example", short, func(o *Options) {
			o.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}).Record(t.Context(), Jobs, testID)
		wantClass(t, err, ClassTimeout)
	})
}

func TestBrokenExchangeIsTransport(t *testing.T) {
	for name, talk := range map[string]func(net.Conn, *http.Request){
		"closed at once":          saying(""),
		"not HTTP":                saying("SSH-2.0-OpenSSH_9.6\r\n"),
		"header of 1 MiB":         saying("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n" + documented),
		"headers of 1 MiB":        saying("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Many: xxxxxxxxxx\r\n", 1<<20/20) + "\r\n" + documented),
		"malformed header":        saying("HTTP/1.1 200 OK\r\nno colon\r\n\r\n" + documented),
		"chunk size not a number": saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"),
		"chunk size too small":    saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
		"chunk size too big":      saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}\r\n0\r\n\r\n"),
		"body cut":                saying("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + okBody),
		"gzip cut":                saying("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xaa"),
		"reset in the middle": func(conn net.Conn, req *http.Request) {
			saying("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")(conn, req)
			_ = conn.(*net.TCPConn).SetLinger(0) // closing now resets
		},
		"reset at once": func(conn net.Conn, _ *http.Request) {
			_ = conn.(*net.TCPConn).SetLinger(0) // closing now resets
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := connect(t, wire(t, talk)).Record(t.Context(), Jobs, testID)
			wantClass(t, err, ClassTransport)
		})
	}
}

func TestUnreachableAPIIsTransport(t *testing.T) {
	t.Run("connection refused", func(t *testing.T) {
		_, err := connect(t, closedPort(t)).Record(t.Context(), Jobs, testID)
		if wantClass(t, err, ClassTransport); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("name not resolved", func(t *testing.T) {
		_, err := connect(t, "http://api.invalid", func(o *Options) {
			o.DialContext = func(_ context.Context, network, _ string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: "api.invalid", IsNotFound: true}}
			}
		}).Record(t.Context(), Jobs, testID)
		if wantClass(t, err, ClassTransport); err == nil || !strings.Contains(err.Error(), "no such host") {
			t.Errorf("error %v", err)
		}
	})
}

// closedPort returns a base URL at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

func TestBodyOverTheLimitIsTooLargeAndCutOff(t *testing.T) {
	padded := func(size int) string {
		return okBody + strings.Repeat(" ", size-len(okBody))
	}
	_, err := ask(t, 200, padded(maxBody))
	wantClass(t, err, ClassOK)
	_, err = ask(t, 200, padded(maxBody+1))
	wantClass(t, err, ClassTooLarge)

	// The server goes on writing until the client hangs up: if it drained, this would not end.
	endless := func(w http.ResponseWriter, r *http.Request) {
		block := []byte(strings.Repeat(" ", 1<<16))
		for r.Context().Err() == nil {
			_, _ = w.Write(block)
		}
	}
	_, err = serve(t, endless).Record(t.Context(), Jobs, testID)
	wantClass(t, err, ClassTooLarge)
	_, err = serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusFound)
		endless(w, r)
	}).Record(t.Context(), Jobs, testID)
	wantClass(t, err, ClassRedirect)
}

func TestGzipBombIsCutOffEarly(t *testing.T) {
	var inflated atomic.Int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		block := make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := z.Write(block); err != nil || r.Context().Err() != nil {
				return
			}
			_ = z.Flush()
			inflated.Add(int64(len(block)))
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Record(t.Context(), Jobs, testID)
	runtime.ReadMemStats(&after)
	wantClass(t, err, ClassTooLarge)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MiB allocated for a bomb of which %d MiB were sent", used>>20, inflated.Load()>>20)
	}
}

func TestGzipIsUnderstood(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, documented)
		_ = z.Close()
	})
	a, err := c.Record(t.Context(), Jobs, testID)
	if wantClass(t, err, ClassOK); a.State != StateSuccess {
		t.Errorf("state %v", a.State)
	}
}

func TestCorruptGzipIsDecode(t *testing.T) {
	head := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	for name, body := range map[string]string{
		"deflate":  head + strings.Repeat("\xff", 100),
		"checksum": head + "\x03\x00" + "\x01\x02\x03\x04\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, 200, body, "Content-Encoding", "gzip")
			wantClass(t, err, ClassDecode)
		})
	}
}

func TestPlainHTTPGoesThroughTheProxyWithItsCredentials(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "api.example" || r.Header.Get("Proxy-Authorization") != basic("user:pass") {
			t.Errorf("proxy asked for %s by %q", r.URL.Host, r.Header.Get("Proxy-Authorization"))
		}
		answering(200, okBody)(w, r)
	}))
	t.Cleanup(proxy.Close)
	_, err := connect(t, "http://api.example", through(proxy.URL)).Record(t.Context(), Jobs, testID)
	wantClass(t, err, ClassOK)
}

func TestTLSGoesThroughTheProxysTunnel(t *testing.T) {
	api := httptest.NewTLSServer(answering(200, okBody))
	t.Cleanup(api.Close)
	proxy := wire(t, func(conn net.Conn, req *http.Request) {
		if req.Method != http.MethodConnect || req.Header.Get("Proxy-Authorization") != basic("user:pass") || req.Header.Get("X-Tunnel") != "yes" {
			t.Errorf("%s with headers %v", req.Method, req.Header)
		}
		if req.Header.Get("Authorization") != "" {
			t.Error("the proxy sees the key")
		}
		tunnel(req.Context(), t, conn, req.Host)
	})
	c := connect(t, api.URL, through(proxy), trusting(api), func(o *Options) {
		o.HTTPClient.ProxyConnectHeader = commoncfg.ProxyHeader{"X-Tunnel": {"yes"}}
	})
	_, err := c.Record(t.Context(), Jobs, testID)
	wantClass(t, err, ClassOK)
}

// tunnel joins conn to a new connection to address until either side closes.
func tunnel(ctx context.Context, t *testing.T, conn net.Conn, address string) {
	t.Helper()
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(far, conn)
		_ = far.Close()
	}()
	_, _ = io.Copy(conn, far)
	_ = conn.Close()
	<-done
}

func TestRefusedTunnelIsTransportAndTellsTheStatus(t *testing.T) {
	proxy := wire(t, saying("HTTP/1.1 407 whatever it says\r\n\r\n"))
	_, err := connect(t, "https://api.example", through(proxy)).Record(t.Context(), Jobs, testID)
	if wantClass(t, err, ClassTransport); err == nil || !strings.Contains(err.Error(), "407") || strings.Contains(err.Error(), "whatever") {
		t.Errorf("error %v, want the status and not the text", err)
	}
}

// through sends everything through a proxy that wants a password.
func through(proxy string) func(*Options) {
	return func(o *Options) {
		u, err := url.Parse(proxy)
		if err != nil {
			panic(err)
		}
		u.User = url.UserPassword("user", "pass")
		o.HTTPClient.ProxyURL = commoncfg.URL{URL: u}
	}
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestHTTP2IsUsedAsConfigured(t *testing.T) {
	for enabled, want := range map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"} {
		t.Run(strconv.FormatBool(enabled), func(t *testing.T) {
			api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != want {
					t.Errorf("%s, want %s", r.Proto, want)
				}
				answering(200, okBody)(w, r)
			}))
			api.EnableHTTP2 = true
			api.StartTLS()
			t.Cleanup(api.Close)
			c := connect(t, api.URL, trusting(api), func(o *Options) { o.HTTPClient.EnableHTTP2 = enabled })
			_, err := c.Record(t.Context(), Jobs, testID)
			wantClass(t, err, ClassOK)
		})
	}
}

func TestClientIsNotBuiltFromWhatCannotWork(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "api.example"}
	key := func() string { return testKey }
	for name, o := range map[string]Options{
		"no base URL": {Key: key, Timeout: time.Second},
		"no key":      {BaseURL: base, Timeout: time.Second},
		"no timeout":  {BaseURL: base, Key: key},
		"a CA that is none": {BaseURL: base, Key: key, Timeout: time.Second, HTTPClient: commoncfg.HTTPClientConfig{
			TLSConfig: commoncfg.TLSConfig{CA: "no certificate"},
		}},
	} {
		if _, err := NewClient(o); err == nil {
			t.Errorf("%s: a client was built", name)
		}
	}
}
