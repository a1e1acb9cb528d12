// What a replica knows of the leases: what it asks at each tick, and what follows from the answer. It has no clock and makes no calls.

package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/share"
)

// hold is a share that is held, or about to be.
type hold struct {
	share   share.Share
	epoch   uint64
	asked   time.Time // when the call was sent that renewed it last
	sealed  bool      // only then may it be used
	leaving time.Time // since when it is to be given to another replica; zero: it is not
	written time.Time // when all was written that was learned of it, after it began to leave; zero: it was not yet
	shown   time.Time // from when on it is shown: until then another replica's series of it may be seen still
}

// state is all that a replica knows of the leases.
type state struct {
	replica, session string
	version          string
	lease            time.Duration

	shares []share.Share // all that there are
	digest string        // of the configuration: those with the same one agree on shares and groups

	holds    map[share.Share]*hold
	release  map[share.Share]uint64 // given up, and Redis is to be told
	dropped  map[string]bool        // share|epoch: their time was up
	known    map[share.Share]bool   // held once, and not by others since: nobody knows more of it
	highest  map[share.Share]uint64 // epochs under which shares were held
	taken    time.Time              // since when another process has the name; zero: none has
	last     reply
	lastSent time.Time
}

// reply is what a tick said.
type reply struct {
	at            time.Time // by the server's clock
	state         string
	wait          time.Duration // until something may be free
	held, lost    []string
	shed          int
	alike, others int
	unheld        []string
	differ        []string
	given         []string // share|ms since another replica released it
}

// What a tick says of the cluster, besides nothing.
const (
	stateNew   = "new"   // the table is new, or the server is
	stateTaken = "taken" // another process has the name
	stateLease = "lease" // the others have another lease
)

func newState(replica, session, version string, lease time.Duration) *state {
	return &state{
		replica: replica, session: session, version: version, lease: lease, holds: make(map[share.Share]*hold),
		release: make(map[share.Share]uint64), dropped: make(map[string]bool), known: make(map[share.Share]bool),
		highest: make(map[share.Share]uint64),
	}
}

// valid reports whether a lease that was renewed by a call sent then may be relied on. Both clocks have to say so: the monotonic one stands
// still while a machine is suspended, the other may be set back.
func (s *state) valid(asked, now time.Time) bool {
	most := s.lease - s.lease/10
	return now.Sub(asked) < most && now.Round(0).Sub(asked.Round(0)) < most
}

// set tells which shares there are. Those held that are none any more are given up.
func (s *state) set(shares []share.Share, digest string) {
	s.shares, s.digest = shares, digest
	for sh, h := range s.holds {
		if !slices.Contains(shares, sh) {
			s.release[sh] = h.epoch
			delete(s.holds, sh)
		}
	}
	maps.DeleteFunc(s.known, func(sh share.Share, _ bool) bool { return !slices.Contains(shares, sh) })
}

// compare orders shares.
func compare(a, b share.Share) int {
	return cmp.Or(strings.Compare(a.Account, b.Account), cmp.Compare(a.Part, b.Part))
}

// expire drops what can't be relied on any more.
func (s *state) expire(now time.Time) (expired []share.Share) {
	for sh, h := range s.holds {
		if !s.valid(h.asked, now) {
			expired = append(expired, sh)
			s.dropped[entry(sh, h.epoch)] = true
			delete(s.holds, sh)
		}
	}
	return expired
}

func entry(sh share.Share, epoch uint64) string {
	return sh.String() + "|" + strconv.FormatUint(epoch, 10)
}

// args returns the arguments of a tick. Part is false when the replica leaves.
func (s *state) args(part bool) []any {
	takes := 0
	if part {
		takes = 1
	}
	var all, held, released, known, parts []string
	leaving := 0
	for _, sh := range s.shares {
		all = append(all, sh.String())
		if p := sh.Account + "|" + strconv.Itoa(sh.Parts); sh.Part == 0 {
			parts = append(parts, p)
		}
		if s.known[sh] {
			known = append(known, sh.String())
		}
		if h := s.holds[sh]; h != nil {
			held = append(held, entry(sh, h.epoch))
			if !h.leaving.IsZero() {
				leaving++
			}
		}
	}
	for sh, epoch := range s.release {
		released = append(released, entry(sh, epoch))
	}
	slices.Sort(released)
	args := []any{s.replica, s.session, s.lease.Milliseconds(), takes, s.digest, s.version, leaving}
	for _, list := range [][]string{all, held, released, known, slices.Sorted(maps.Keys(s.dropped)), parts} {
		args = append(args, len(list))
		for _, text := range list {
			args = append(args, text)
		}
	}
	return args
}

