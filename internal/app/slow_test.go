// Clients that are slow, or are no clients at all. Time passes in a bubble, over HTTP on pipes, so that real time-outs cost none.

package app

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/connections"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// inBubble runs an exporter that has nothing to ask, and its server, for test.
func inBubble(t *testing.T, f *flags, test func(t *testing.T, pipe *kiesim.PipeListener)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kie.yml")
	const text = "accounts: [{credits_interval: 0s}]\ngroups: [{files: [missing.txt]}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		load := func() (*config.Config, error) {
			return config.Load(path, func(string) string { return "key-of-a-test" })
		}
		e, err := newExporter(load, fixed{}, func(*history.History) (recordStore, error) { return store.Memory{}, nil }, 0, log)
		if err != nil {
			t.Fatal(err)
		}
		handler, err := f.handler(e)
		if err != nil {
			t.Fatal(err)
		}
		pipe, server := kiesim.NewPipe(), newServer(handler, connections.New(1000, 1000), e.panics, log)
		ctx, stop := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		parts.Go(func() { e.run(ctx) })
		parts.Go(func() { _ = server.Serve(pipe) })
		<-e.loaded
		test(t, pipe)
		_ = server.Close()
		stop()
		parts.Wait()
		e.close()
	})
}

// dial connects and sends the beginning of a request.
func dial(t *testing.T, pipe *kiesim.PipeListener, begin string) net.Conn {
	t.Helper()
	conn, err := pipe.DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, begin); err != nil {
		t.Fatal(err)
	}
	return conn
}

// readAnswer reads an answer to its end and returns its status.
func readAnswer(t *testing.T, conn net.Conn) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}

// hungUp returns how many of the connections the server has closed.
func hungUp(conns []net.Conn) (n int) {
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now())
		if _, err := io.Copy(io.Discard, c); err == nil {
			n++
		}
	}
	return n
}

func TestIdleClientsAreHungUpOnAndScrapesGoOn(t *testing.T) {
	const scrape = "GET /metrics HTTP/1.1\r\nHost: test\r\n"
	const whole = "GET /-/healthy HTTP/1.1\r\nHost: test\r\n\r\n"
	for name, begin := range map[string]string{
		"500 connections that send nothing":     "",
		"500 half-open connections":             scrape,
		"500 connections that ask nothing more": whole,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &flags{metricsPath: "/metrics", maxRequests: 5}, func(t *testing.T, pipe *kiesim.PipeListener) {
				var conns []net.Conn
				for range 500 {
					conn := dial(t, pipe, begin)
					if begin == whole {
						readAnswer(t, conn)
					}
					conns = append(conns, conn)
				}
				if status := readAnswer(t, dial(t, pipe, scrape+"\r\n")); status != http.StatusOK {
					t.Errorf("a scrape beside them answers %d", status)
				}
				time.Sleep(2*time.Minute + time.Second)
				if n := hungUp(conns); n != len(conns) {
					t.Errorf("%d of %d connections were closed", n, len(conns))
				}
			})
		})
	}
}

// readSlowly reads an answer a byte a second, and returns how long until it was cut off.
func readSlowly(conn net.Conn) time.Duration {
	start := time.Now()
	for {
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			return time.Since(start)
		}
		time.Sleep(time.Second)
	}
}

func TestAScraperMayReadAsLongAsItWouldWait(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 15 * time.Second, "1": 15 * time.Second, "15.5": 15500 * time.Millisecond, "60": time.Minute, "600": 10 * time.Minute,
		"NaN": 15 * time.Second, "-5": 15 * time.Second, "3601": 15 * time.Second,
	} {
		for _, path := range []string{"/metrics", "/metrics?name[]=kie_api_requests_total"} {
			t.Run(path+" "+header, func(t *testing.T) {
				inBubble(t, &flags{metricsPath: "/metrics", maxRequests: 2}, func(t *testing.T, pipe *kiesim.PipeListener) {
					took := readSlowly(dial(t, pipe, "GET "+path+" HTTP/1.1\r\nHost: test\r\n"+timeoutHeader+": "+header+"\r\n\r\n"))
					if took < want || took > want+2*time.Second {
						t.Errorf("cut off after %v, want %v", took, want)
					}
				})
			})
		}
	}
}

