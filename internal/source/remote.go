// Ids from a list that a server has.

package source

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/url"
	"reflect"
	"time"

	commoncfg "github.com/prometheus/common/config"
)

// httpLabel is the label of a group's list on a server. Its URL may hold secrets.
const httpLabel = "http"

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

// same reports whether two lists are fetched in the same way, however often.
func (h *HTTP) same(other *HTTP) bool {
	return h.URL.String() == other.URL.String() && reflect.DeepEqual(h.Client, other.Client)
}

// remote is a list that a server has. It is fetched without the set's lock, and read when an answer is there.
type remote struct {
	from   HTTP
	server *server // nil: the list is in no configuration any more
	list   *list
	log    *slog.Logger
	seed   maphash.Seed

	due     time.Time // of the next fetch
	busy    bool      // a fetch is under way
	arrived *answer   // fetched, and not read yet
	version version   // of the content that the list has
	sum     uint64    // of that content
	guarded uint32    // the guard's round when that was read
	err     error     // of the last read
}

func newRemote(src *source, log *slog.Logger) *remote {
	return &remote{list: &list{source: src}, log: log, seed: maphash.MakeSeed()}
}

// read takes over what was fetched. On an error the list is left as it was. What is not modified counts as read.
func (r *remote) read(ctx context.Context, g *ledger) error {
	got := r.arrived
	r.arrived = nil
	r.due = time.Now().Add(r.from.Interval)
	r.err = got.err
	if got.err == nil && !got.unmodified {
		r.err = r.replace(ctx, got, g)
	}
	if ctx.Err() != nil {
		r.due = time.Time{} // it was not read to its end
	}
	return r.err
}

// replace makes what was fetched the content of the list.
func (r *remote) replace(ctx context.Context, got *answer, g *ledger) error {
	sum := maphash.String(r.seed, got.content)
	if sum != r.sum || got.version.kind != r.version.kind || g.wants(r.list) || r.guarded != g.round {
		h := newHarvest(ctx, r.list, g)
		if err := h.gather(g, got.content, got.format); err != nil {
			return err
		}
		bad := g.replace(r.list, h)
		bad.log(r.log)
	}
	r.version, r.sum, r.guarded = got.version, sum, g.round
	return nil
}

// has returns the version that need not be sent again. Refused ids for which there is room now have to be.
func (r *remote) has(g *ledger) version {
	if g.wants(r.list) || r.guarded != g.round {
		return version{}
	}
	return r.version
}

// move makes another server the one to ask. The ids stay until a content lacks them.
func (r *remote) move(from *HTTP, to *arrival) {
	if r.server != nil {
		r.server.close()
		r.list.source.owed = r.list.source.owed || r.from.URL.String() != from.URL.String()
	}
	r.from, r.server, r.arrived = *from, to.server, to.answer
	r.due, r.busy = time.Time{}, false
	r.version, r.sum = version{}, 0
}

// every sets the time between two fetches.
func (r *remote) every(interval time.Duration) {
	r.from.Interval = interval
	if latest := time.Now().Add(interval); r.due.After(latest) {
		r.due = latest
	}
}

// retire ends the list. What is being fetched is for nobody.
func (r *remote) retire() {
	r.server.close()
	r.server = nil
}

func (r *remote) lists() iter.Seq[*list] {
	return func(yield func(*list) bool) { yield(r.list) }
}
