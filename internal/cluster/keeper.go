// Package cluster has the replicas of a cluster share out what there is to do: each share is held by one of them at most, under a lease in
// Redis. Holding it is the right to spend its part of the budget, to show its series and to write its records. What a share consists of, and
// what becomes of a right, others know.
package cluster

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

//go:embed tick.lua
var tickSource string

var tickScript = redis.NewScript(tickSource)

const (
	ticksALease = 6
	longestTick = 2 * time.Second  // between two ticks, so that what another replica releases is taken soon
	retry       = time.Second      // after a call that failed
	longestHold = 20 * time.Second // for which a share that is given up waits to be scraped once more
	lastCalls   = 5 * time.Second  // in which all is released at the end
)

// ErrNameTaken says that another process has the name of this replica.
var ErrNameTaken = errors.New("another replica of the cluster has the same name: give each its own (--cluster.replica)")

// Options are what a keeper needs to know.
type Options struct {
	Client  *redis.Client
	Cluster string // whose replicas share the work
	Replica string // this one's name
	Version string // of the program
	Lease   time.Duration
	// Seal makes this replica the only one that may write the records of a share, under a mark, or fails; nil: there are none.
	Seal func(ctx context.Context, sh share.Share, mark string, epoch uint64) error
	// Flush writes what is known of a share, before it is released; nil: nothing is.
	Flush func(ctx context.Context, sh share.Share)
	// Resting reports whether no query about an account is under way; nil: none ever is. It is asked once there may be none any more.
	Resting func(account string) bool
	// Scraped returns the moment of which was shown what was last asked for; nil: nobody asks.
	Scraped func() time.Time
	Log     *slog.Logger
}

// complete has all functions be there.
func (o *Options) complete() {
	if o.Seal == nil {
		o.Seal = func(context.Context, share.Share, string, uint64) error { return nil }
	}
	if o.Flush == nil {
		o.Flush = func(context.Context, share.Share) {}
	}
	if o.Resting == nil {
		o.Resting = func(string) bool { return true }
	}
	if o.Scraped == nil {
		o.Scraped = func() time.Time { return time.Time{} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Keeper holds shares. It is safe for concurrent use.
type Keeper struct {
	options Options
	keys    []string
	changed chan struct{}
	wake    chan struct{}

	rights  atomic.Pointer[rights]            // what is held now
	holders atomic.Pointer[map[string]string] // by share: who held it when somebody asked last

	mu      sync.Mutex // guards what follows, and is never held during a call
	state   *state
	changes map[Change]uint64
	offset  time.Duration // our clock minus the server's
	logged  string        // what was logged of how the cluster stands
}

// Change is by what changes are counted.
type Change struct{ Account, Kind string }

// The kinds of changes.
const (
	Taken    = "taken"
	Released = "released"
	Expired  = "expired"
	Lost     = "lost"
)

// Kinds returns every kind of changes.
func Kinds() []string { return []string{Taken, Released, Expired, Lost} }

// New returns a keeper that holds nothing.
func New(o Options, shares []share.Share, digest string) *Keeper {
	o.complete()
	prefix := "kie1:{" + o.Cluster + "}:"
	k := &Keeper{
		options: o, keys: []string{prefix + "leases", prefix + "members", prefix + "meta"},
		changed: make(chan struct{}, 1), wake: make(chan struct{}, 1), changes: make(map[Change]uint64),
		state: newState(o.Replica, rand.Text()[:12], o.Version, o.Lease),
	}
	k.state.set(shares, digest)
	k.publishLocked()
	return k
}

// Set tells which shares there are, and the digest of the configuration that says so.
func (k *Keeper) Set(shares []share.Share, digest string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state.set(shares, digest)
	k.publishLocked()
	notify(k.wake)
}

// Changed returns where something comes from whenever other shares are held.
func (k *Keeper) Changed() <-chan struct{} { return k.changed }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run takes shares, and keeps them until ctx ends. Then it releases all, and returns. An error says that it can't go on.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.end(ctx)
	for {
		wait := k.tick(ctx)
		if k.isNameTaken() {
			return fmt.Errorf("replica %s of cluster %s: %w", k.options.Replica, k.options.Cluster, ErrNameTaken)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-k.wake:
			timer.Stop()
		}
		k.expire()
		k.giveUp(ctx)
	}
}

// isNameTaken reports whether another process has had the name for longer than one that died would have it.
func (k *Keeper) isNameTaken() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.state.taken.IsZero() && time.Since(k.state.taken) > k.options.Lease+k.options.Lease/ticksALease
}

// tick renews what is held and takes what may be taken, and returns when to do it again.
func (k *Keeper) tick(ctx context.Context) time.Duration {
	k.mu.Lock()
	args, released := k.state.args(true), maps.Clone(k.state.release)
	k.mu.Unlock()
	sent := time.Now()
	answer, err := k.options.Client.Run(ctx, redis.Call{Name: "tick", Urgent: true}, tickScript, k.keys, args...)
	now := time.Now()
	var r reply
	if err == nil {
		r, err = parse(answer)
	}
	if err != nil {
		return min(retry, k.untilDeadline(now))
	}
	k.mu.Lock()
	c := k.state.take(r, sent, now, released)
	k.offset = sent.Add(now.Sub(sent) / 2).Sub(r.at)
	for _, sh := range c.lost {
		k.changes[Change{sh.Account, Lost}]++
	}
	leaving := k.state.leave(c.shed, now)
	k.tellLocked(&r)
	var unsealed []*hold
	for _, h := range k.state.holds {
		if !h.sealed {
			unsealed = append(unsealed, h)
		}
	}
	k.publishLocked()
	k.mu.Unlock()
	for _, sh := range c.lost {
		k.options.Log.Warn("Another replica has taken a share", "account", sh.Account, "part", sh.Part)
	}
	for _, h := range leaving {
		k.options.Log.Info("A share is to be given to another replica", "account", h.share.Account, "part", h.share.Part)
	}
	again := k.seal(ctx, unsealed)
	wait := min(k.options.Lease/ticksALease, longestTick, max(r.wait+10*time.Millisecond, 100*time.Millisecond), k.untilDeadline(now))
	if again || len(leaving) > 0 || k.isLeaving() {
		wait = min(wait, retry)
	}
	return wait
}

// seal makes this replica the one that may write the records of shares that were taken. It reports whether that has to be tried again.
func (k *Keeper) seal(ctx context.Context, holds []*hold) (again bool) {
	for _, h := range holds {
		err := k.options.Seal(ctx, h.share, k.mark(h), h.epoch)
		k.mu.Lock()
		switch {
		case k.state.holds[h.share] != h: // given up meanwhile
		case err == nil:
			h.sealed = true
			k.changes[Change{h.share.Account, Taken}]++
			k.publishLocked()
		default:
			again = true
		}
		k.mu.Unlock()
		if err != nil {
			k.options.Log.Warn("A share was taken, but its records can't be written yet", "account", h.share.Account, "part", h.share.Part, "err", err)
		} else {
			k.options.Log.Info("Share taken", "account", h.share.Account, "part", h.share.Part)
		}
	}
	return again
}

func (k *Keeper) mark(h *hold) string { return strconv.FormatUint(h.epoch, 10) + "|" + k.state.session }

// untilDeadline returns how long it is until something that is held can't be relied on any more.
func (k *Keeper) untilDeadline(now time.Time) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	least := k.options.Lease
	for _, h := range k.state.holds {
		least = min(least, h.asked.Add(k.options.Lease-k.options.Lease/10).Sub(now))
	}
	return max(least, 10*time.Millisecond)
}