// change is what a tick changed.
type change struct {
	taken []*hold       // to be sealed
	lost  []share.Share // another replica has them
	shed  int           // so many more are to be given up
}

// take takes an answer in, of a call that was sent with released shares named, at a moment. What was given up meanwhile stays so.
func (s *state) take(r reply, sent, now time.Time, released map[share.Share]uint64) (c change) {
	s.last, s.lastSent = r, sent
	if r.state == stateTaken {
		if s.taken.IsZero() {
			s.taken = now
		}
		return c
	}
	s.taken = time.Time{}
	for sh, epoch := range released {
		if s.release[sh] == epoch {
			delete(s.release, sh)
		}
	}
	byName := make(map[string]share.Share, len(s.shares))
	for _, sh := range s.shares {
		byName[sh.String()] = sh
	}
	for _, name := range r.lost {
		if sh, ok := byName[name]; ok && s.holds[sh] != nil {
			delete(s.holds, sh)
			delete(s.known, sh)
			c.lost = append(c.lost, sh)
		}
	}
	given := givenAt(r.given, sent)
	for _, text := range r.held {
		name, number, _ := strings.Cut(text, "|")
		sh, ok := byName[name]
		epoch, err := strconv.ParseUint(number, 10, 64)
		if !ok || err != nil || !s.valid(sent, now) {
			continue
		}
		if h := s.holds[sh]; h != nil && h.epoch == epoch {
			if sent.After(h.asked) {
				h.asked = sent
			}
			continue
		}
		if epoch <= s.highest[sh] { // given up since that call was sent
			continue
		}
		s.highest[sh] = epoch
		h := &hold{share: sh, epoch: epoch, asked: sent, shown: given[name]}
		s.holds[sh] = h
		s.known[sh] = true
		c.taken = append(c.taken, h)
	}
	c.shed = r.shed
	for d := range s.dropped { // of no use once the table says otherwise
		name, _, _ := strings.Cut(d, "|")
		if sh, ok := byName[name]; ok && s.holds[sh] != nil {
			delete(s.dropped, d)
		}
	}
	return c
}

// seenOn is for how long after a release the former holder's series may be seen still: the interval between two scrapes.
const seenOn = 15 * time.Second

// givenAt returns from when on shares are shown that another replica released, of an answer to a call that was sent then.
func givenAt(given []string, sent time.Time) map[string]time.Time {
	at := make(map[string]time.Time, len(given))
	for _, text := range given {
		name, ms, _ := strings.Cut(text, "|")
		if ago, err := strconv.ParseInt(ms, 10, 32); err == nil && ago >= 0 {
			at[name] = sent.Add(seenOn - time.Duration(ago)*time.Millisecond)
		}
	}
	return at
}

// leave chooses shares that are to be given to other replicas: those taken last.
func (s *state) leave(n int, now time.Time) (leaving []*hold) {
	var may []*hold
	for _, h := range s.holds {
		if h.leaving.IsZero() {
			may = append(may, h)
		}
	}
	slices.SortFunc(may, func(a, b *hold) int { return cmp.Or(cmp.Compare(b.epoch, a.epoch), compare(a.share, b.share)) })
	for _, h := range may[:min(n, len(may))] {
		h.leaving = now
		leaving = append(leaving, h)
	}
	return leaving
}

// gone notes that a share is given up, which Redis is told at the next tick.
func (s *state) gone(h *hold) {
	if s.holds[h.share] == h {
		delete(s.holds, h.share)
		delete(s.known, h.share)
		s.release[h.share] = h.epoch
	}
}

var errReply = errors.New("redis: a tick was answered with something else")

// parse reads what the script returned.
func parse(answer any) (r reply, err error) {
	list, _ := answer.([]any)
	if len(list) < 3 {
		return r, errReply
	}
	ms, err := strconv.ParseInt(fmt.Sprint(list[0]), 10, 64)
	if err != nil {
		return r, errReply
	}
	r.at = time.UnixMilli(ms)
	r.state, _ = list[1].(string)
	wait, _ := list[2].(int64)
	r.wait = time.Duration(wait) * time.Millisecond
	if r.state == stateTaken {
		return r, nil
	}
	if len(list) != 11 {
		return r, errReply
	}
	for i, to := range map[int]*[]string{3: &r.held, 4: &r.lost, 8: &r.unheld, 9: &r.differ, 10: &r.given} {
		texts, ok := list[i].([]any)
		if !ok {
			return r, errReply
		}
		for _, text := range texts {
			s, _ := text.(string)
			*to = append(*to, s)
		}
	}
	for i, to := range map[int]*int{5: &r.shed, 6: &r.alike, 7: &r.others} {
		n, ok := list[i].(int64)
		if !ok {
			return r, errReply
		}
		*to = int(n)
	}
	return r, nil
}
