package connections_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/internal/connections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// end is a connection from an address.
type end struct {
	net.Conn
	from   string
	closed bool
}

func (e *end) Close() error { e.closed = true; return nil }

func (e *end) RemoteAddr() net.Addr {
	at, err := net.ResolveTCPAddr("tcp", e.from)
	if err != nil {
		panic(err)
	}
	return at
}

// opened returns connections from one address after another.
func opened(l *connections.Limit, from ...string) (all []*end) {
	for _, f := range from {
		e := &end{from: f + ":1234"}
		l.Track(e, http.StateNew)
		all = append(all, e)
	}
	return all
}

func open(conns []*end) string {
	var text []byte
	for _, e := range conns {
		last := e.from[len(e.from)-6] // of the address, before :1234
		if e.closed {
			last = '-'
		}
		text = append(text, last)
	}
	return string(text)
}

func TestWhoHasMostMakesRoom(t *testing.T) {
	const a, b, c = "10.0.0.1", "10.0.0.2", "[::ffff:10.0.0.3]"
	for name, test := range map[string]struct {
		from []string
		busy []int // by their numbers
		want string
		gone uint64
	}{
		"room for all":                         {[]string{a, a, b, c}, nil, "112]", 0},
		"the oldest of who has most":           {[]string{a, a, a, b, c}, nil, "-112]", 1},
		"one on which nothing happens first":   {[]string{a, a, a, b, c}, []int{0}, "1-12]", 1},
		"a busy one if there is no other":      {[]string{a, a, a, b, c}, []int{0, 1, 2}, "-112]", 1},
		"the new one if nobody has more":       {[]string{a, a, b, b, c, c, c}, nil, "-122]--", 3},
		"a peer's own if it has all it may":    {[]string{a, a, a, a}, nil, "-111", 1},
		"the new one if all of those are busy": {[]string{a, a, a, a}, []int{0, 1, 2}, "111-", 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := connections.New(4, 3)
			var all []*end
			for i, from := range test.from {
				all = append(all, opened(l, from)...)
				for _, n := range test.busy {
					if n == i {
						l.Track(all[i], http.StateActive)
					}
				}
			}
			if got := open(all); got != test.want || l.Closed() != test.gone {
				t.Errorf("open are %s, want %s; %d were closed, want %d", got, test.want, l.Closed(), test.gone)
			}
		})
	}
}

func TestClosedConnectionsMakeRoom(t *testing.T) {
	l := connections.New(2, 2)
	for range 10 {
		for _, e := range opened(l, "10.0.0.1", "10.0.0.1") {
			l.Track(e, http.StateActive)
			l.Track(e, http.StateIdle)
			l.Track(e, http.StateClosed)
			l.Track(e, http.StateClosed)
		}
	}
	if l.Closed() != 0 {
		t.Errorf("%d were closed", l.Closed())
	}
}

func TestAServerStaysReachableBesideIdleConnections(t *testing.T) {
	l := connections.New(20, 10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	s.Config.ConnState = l.Track // httptest calls it besides its own
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	client := s.Client()
	client.Timeout = 10 * time.Second
	for i := range 100 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if i%10 != 9 {
			continue
		}
		client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("after %d connections: %v", i+1, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	if l.Closed() < 80 {
		t.Errorf("only %d were closed", l.Closed())
	}
}