func TestAScraperReadingAByteASecondIsCutOff(t *testing.T) {
	const scrape = "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"
	inBubble(t, &flags{metricsPath: "/metrics", maxRequests: 2}, func(t *testing.T, pipe *kiesim.PipeListener) {
		var slow sync.WaitGroup
		for range 2 {
			conn := dial(t, pipe, scrape)
			slow.Go(func() {
				if took := readSlowly(conn); took > writeTimeout+2*time.Second {
					t.Errorf("cut off after %v", took)
				}
			})
		}
		slow.Wait()
		synctest.Wait() // the connection goes before its handler does
		if status := readAnswer(t, dial(t, pipe, scrape)); status != http.StatusOK {
			t.Errorf("with both places free again a scrape answers %d", status)
		}
	})
}

func TestSlowReadersTakeNoPlaceFromOthers(t *testing.T) {
	for name, path := range map[string]string{
		"a scrape":     "/metrics",
		"some metrics": "/metrics?name[]=kie_api_requests_total",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &flags{metricsPath: "/metrics", maxRequests: 40}, func(t *testing.T, pipe *kiesim.PipeListener) {
				request := "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + timeoutHeader + ": 3600\r\n\r\n"
				var slow sync.WaitGroup
				for range 60 {
					conn := dial(t, pipe, request)
					slow.Go(func() { readSlowly(conn) })
				}
				synctest.Wait()
				for range 5 {
					begin := time.Now()
					if status := readAnswer(t, dial(t, pipe, request)); status != http.StatusOK || time.Since(begin) > patience {
						t.Errorf("a scrape beside them answers %d after %v", status, time.Since(begin))
					}
				}
				slow.Wait()
			})
		})
	}
}

func TestWhoReadsSteadilyKeepsItsPlaceForAsLongAsIsUsual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := newSlots(1)
		pipe := kiesim.NewPipe()
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			defer cancel()
			served := places.serve(ctx, w, func(w http.ResponseWriter) {
				for range 100 {
					_, _ = w.Write(make([]byte, 32<<10))
				}
			})
			if !served {
				refuse(w)
			}
		})}
		var parts sync.WaitGroup
		parts.Go(func() { _ = server.Serve(pipe) })
		const request = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"
		steady := dial(t, pipe, request)
		synctest.Wait() // it has the place
		begin := time.Now()
		parts.Go(func() { // 64 KiB a second: a piece is taken within half a second
			for {
				if _, err := io.ReadFull(steady, make([]byte, 16<<10)); err != nil {
					return
				}
				time.Sleep(time.Second / 4)
			}
		})
		for time.Since(begin) < writeTimeout-patience-time.Second {
			if status := readAnswer(t, dial(t, pipe, request)); status != http.StatusServiceUnavailable {
				t.Errorf("after %v another client is answered with %d", time.Since(begin), status)
			}
		}
		time.Sleep(writeTimeout - time.Since(begin))
		if status := readAnswer(t, dial(t, pipe, request)); status != http.StatusOK {
			t.Errorf("after %v another client is answered with %d", time.Since(begin), status)
		}
		_ = server.Close()
		parts.Wait()
	})
}

func TestAPanicIsOneErrorAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		reason any
		counts float64
	}{"a fault": {"index out of range", 1}, "an answer given up": {http.ErrAbortHandler, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
				panics, pipe := collector.NewPanics(), kiesim.NewPipe()
				mux := http.NewServeMux()
				mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic(c.reason) })
				server := newServer(mux, connections.New(5, 5), panics, log)
				var parts sync.WaitGroup
				parts.Go(func() { _ = server.Serve(pipe) })
				conn := dial(t, pipe, "GET /broken HTTP/1.1\r\nHost: test\r\n\r\n")
				if left, err := io.ReadAll(conn); err != nil || len(left) > 0 {
					t.Errorf("an answer: %q, %v", left, err)
				}
				_ = server.Close()
				parts.Wait()
				var counted dto.Metric
				if err := panics.Write(&counted); err != nil || counted.GetCounter().GetValue() != c.counts {
					t.Errorf("%v counted (%v)", counted.GetCounter().GetValue(), err)
				}
				if n := strings.Count(lines.String(), "level=ERROR"); float64(n) != c.counts || strings.Count(lines.String(), "\n") != n {
					t.Errorf("the log: %s", lines.String())
				}
			})
		})
	}
}
