// What no error may tell.

package kie

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
)

// Everything that must never be told. The servers below send back whatever of it they get, wherever HTTP lets them.
const (
	canaryKey      = "canary-key"
	canaryID       = "canary-id"
	canaryPassword = "canary-password"
	canaryHeader   = "canary-header"
	canaryText     = "canary-text"
)

func TestNoErrorTellsASecret(t *testing.T) {
	for name, begin := range leaks() {
		t.Run(name, func(t *testing.T) {
			c := begin(t)
			for endpoint, call := range map[string]func(context.Context) error{
				"record": func(ctx context.Context) error { _, err := c.Record(ctx, Jobs, canaryID); return err },
				"credit": func(ctx context.Context) error { _, err := c.Credit(ctx); return err },
			} {
				err := call(t.Context())
				if err == nil {
					t.Errorf("%s: no error", endpoint)
				}
				checkError(t, err)
			}
		})
	}
}

// checkError looks at an error and at all of its causes.
func checkError(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for _, told := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%q", err)} {
			for _, secret := range []string{"canary", base64.StdEncoding.EncodeToString([]byte("user:" + canaryPassword))} {
				if strings.Contains(told, secret) {
					t.Errorf("%T tells %q: %s", err, secret, told)
				}
			}
		}
	}
}

// leaks returns clients whose requests fail, each in a way of its own.
func leaks() map[string]func(*testing.T) *Client {
	all := map[string]func(*testing.T) *Client{
		"refused": func(t *testing.T) *Client { t.Helper(); return canary(t, closedPort(t)) },
		"proxy refused": func(t *testing.T) *Client {
			t.Helper()
			return canary(t, "https://api.example", proxied(closedPort(t)))
		},
		"proxy name": func(t *testing.T) *Client {
			t.Helper()
			return canary(t, "https://api.example", proxied("http://proxy.invalid"))
		},
		"self-signed": func(t *testing.T) *Client {
			t.Helper()
			s := httptest.NewTLSServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return canary(t, s.URL)
		},
		"bad key": func(t *testing.T) *Client {
			t.Helper()
			return canary(t, "http://127.0.0.1:1", func(o *Options) { o.Key = func() string { return canaryKey + "\n" } })
		},
		"dial": func(t *testing.T) *Client {
			t.Helper()
			return canary(t, "http://api.example", func(o *Options) {
				o.DialContext = func(context.Context, string, string) (net.Conn, error) {
					return nil, &url.Error{Op: "dial", URL: "http://user:" + canaryPassword + "@proxy", Err: errors.New(canaryText)}
				}
			})
		},
	}
	for _, code := range []int{200, 302, 400, 401, 402, 404, 408, 409, 422, 429, 433, 451, 455, 500, 501, 505} {
		all[fmt.Sprintf("envelope %d", code)] = echoing(200, fmt.Sprintf(
			`{"code":%d,"msg":"%%[1]s %s","data":{"taskId":"%%[1]s","param":"%%[1]s","failMsg":"%%[1]s","failCode":"%%[1]s"}}`, code, canaryText))
		if code != 408 {
			all[fmt.Sprintf("status %d", code)] = echoing(code, "%[1]s "+canaryText)
		}
	}
	for name, answer := range map[string]string{
		"status line":      "%s\r\n\r\n",
		"status code":      "HTTP/1.1 %s\r\n\r\n",
		"protocol":         "HTTP/%s 200 OK\r\n\r\n",
		"header":           "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"header value":     "HTTP/1.1 200 OK\r\nX: %s\x00\r\n\r\n",
		"content length":   "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"content lengths":  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2%s\r\n\r\n",
		"transfer":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"chunk":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
		"trailer":          "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%s\r\n\r\n",
		"location":         "HTTP/1.1 302 Found\r\nLocation: http://[%s\r\n\r\n",
		"gzip":             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n%s long enough for a header",
		"cut":              "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n%s",
		"switch":           "HTTP/1.1 101 %[1]s\r\nUpgrade: %[1]s\r\n\r\n%[1]s",
		"reason of status": "HTTP/1.1 503 %s\r\n\r\n",
	} {
		all["wire "+name] = func(t *testing.T) *Client { t.Helper(); return canary(t, wire(t, parroting(answer))) }
		all["tunnel "+name] = func(t *testing.T) *Client {
			t.Helper()
			return canary(t, "https://api.example", proxied(wire(t, parroting(answer))))
		}
	}
	all["socks"] = func(t *testing.T) *Client {
		t.Helper()
		return canary(t, "https://api.example", proxied(strings.Replace(closedPort(t), "http", "socks5", 1)))
	}
	return all
}

// canary returns a client that has every secret there is.
func canary(t *testing.T, base string, change ...func(*Options)) *Client {
	t.Helper()
	return connect(t, base, append([]func(*Options){func(o *Options) {
		o.Key = func() string { return canaryKey }
		o.Timeout = 2 * time.Second
		o.HTTPClient.HTTPHeaders = &commoncfg.Headers{Headers: map[string]commoncfg.Header{"X-Gateway": {Secrets: []commoncfg.Secret{canaryHeader}}}}
	}}, change...)...)
}

// proxied sends everything through a proxy with secrets of its own.
func proxied(proxy string) func(*Options) {
	return func(o *Options) {
		through(proxy)(o)
		o.HTTPClient.ProxyURL.User = url.UserPassword("user", canaryPassword)
		o.HTTPClient.ProxyConnectHeader = commoncfg.ProxyHeader{"X-Tunnel": {canaryHeader}}
	}
}

// secretsOf returns all that a request gives away, on one line.
func secretsOf(r *http.Request) string {
	h := r.Header
	return strings.Join([]string{h.Get("Authorization"), h.Get("Proxy-Authorization"), h.Get("X-Gateway"), h.Get("X-Tunnel"), r.URL.RawQuery, canaryText}, " ")
}

// echoing returns a client of an API that puts the request's secrets into its answers.
func echoing(status int, body string) func(*testing.T) *Client {
	return func(t *testing.T) *Client {
		t.Helper()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answering(status, fmt.Sprintf(body, secretsOf(r)), "Location", "http://"+canaryText, "Retry-After", canaryText)(w, r)
		}))
		t.Cleanup(s.Close)
		return canary(t, s.URL)
	}
}

// parroting puts the request's secrets into whatever part of an HTTP answer has the verb.
func parroting(answer string) func(net.Conn, *http.Request) {
	return func(conn net.Conn, req *http.Request) { saying(fmt.Sprintf(answer, secretsOf(req)))(conn, req) }
}
