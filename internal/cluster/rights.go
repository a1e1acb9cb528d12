// What is held at a moment, for who asks often.

package cluster

import (
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/share"
)

// rights are what is held. They are never changed.
type rights struct {
	lease  time.Duration
	shares map[share.Share]right
	parts  map[string]int // of each account
}

// right is the right to act for a share.
type right struct {
	mark    string
	asked   time.Time
	leaving bool
	shown   time.Time
}

func (r *rights) ok(x right, now time.Time) bool {
	s := state{lease: r.lease}
	return x.mark != "" && s.valid(x.asked, now)
}

// publishLocked has the rights be what is held, and says so if other shares are, or are again: rights that had ended by the clock and were renewed all the
// same, as after a process stood still, are the same rights, but who looked in between has let their shares go.
func (k *Keeper) publishLocked() {
	next := &rights{lease: k.options.Lease, shares: make(map[share.Share]right, len(k.state.holds)), parts: make(map[string]int)}
	for _, sh := range k.state.shares {
		next.parts[sh.Account] = sh.Parts
	}
	for sh, h := range k.state.holds {
		if h.sealed {
			next.shares[sh] = right{k.mark(h), h.asked, !h.leaving.IsZero(), h.shown}
		}
	}
	before, now := k.rights.Swap(next), time.Now()
	same := func(a, b right) bool { return a.mark == b.mark && (before.ok(a, now) || !next.ok(b, now)) }
	if before == nil || !maps.EqualFunc(before.shares, next.shares, same) {
		notify(k.changed)
	}
}

// Shares returns what is held now, by account; accounts of which nothing is are not in it.
func (k *Keeper) Shares() share.Sets {
	r, now := k.rights.Load(), time.Now()
	parts := make(map[string]int)
	held := make(map[string][]int)
	for sh, x := range r.shares {
		if r.ok(x, now) {
			parts[sh.Account] = sh.Parts
			held[sh.Account] = append(held[sh.Account], sh.Part)
		}
	}
	sets := make(share.Sets)
	for account, n := range parts {
		sets[account] = share.Some(n, held[account]...)
	}
	return sets
}

// Held returns the shares that are held now, in order.
func (k *Keeper) Held() (held []share.Share) {
	r, now := k.rights.Load(), time.Now()
	for sh, x := range r.shares {
		if r.ok(x, now) {
			held = append(held, sh)
		}
	}
	slices.SortFunc(held, compare)
	return held
}

// Keeps returns the shares that are held now and not about to be given to another replica, in order.
func (k *Keeper) Keeps() []share.Share {
	r := k.rights.Load()
	return slices.DeleteFunc(k.Held(), func(sh share.Share) bool { return r.shares[sh].leaving })
}

// Withheld returns what is held of an account and not shown yet, as another replica's series of it may be seen still.
func (k *Keeper) Withheld(account string) share.Set {
	r, now := k.rights.Load(), time.Now()
	var parts []int
	for sh, x := range r.shares {
		if sh.Account == account && now.Before(x.shown) {
			parts = append(parts, sh.Part)
		}
	}
	return share.Some(r.parts[account], parts...)
}

// Mark returns what records of a share are written under; empty: it is not held.
func (k *Keeper) Mark(sh share.Share) string {
	r := k.rights.Load()
	if x := r.shares[sh]; r.ok(x, time.Now()) {
		return x.mark
	}
	return ""
}

// May reports whether an account may be asked for now: something of it is held, all that is held may be relied on, and nothing of it is about
// to be given to another replica: what was learned of that from now on would be in no scrape.
func (k *Keeper) May(account string) bool {
	r, now := k.rights.Load(), time.Now()
	may := false
	for sh, x := range r.shares {
		if sh.Account != account {
			continue
		}
		if x.leaving || !r.ok(x, now) {
			return false
		}
		may = true
	}
	return may
}

// Offset returns our clock minus the server's.
func (k *Keeper) Offset() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.offset
}

func (k *Keeper) serverTimeLocked() time.Time { return time.Now().Add(-k.offset) }

// Stats is how the cluster stands.
type Stats struct {
	Shares        []share.Share // all there are
	Held          map[share.Share]bool
	Changes       map[Change]uint64
	Answered      bool          // a tick was answered: only then what follows is known, but Remaining
	Unheld        []string      // shares that nobody held at the last tick
	Alike, Others int           // replicas besides this one, by whether their configuration is this one's
	Remaining     time.Duration // until what is held is given up if Redis stays away
	Offset        time.Duration // our clock minus the server's
}

// Stats returns how the cluster stands.
func (k *Keeper) Stats() Stats {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	st := Stats{
		Shares: slices.Clone(k.state.shares), Held: make(map[share.Share]bool), Changes: maps.Clone(k.changes), Answered: !k.state.lastSent.IsZero(), Unheld: k.state.last.unheld,
		Alike: k.state.last.alike, Others: k.state.last.others, Offset: k.offset,
	}
	for _, sh := range st.Shares {
		h := k.state.holds[sh]
		st.Held[sh] = h != nil && h.sealed && k.state.valid(h.asked, now)
		if st.Held[sh] {
			left := max(0, h.asked.Add(k.options.Lease-k.options.Lease/10).Sub(now))
			if st.Remaining == 0 || left < st.Remaining {
				st.Remaining = left
			}
		}
		for _, kind := range Kinds() {
			st.Changes[Change{sh.Account, kind}] += 0
		}
	}
	return st
}

// Parts returns how many parts an account has; 1 if it is not known.
func (k *Keeper) Parts(account string) int {
	if n := k.rights.Load().parts[account]; n > 0 {
		return n
	}
	return 1
}
