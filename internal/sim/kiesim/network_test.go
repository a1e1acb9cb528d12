// Promises that need a real client and server: faults, the books, the pipe network.

package kiesim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// serve runs the simulated API behind net/http on a pipe, until the test ends.
func serve(t *testing.T, s *Server) *http.Client {
	t.Helper()
	pipe := NewPipe()
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	transport := &http.Transport{DialContext: pipe.DialContext}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(pipe); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		wg.Wait()
	})
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// get asks about task a.
func get(t *testing.T, c *http.Client) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://kie.test"+taskA, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	return c.Do(r)
}

// mustGet is get for requests that are answered.
func mustGet(t *testing.T, c *http.Client) got {
	t.Helper()
	resp, err := get(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, resp)
}

const taskA = "/api/v1/jobs/recordInfo?taskId=a"

func TestRealClientAndServerRunInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Latency: 50 * time.Millisecond, Record: true})
		s.Put(Task{ID: "a", Duration: time.Minute})
		client, start := serve(t, s), time.Now()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					if g := mustGet(t, client); g.Code != 200 {
						t.Errorf("got %s", g.Body)
					}
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("80 requests by 8 took %v, want 500ms", took)
		}
		if st := s.Stats(); st.MaxInFlight != 8 || st.Requests[RecordInfo] != 80 || st.Codes[200] != 80 || s.Queries("a") != 80 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestFaultsAnswerAsTold(t *testing.T) {
	for name, c := range map[string]struct {
		fault  Fault
		status int
		body   string // whole, or a part if it ends in …
	}{
		"envelope":         {Fault{Code: 429, Msg: "slow"}, 200, `{"code":429,"msg":"slow","data":null}`},
		"no data key":      {Fault{Code: 402, Msg: "top up"}, 200, `{"code":402,"msg":"top up"}`},
		"real status":      {Fault{Status: 503}, 503, ""},
		"status, envelope": {Fault{Status: 500, Code: 500, Msg: "x"}, 500, `{"code":500,"msg":"x","data":null}`},
		"empty":            {Fault{Status: 200}, 200, ""},
		"HTML":             {Fault{Status: 502, Body: "<html>"}, 502, "<html>"},
		"garbage":          {Fault{Body: "\x00{"}, 200, "\x00{"},
		"only header":      {Fault{}, 200, `{"code":200,"msg":"success","data":{…`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Options{})
				s.Put(Task{ID: "a"})
				c.fault.Header = http.Header{"Retry-After": {"7"}}
				c.fault.Delay = 3 * time.Second
				s.Inject(Match{}, c.fault)
				start := time.Now()
				g := mustGet(t, serve(t, s))
				part, cut := strings.CutSuffix(c.body, "…")
				if g.Status != c.status || !strings.HasPrefix(g.Body, part) || !cut && g.Body != part {
					t.Errorf("got status %d, %q", g.Status, g.Body)
				}
				if g.Header.Get("Retry-After") != "7" || time.Since(start) != 3*time.Second {
					t.Errorf("header %v after %v", g.Header, time.Since(start))
				}
			})
		})
	}
}

func TestFaultsHitWhatTheyMatch(t *testing.T) {
	s := New(Options{})
	s.Put(Task{ID: "a"})
	s.Put(Task{ID: "b"})
	codes := func() string {
		return fmt.Sprint(askTask(t, s, "a").Code, askTask(t, s, "b").Code, ask(t, s, "/api/v1/chat/credit", key).Code)
	}
	expect := func(when, want string) {
		t.Helper()
		if got := codes(); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	expect("no fault", "200 200 200")
	endAll := s.Inject(Match{}, Fault{Code: 500})
	expect("all", "500 500 500")
	endCredit := s.Inject(Match{Endpoint: Credit}, Fault{Code: 455})
	expect("the latest counts", "500 500 455")
	endAll()
	expect("one endpoint", "200 200 455")
	endCredit()
	s.Inject(Match{ID: "b", Times: 2}, Fault{Code: 501})
	expect("one id", "200 501 200")
	expect("one id, the second time", "200 501 200")
	expect("used up", "200 200 200")
	s.Inject(Match{Times: 1}, Fault{Code: 400})
	expect("the next request", "400 200 200")
	endAll()
	expect("removing twice does nothing", "200 200 200")
}

func TestResetIsAskedOnceOnAReusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		s.Put(Task{ID: "a"})
		client := serve(t, s)
		mustGet(t, client)
		s.Inject(Match{}, Fault{Reset: true})
		if _, err := get(t, client); !errors.Is(err, io.ErrUnexpectedEOF) { //nolint:bodyclose // there is no answer
			t.Errorf("got %v", err)
		}
		if n := s.Queries("a"); n != 2 {
			t.Errorf("asked %d times, want 2", n)
		}
	})
}

func TestHangEndsWhenTheClientGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Record: true})
		s.Inject(Match{}, Fault{Hang: true})
		client, start := serve(t, s), time.Now()
		if resp, err := get(t, client); err == nil {
			t.Errorf("got %s", read(t, resp).Body)
		}
		if took := time.Since(start); took != client.Timeout {
			t.Errorf("ended after %v, want %v", took, client.Timeout)
		}
		synctest.Wait()
		if st := s.Stats(); st.Codes[0] != 1 || st.Requests[RecordInfo] != 1 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestRequestsAreRecordedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := New(Options{Record: true}), time.Now()
		s.Put(Task{ID: "a"})
		for _, path := range []string{taskA, "/api/v1/chat/credit", "/nothing", "/api/v1/jobs/recordInfo?taskId=b"} {
			ask(t, s, path, key)
			time.Sleep(time.Second)
		}
		want := []Request{
			{At: start, Endpoint: RecordInfo, ID: "a", Code: 200},
			{At: start.Add(time.Second), Endpoint: Credit, Code: 200},
			{At: start.Add(2 * time.Second), Code: 404},
			{At: start.Add(3 * time.Second), Endpoint: RecordInfo, ID: "b", Code: 422},
		}
		for i, r := range s.Requests() {
			if r != want[i] {
				t.Errorf("request %d: %+v, want %+v", i, r, want[i])
			}
		}
		if n := len(s.Requests()); n != len(want) {
			t.Errorf("%d requests, want %d", n, len(want))
		}
	})
}

func TestClosedPipeRefusesConnections(t *testing.T) {
	pipe := NewPipe()
	for range 2 {
		if err := pipe.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := pipe.DialContext(t.Context(), "tcp", "kie.test:80"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial: %v", err)
	}
	if _, err := pipe.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewPipe().DialContext(ctx, "tcp", "kie.test:80"); !errors.Is(err, context.Canceled) {
		t.Errorf("dial: %v", err)
	}
}

func TestMixtureIsTheSameForTheSameSeed(t *testing.T) {
	outcomes := func(seed uint64) (codes []int, mixed map[string]int) {
		s := New(Options{Seed: seed})
		s.Put(Task{ID: "a"})
		s.Mix(Mixture{Share: 0.5, Faults: []Ingredient{{"busy", 1, Fault{Code: 500}}, {"slow down", 3, Fault{Code: 429}}}})
		for range 400 {
			codes = append(codes, askTask(t, s, "a").Code)
		}
		return codes, s.Stats().Mixed
	}
	codes, mixed := outcomes(1)
	if again, _ := outcomes(1); !slices.Equal(codes, again) {
		t.Error("the same seed gives other faults")
	}
	if other, _ := outcomes(2); slices.Equal(codes, other) {
		t.Error("another seed gives the same faults")
	}
	if busy, slow := mixed["busy"], mixed["slow down"]; busy < 25 || busy > 75 || slow < 110 || slow > 190 {
		t.Errorf("of 400 requests %d and %d met a fault, want about 50 and 150", busy, slow)
	}
}

func TestInjectedFaultGoesBeforeAMixture(t *testing.T) {
	s := New(Options{})
	s.Put(Task{ID: "a"})
	s.Mix(Mixture{Share: 1, Faults: []Ingredient{{"busy", 1, Fault{Code: 500}}}})
	remove := s.Inject(Match{}, Fault{Code: 455})
	injected := askTask(t, s, "a").Code
	remove()
	mixed := askTask(t, s, "a").Code
	s.Mix(Mixture{})
	if after := askTask(t, s, "a").Code; injected != 455 || mixed != 500 || after != 200 {
		t.Errorf("codes %d, %d, %d; want 455, 500, 200", injected, mixed, after)
	}
}
