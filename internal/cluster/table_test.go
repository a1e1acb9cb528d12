//go:build !noredis

package cluster

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table is what tick.lua does, in Go: the same answers, and the same in the keys, as TestTheModelIsTheScript sees. It is much faster than a
// server, so that thousands of histories can be run. What is in a key and can't be read is left to other tests.
type table struct {
	leases  map[string]lease
	members []member // in the order in which they came
	born    int64    // 0: not known
	run     string
	ttl     string
	parts   map[string]string
}

type lease struct {
	name, session string
	epoch         uint64
	expires       int64 // ms
}

type member struct {
	name, session    string
	known, releasing int64
	digest, version  string
	expires          int64
}

func newTable() *table { return &table{leases: make(map[string]lease), parts: make(map[string]string)} }

func (t *table) clone() *table {
	c := *t
	c.leases, c.members, c.parts = maps.Clone(t.leases), slices.Clone(t.members), maps.Clone(t.parts)
	return &c
}

// text writes the table as the server has it.
func (t *table) text() string {
	var lines []string
	for u, l := range t.leases {
		lines = append(lines, fmt.Sprintf("%s=%s|%s|%d|%d", u, l.name, l.session, l.epoch, l.expires))
	}
	for _, m := range t.members {
		lines = append(lines, fmt.Sprintf("%s=%s|%d|%d|%s|%s|%d", m.name, m.session, m.known, m.releasing, m.digest, m.version, m.expires))
	}
	for account, n := range t.parts {
		lines = append(lines, "parts:"+account+"="+n)
	}
	if t.born != 0 {
		lines = append(lines, fmt.Sprintf("born=%d", t.born), "run="+t.run)
	}
	if t.ttl != "" {
		lines = append(lines, "lease="+t.ttl)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// ask is a call of the script, and what it has found out so far.
type ask struct {
	*table

	at              time.Time
	now             int64
	me, session     string
	lease           string
	ttl             int64
	part            bool
	digest, version string
	releasing       int64

	shares, held, released, known, dropped, parts []string

	state               string
	settled             bool
	live, alike, others int64
	knowers             int64
	has                 map[string]int64 // other replicas by name and session: how many they hold
	blocked             map[string]bool
	differ              []string
	mine, lost, given   []string
	isMine              map[string]bool
	soonest             int64
	free                []string
}

func newAsk(t *table, at time.Time, args []any) *ask {
	a := &ask{table: t, at: at, now: at.UnixMilli(), has: make(map[string]int64), blocked: make(map[string]bool), isMine: make(map[string]bool)}
	text := func(i int) string {
		if s, ok := args[i].(string); ok {
			return s
		}
		return fmt.Sprint(args[i])
	}
	number := func(i int) int64 {
		switch n := args[i].(type) {
		case int:
			return int64(n)
		case int64:
			return n
		}
		panic("no number")
	}
	a.me, a.session, a.lease, a.ttl, a.part = text(0), text(1), text(2), number(2), text(3) == "1"
	a.digest, a.version, a.releasing = text(4), text(5), number(6)
	i := 7
	for _, to := range []*[]string{&a.shares, &a.held, &a.released, &a.known, &a.dropped, &a.parts} {
		n := int(number(i))
		*to = make([]string, n)
		for k := range *to {
			(*to)[k] = text(i + 1 + k)
		}
		i += n + 1
	}
	return a
}

func (t *table) tick(at time.Time, run string, args []any) any {
	a := newAsk(t, at, args)
	if t.born == 0 || t.born > a.now || t.run != run {
		t.born, t.run = a.now, run
	}
	a.settled = a.now >= t.born+a.ttl
	if rest := a.whoIsThere(); rest > 0 {
		return []any{strconv.FormatInt(a.now, 10), stateTaken, rest}
	}
	if t.ttl != a.lease {
		if a.others > 0 && t.ttl != "" {
			a.state = stateLease
		} else {
			t.ttl = a.lease
		}
	}
	for u, l := range t.leases {
		if l.expires > a.now+a.ttl {
			l.expires = a.now + a.ttl
			t.leases[u] = l
		}
	}
	a.otherParts()
	for _, h := range a.released {
		u, epoch := split(h)
		if l, ok := t.leases[u]; ok && l.name == a.me && l.session == a.session && l.epoch == epoch {
			t.leases[u] = lease{"", "", l.epoch, a.now}
		}
	}
	a.renew()
	a.whatIsFree()
	shed := a.takeFair()
	if a.part {
		t.setMember(member{a.me, a.session, int64(len(a.known)), a.releasing + shed, a.digest, a.version, a.now + a.ttl})
	}
	if a.state == "" && !a.settled {
		a.state = stateNew
	}
	var unheld []string
	for _, u := range a.shares {
		if l, ok := t.leases[u]; !ok || l.name == "" || l.name == "?" || l.expires <= a.now {
			unheld = append(unheld, u)
		}
	}
	return []any{
		strconv.FormatInt(a.now, 10), a.state, a.soonest - a.now, list(a.mine), list(a.lost), shed, a.alike, a.others - a.alike, list(unheld), list(a.differ), list(a.given),
	}
}

func list(texts []string) []any {
	l := make([]any, len(texts))
	for i, text := range texts {
		l[i] = text
	}
	return l
}

func split(h string) (u string, epoch uint64) {
	at := strings.LastIndexByte(h, '|')
	epoch, _ = strconv.ParseUint(h[at+1:], 10, 64)
	return h[:at], epoch
}

func accountOf(u string) string { return u[:strings.LastIndexByte(u, '/')] }

func (t *table) setMember(m member) {
	i := slices.IndexFunc(t.members, func(x member) bool { return x.name == m.name })
	if i < 0 {
		t.members = append(t.members, m)
	} else {
		t.members[i] = m
	}
}

// whoIsThere counts the other replicas. Another process may have the name: then it returns for how long.
func (a *ask) whoIsThere() (rest int64) {
	for _, m := range slices.Clone(a.members) {
		m.expires = min(m.expires, a.now+a.ttl)
		if m.name == a.me && m.session != a.session && m.expires > a.now {
			return m.expires - a.now
		}
		switch {
		case m.expires <= a.now:
			a.members = slices.DeleteFunc(a.members, func(x member) bool { return x.name == m.name })
		case m.name != a.me:
			a.setMember(m)
			a.has[m.name+"|"+m.session] = 0
			a.live++
			a.knowers += m.known
			if m.digest == a.digest {
				a.alike++
			}
		}
	}
	a.others = a.live
	if a.part {
		a.live++
		a.knowers += int64(len(a.known))
	} else {
		a.members = slices.DeleteFunc(a.members, func(x member) bool { return x.name == a.me })
	}
	return 0
}

// otherParts blocks accounts that others have cut otherwise while they hold something of them.
func (a *ask) otherParts() {
	for _, p := range a.parts {
		at := strings.LastIndexByte(p, '|')
		account, n := p[:at], p[at+1:]
		was, ok := a.table.parts[account]
		if was == n {
			continue
		}
		for u, l := range a.leases {
			if ok && accountOf(u) == account && l.name != a.me && l.expires > a.now {
				a.blocked[account] = true
			}
		}
		if a.blocked[account] {
			a.differ = append(a.differ, account)
			continue
		}
		if ok {
			maps.DeleteFunc(a.leases, func(u string, _ lease) bool { return accountOf(u) == account })
		}
		a.table.parts[account] = n
	}
}

func (a *ask) renew() {
	for _, h := range a.held {
		u, epoch := split(h)
		l, ok := a.leases[u]
		if a.state == "" && !a.blocked[accountOf(u)] && (!ok || l.epoch < epoch || l.epoch == epoch && l.name == a.me && l.session == a.session) {
			a.leases[u] = lease{a.me, a.session, epoch, a.now + a.ttl}
			a.mine = append(a.mine, h)
			a.isMine[u] = true
		} else {
			a.lost = append(a.lost, u)
		}
	}
}

func (a *ask) whatIsFree() {
	var later []string
	a.soonest = a.now + a.ttl
	for _, u := range a.shares {
		l, ok := a.leases[u]
		once := ok && l.name == a.me && l.session == a.session && !a.isMine[u]
		knows := slices.Contains(a.known, u)
		switch {
		case once && !slices.Contains(a.dropped, u+"|"+strconv.FormatUint(l.epoch, 10)):
			a.leases[u] = lease{"?", "?", l.epoch, a.now + a.ttl}
		case a.blocked[accountOf(u)] || a.isMine[u]:
		case !a.settled:
			if ok && l.expires > a.now {
				a.soonest = min(a.soonest, l.expires)
			}
		case !ok && !knows && a.knowers != 0 && a.now < a.born+2*a.ttl:
			a.soonest = min(a.soonest, a.born+2*a.ttl)
		case !ok || l.name == "" || l.expires <= a.now || once:
			if knows {
				a.free = append(a.free, u)
			} else {
				later = append(later, u)
			}
		default:
			a.soonest = min(a.soonest, l.expires)
			if n, ok := a.has[l.name+"|"+l.session]; ok {
				a.has[l.name+"|"+l.session] = n + 1
			}
		}
	}
	a.free = append(a.free, later...)
	if !a.settled {
		a.soonest = min(a.soonest, a.born+a.ttl)
	}
}

// takeFair takes as many as everybody may have, and returns how many are to be given up.
func (a *ask) takeFair() (shed int64) {
	if !a.part || a.state != "" {
		return 0
	}
	floor := int64(len(a.shares)) / a.live
	most := int64(math.Ceil(float64(len(a.shares)) / float64(a.live)))
	need, coming, left := int64(0), int64(0), int64(len(a.free))
	for _, n := range a.has {
		need += max(0, floor-n)
	}
	for _, m := range a.members {
		if m.name != a.me {
			coming += m.releasing
		}
	}
	for _, u := range a.free {
		mine := int64(len(a.mine))
		if mine >= most || mine >= floor && left <= need {
			break
		}
		if l := a.leases[u]; l.expires > 0 && l.name == "" {
			a.given = append(a.given, fmt.Sprintf("%s|%d", u, max(0, a.now-l.expires)))
		}
		epoch := max(uint64(a.at.UnixMicro()), a.leases[u].epoch+1)
		a.leases[u] = lease{a.me, a.session, epoch, a.now + a.ttl}
		a.mine = append(a.mine, u+"|"+strconv.FormatUint(epoch, 10))
		left--
	}
	if !a.settled {
		return 0
	}
	mine := int64(len(a.mine))
	shed = max(0, mine-most)
	if shed == 0 && mine > floor {
		shed = max(0, min(mine-floor, need-left-coming))
	}
	return max(0, shed-a.releasing)
}