// expire drops the shares whose time is up.
func (k *Keeper) expire() {
	k.mu.Lock()
	expired := k.state.expire(time.Now())
	for _, sh := range expired {
		k.changes[Change{sh.Account, Expired}]++
	}
	if len(expired) > 0 {
		k.publishLocked()
	}
	k.mu.Unlock()
	for _, sh := range expired {
		k.options.Log.Error("A share can't be held any more, as Redis did not answer in time", "account", sh.Account, "part", sh.Part)
	}
}

func (k *Keeper) isLeaving() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.state.holds {
		if !h.leaving.IsZero() {
			return true
		}
	}
	return false
}

// giveUp gives up the shares that are to be given to others: once the queries that were under way have ended, what they told was written, which
// is when it counts, and that was scraped. It does not wait for long.
func (k *Keeper) giveUp(ctx context.Context) {
	now, scraped := time.Now(), k.options.Scraped()
	var unwritten, ready []*hold
	k.mu.Lock()
	for _, h := range k.state.holds {
		switch {
		case h.leaving.IsZero():
		case now.Sub(h.leaving) >= longestHold, !h.written.IsZero() && scraped.After(h.written):
			ready = append(ready, h)
		case h.written.IsZero() && h.sealed && k.options.Resting(h.share.Account):
			unwritten = append(unwritten, h)
		}
	}
	k.mu.Unlock()
	for _, h := range unwritten {
		k.options.Flush(ctx, h.share)
		k.mu.Lock()
		h.written = time.Now()
		k.mu.Unlock()
	}
	k.let(ctx, ready)
}

// let writes the records of shares and gives them up; Redis is told at the next tick.
func (k *Keeper) let(ctx context.Context, holds []*hold) {
	for _, h := range holds {
		if h.sealed {
			k.options.Flush(ctx, h.share)
		}
		k.mu.Lock()
		k.state.gone(h)
		k.changes[Change{h.share.Account, Released}]++
		k.publishLocked()
		k.mu.Unlock()
		k.options.Log.Info("Share released", "account", h.share.Account, "part", h.share.Part)
	}
}

// end releases all.
func (k *Keeper) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCalls)
	defer cancel()
	k.expire()
	k.mu.Lock()
	holds := slices.Collect(maps.Values(k.state.holds))
	k.mu.Unlock()
	k.let(ctx, holds)
	k.mu.Lock()
	args := k.state.args(false)
	k.mu.Unlock()
	if _, err := k.options.Client.Run(ctx, redis.Call{Name: "tick", Urgent: true}, tickScript, k.keys, args...); err != nil {
		k.options.Log.Warn("Redis was not told that this replica ends: others take over when the lease ends", "err", err)
	}
}

// tellLocked logs how the cluster stands when that changes.
func (k *Keeper) tellLocked(r *reply) {
	said := fmt.Sprint(r.state, r.differ)
	if said == k.logged {
		return
	}
	k.logged = said
	log := k.options.Log
	switch r.state {
	case stateNew:
		log.Info("Redis is new or was restarted: shares that nobody holds are taken when a lease has passed", "lease", k.options.Lease)
	case stateTaken:
		log.Warn("Another process has the name of this replica: waiting for its lease to end", "replica", k.options.Replica)
	case stateLease:
		log.Error("The other replicas have another lease: nothing is taken until they are gone", "lease", k.options.Lease)
	}
	for _, account := range r.differ {
		log.Error("Other replicas have cut an account into another number of parts: nothing of it is taken until they are gone", "account", account)
	}
}
