// Package connections bounds how many connections a server has, and shares them out among those who hold them, so that nobody
// keeps others out by opening many.
package connections

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

// Limit bounds the connections of one server: Track is to be its ConnState. It is safe for concurrent use.
type Limit struct {
	all, peer int

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]netip.Addr
	peers  map[netip.Addr][]*held // oldest first
	closed uint64
}

// held is an open connection.
type held struct {
	conn net.Conn
	busy bool // a request is under way, or begins to come
}

// New returns a limit to connections in all and of one peer, which is an IP address.
func New(all, peer int) *Limit {
	return &Limit{all: all, peer: peer, conns: make(map[net.Conn]netip.Addr), peers: make(map[netip.Addr][]*held)}
}

// Track takes what http.Server says of a connection. Where a new one is one too many, one is closed: of its own peer if that has as
// many as a peer may have, else of the peer with most; first one on which nothing happens, then the oldest. It is the new one
// itself if nobody has more than its peer.
func (l *Limit) Track(c net.Conn, s http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s {
	case http.StateNew:
		l.openLocked(c)
	case http.StateActive, http.StateIdle:
		for _, h := range l.peers[l.conns[c]] {
			if h.conn == c {
				h.busy = s == http.StateActive
			}
		}
	case http.StateClosed, http.StateHijacked:
		l.forgetLocked(c)
	}
}

// Closed returns how many connections were closed because there were too many.
func (l *Limit) Closed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *Limit) openLocked(c net.Conn) {
	of := addressOf(c)
	own := l.peers[of]
	if len(own) >= l.peer || len(l.conns) >= l.all {
		l.closed++
		victim := l.fromLargestLocked(len(own) + 1)
		if len(own) >= l.peer {
			victim = idle(own)
		}
		if victim == nil {
			hangUp(c)
			return
		}
		l.forgetLocked(victim)
		hangUp(victim)
	}
	l.conns[c] = of
	l.peers[of] = append(l.peers[of], &held{conn: c})
}

// fromLargestLocked returns a connection of the peer that has most; nil if that is no more than so many.
func (l *Limit) fromLargestLocked(than int) net.Conn {
	var most []*held
	var whose netip.Addr
	for of, conns := range l.peers {
		if len(conns) > len(most) || len(conns) == len(most) && of.Less(whose) {
			most, whose = conns, of
		}
	}
	if len(most) <= than {
		return nil
	}
	if c := idle(most); c != nil {
		return c
	}
	return most[0].conn
}

// idle returns the oldest connection on which nothing happens; nil if there is none.
func idle(conns []*held) net.Conn {
	for _, h := range conns {
		if !h.busy {
			return h.conn
		}
	}
	return nil
}

func (l *Limit) forgetLocked(c net.Conn) {
	of, ok := l.conns[c]
	if !ok {
		return
	}
	delete(l.conns, c)
	l.peers[of] = slices.DeleteFunc(l.peers[of], func(h *held) bool { return h.conn == c })
	if len(l.peers[of]) == 0 {
		delete(l.peers, of)
	}
}

// hangUp closes a connection without a farewell, for which TLS would wait.
func hangUp(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}

// addressOf returns the IP address at the other end; the zero address if there is none, as of a Unix socket.
func addressOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}
