// Package remote is sources of ids in lists that servers have.
package remote

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"net"
	"net/url"
	"reflect"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
)

// HTTP is where a server has a list.
type HTTP struct {
	URL      *url.URL
	Interval time.Duration // from the end of a fetch to the next
	Client   commoncfg.HTTPClientConfig
	// DialContext replaces the ordinary dialler; nil is the ordinary one.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// Format implements fmt.Formatter. Every part of an HTTP may hold a secret.
func (h HTTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "a list by HTTP") }

// Same reports whether two lists are fetched in the same way, however often.
func (h *HTTP) Same(other *HTTP) bool {
	return h.URL.String() == other.URL.String() && reflect.DeepEqual(h.Client, other.Client)
}

// Source is a list that a server has. It has no lock: the set's guards it, and is not held during a fetch.
type Source struct {
	claims *list.Source
	list   *list.List
	server *Server // nil: the list is in no configuration any more
	from   HTTP    // what the server was made of
	log    *slog.Logger
	seed   maphash.Seed

	interval time.Duration
	due      time.Time // of the next fetch; never zero
	arrived  *answer   // fetched, and not read yet
	version  version   // of the content that the list has
	sum      uint64    // of that content
	round    uint32    // the source's when that was read
}

// New returns a source that is at no server yet.
func New(claims *list.Source, log *slog.Logger) *Source {
	return &Source{claims: claims, list: claims.NewList(""), log: log, seed: maphash.MakeSeed(), due: time.Now()}
}

// From returns how the list is fetched.
func (r *Source) From() *HTTP { return &r.from }

// Move makes another server the one to ask, and reports whether it is there in place of one with another URL. The ids stay until a
// content lacks them.
func (r *Source) Move(to *Server) (elsewhere bool) {
	if r.server != nil {
		r.server.close()
		elsewhere = r.from.URL.String() != to.from.URL.String()
	}
	r.server, r.from, r.arrived = to, to.from, to.asked
	r.due = time.Now()
	r.version, r.sum = version{}, 0
	return elsewhere
}

// Every sets the time from the end of a fetch to the next.
func (r *Source) Every(interval time.Duration) {
	r.interval = interval
	if latest := time.Now().Add(interval); r.due.After(latest) {
		r.due = latest
	}
}

// Due returns when the list is to be fetched next.
func (r *Source) Due() time.Time { return r.due }

// Fetch returns how the list is fetched; nil: it was.
func (r *Source) Fetch() source.Fetch {
	if r.arrived != nil {
		return nil
	}
	server, have, bytes := r.server, r.has(), r.claims.Limits().Bytes
	return func(ctx context.Context) func() bool {
		if server == nil { // it was retired
			return func() bool { return false }
		}
		a := server.fetch(ctx, have, bytes)
		return func() bool {
			if r.server != server {
				return false // another one is asked meanwhile
			}
			r.arrived = &a
			return true
		}
	}
}

// has returns the version that need not be sent again. Refused ids for which there is room now have to be.
func (r *Source) has() version {
	if r.list.Wants() || r.round != r.claims.Round() {
		return version{}
	}
	return r.version
}

// Refresh takes over what was fetched. On an error the list is left as it was. What is not modified counts as read.
func (r *Source) Refresh(ctx context.Context) error {
	got := r.arrived
	r.arrived = nil
	r.due = time.Now().Add(r.interval)
	if got.err != nil || got.unmodified {
		return got.err
	}
	sum, round := maphash.String(r.seed, got.content), r.claims.Round()
	if sum != r.sum || got.version.kind != r.version.kind || r.list.Wants() || r.round != round {
		p, err := r.list.Parse(ctx, got.content, got.format, nil)
		if err != nil {
			return err
		}
		r.list.Replace(p).Log(r.log)
	}
	r.version, r.sum, r.round = got.version, sum, round
	return nil
}

// Retire ends the list.
func (r *Source) Retire() {
	if r.server != nil {
		r.server.close()
		r.server = nil
	}
}
