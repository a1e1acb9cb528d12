// What a content lists, held in little memory until the lists are compared.

package source

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	maxSaid    = 1 << 23 // different things that a list may say of ids
	saidCost   = 512     // bytes that each of them takes, about; a map takes most of it
	labelCost  = 96
	leastCost  = 16 << 20 // bytes that they may take in any list; beyond, twice the text
	chunk      = 1 << 13  // ids held in one piece
	invisible  = "\ufeff\u200b\u2060"
	gatherTime = 10 * time.Second
	stride     = 1 << 20 // bytes that are looked at between two looks at the context
)

var (
	errNoID      = errors.New("no task id: empty, over 128 bytes, not UTF-8, or with control characters")
	errInvisible = errors.New("an invisible character (U+200B, U+2060 or U+FEFF) inside a task id")
	errLate      = fmt.Errorf("not read to its end within %v", gatherTime)
	errSaid      = errors.New("too many models or labels that differ for a list of its length")
	errSecret    = errors.New("it is a secret of the configuration")
)

// harvest is what a content lists. A parser fills it; what is in it counts only if the parser returns no error.
type harvest struct {
	ctx     context.Context // it lives as long as one read
	bytes   int64           // that the content may have
	content string
	half    func(tail string) bool // reports whether an unterminated end may be half-written; nil: none is

	ids       [][]found
	elsewhere [][]elsewhere      // ids that are no part of the content as they are
	said      []*traits          // without a group; nil, as the first: nothing but what the group says
	shared    map[string]*traits // what is said, by what that is
	places    map[*traits]int    // in said
	cost      int                // bytes that it takes, about
	naming    naming
	runs      map[int]run // of a YAML list: lines whose ids are not parsed one by one
	noTask    int         // answers that created no task
	most      int         // ids that are taken
	taken     int
	beyond    int               // ids after those
	secrets   int               // ids in the report that are secrets
	firsts    map[Rejection]int // lines where something was rejected first

	seed   maphash.Seed
	before faults // of the content read before
	faults faults
	report report
	spent  int
}

// found is an id: the part of the content that it is, or its place elsewhere, and what is said of it. There may be millions.
type found struct {
	at uint32
	of uint32 // from the lowest bit: 8 bits of length, one for elsewhere, the place in said
}

// elsewhere is an id as it is meant, and its line.
type elsewhere struct {
	text string
	line int
}

// piece is a text, and where it is in the content; -1: nowhere as it is.
type piece struct {
	text string
	at   int
}

func newHarvest(ctx context.Context, l *list, g *ledger) *harvest {
	return &harvest{ctx: ctx, said: []*traits{nil}, bytes: g.lists.bytes, most: g.lists.ids, seed: g.seed, before: l.faults}
}

// gather reads a content in its format, without the lock of the set. After an error nothing of it counts.
func (h *harvest) gather(g *ledger, content string, f format) (err error) {
	g.outside(func() { err = h.gatherWithin(content, f) })
	return err
}

// gatherWithin reads a content within the time that there is for one.
func (h *harvest) gatherWithin(content string, f format) error {
	ctx := h.ctx
	within, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	h.ctx = within
	err := h.read(content, f)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case within.Err() != nil:
		return errLate
	}
	return err
}

func (h *harvest) read(content string, f format) (err error) {
	if f.packed {
		if content, err = unpack(h.ctx, content, f.within(h.bytes)); err != nil {
			return err
		}
	}
	if h.content, err = plain(content); err != nil {
		return err
	}
	return f.parse(h.content, h)
}

// spend notes that n bytes of one thing were looked at, and returns an error if the time is over.
func (h *harvest) spend(n int) error {
	const each = 64 // bytes that could be looked at in the time that a thing takes besides
	if h.spent += n + each; h.spent < stride {
		return nil
	}
	h.spent = 0
	return h.ctx.Err()
}

// waits reports whether an unterminated end is to be left out for now.
func (h *harvest) waits(tail string) bool { return h.half != nil && h.half(tail) }

// id takes an id, or notes why it is none.
func (h *harvest) id(p piece, said, line int) {
	if len(p.text) > maxRaw {
		h.fault(line, p.text, errNoID)
		return
	}
	if !isPlain(p.text) {
		if p = p.without(unseen); strings.ContainsAny(p.text, invisible) {
			h.fault(line, p.text, errInvisible)
			return
		}
		if !kie.ValidID(p.text) {
			h.fault(line, p.text, errNoID)
			return
		}
	}
	if h.taken == h.most {
		h.beyond++
		h.firstAt(RejectedListIDs, line)
		return
	}
	h.taken++
	f := found{at: uint32(p.at), of: uint32(said)<<9 | uint32(len(p.text))} //nolint:gosec // a content is shorter than 4 GiB
	if p.at < 0 {
		f = found{at: h.keep(elsewhere{p.text, line}), of: uint32(said)<<9 | 1<<8} //nolint:gosec // a content is shorter than 4 GiB
	}
	last := len(h.ids) - 1
	if last < 0 || len(h.ids[last]) == chunk {
		h.ids = append(h.ids, make([]found, 0, min(chunk, 64<<min(len(h.ids), 7))))
		last++
	}
	h.ids[last] = append(h.ids[last], f)
}

// keep keeps an id that is no part of the content, and returns its place.
func (h *harvest) keep(e elsewhere) uint32 {
	last := len(h.elsewhere) - 1
	switch {
	case last < 0:
		h.elsewhere = append(h.elsewhere, nil) // a list may have one alone
		last = 0
	case len(h.elsewhere[last]) == chunk:
		h.elsewhere = append(h.elsewhere, make([]elsewhere, 0, chunk))
		last++
	}
	h.elsewhere[last] = append(h.elsewhere[last], e)
	return uint32(last*chunk + len(h.elsewhere[last]) - 1) //nolint:gosec // a content is shorter than 4 GiB
}

// isPlain reports whether text is an id of nothing but visible ASCII, as nearly all are.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxID
}

// unseen reports whether a character is one that comes from copying, and that nobody sees.
func unseen(r rune) bool { return strings.ContainsRune(invisible, r) }

// without takes off the characters of a kind that surround a text.
func (p piece) without(kind func(rune) bool) piece {
	text := strings.TrimLeftFunc(p.text, kind)
	if p.at >= 0 {
		p.at += len(p.text) - len(text)
	}
	p.text = strings.TrimRightFunc(text, kind)
	return p
}

// fault notes something that is no id. The error does not quote the text.
func (h *harvest) fault(line int, text string, err error) {
	h.firstAt(RejectedInvalid, line)
	if h.faults.add(maphash.String(h.seed, text), &h.before) {
		h.report.add(line, err)
	}
}

// refused notes an answer that created no task.
func (h *harvest) refused(line int) {
	h.firstAt(RejectedNoTask, line)
	h.noTask++
}

// secret notes an id that is a secret.
func (h *harvest) secret(f found, id string) {
	h.first(RejectedSecret, f)
	if !h.faults.add(maphash.String(h.seed, id), &h.before) {
		return
	}
	line := 0
	if h.report.count < maxReported { // to find a line takes time, and further ones are not told
		line = h.line(f)
	}
	h.report.add(line, errSecret)
	h.secrets++
}

// first notes where an id is rejected, if it is the first one of the content.
func (h *harvest) first(reason Rejection, f found) {
	if h.firsts[reason] == 0 {
		h.firstAt(reason, h.line(f))
	}
}

func (h *harvest) line(f found) int {
	if f.of&(1<<8) != 0 {
		return h.elsewhere[f.at/chunk][f.at%chunk].line
	}
	return 1 + strings.Count(h.content[:f.at], "\n")
}

func (h *harvest) firstAt(reason Rejection, line int) {
	if h.firsts[reason] > 0 {
		return
	}
	if h.firsts == nil {
		h.firsts = make(map[Rejection]int)
	}
	h.firsts[reason] = line
}

// say returns the place in said for what is said of some ids.
func (h *harvest) say(model string, labels map[string]string) (int, error) {
	if model == "" && len(labels) == 0 || h.taken == h.most {
		return 0, nil
	}
	t, err := h.share(model, labels)
	if err != nil {
		return 0, err
	}
	at, known := h.places[t]
	if !known {
		if at, err = h.reserve(); err != nil {
			return 0, err
		}
		h.said[at], h.places[t] = t, at
	}
	return at, nil
}

// share returns the one copy of what is said. The labels may be written to afterwards.
func (h *harvest) share(model string, labels map[string]string) (*traits, error) {
	if h.shared == nil {
		h.shared, h.places = make(map[string]*traits), make(map[*traits]int)
	}
	h.naming.set(model, labels)
	if t := h.shared[string(h.naming.key)]; t != nil {
		return t, nil
	}
	h.cost += saidCost + len(labels)*labelCost + min(len(model), maxMeant)
	if h.cost > max(leastCost, 2*len(h.content)) {
		return nil, errSaid
	}
	t := &traits{model: kie.CleanLabel(model), own: copied(labels)}
	h.shared[string(h.naming.key)] = t
	return t, nil
}

// copied returns labels that keep no list in memory.
func copied(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	copies := make(map[string]string, len(labels))
	for name, value := range labels {
		copies[strings.Clone(name)] = strings.Clone(value)
	}
	return copies
}

// naming makes a key of a model and labels that no others have, again and again in the same memory.
type naming struct {
	key   []byte
	names []string
}

func (n *naming) set(model string, labels map[string]string) {
	n.names = slices.AppendSeq(n.names[:0], maps.Keys(labels))
	slices.Sort(n.names)
	n.key = n.key[:0]
	for _, name := range n.names {
		n.key = append(append(append(append(n.key, name...), 0), labels[name]...), 0)
	}
	n.key = append(append(n.key, 0), model...)
}

// reserve returns a place in said for what is known later.
func (h *harvest) reserve() (int, error) {
	if len(h.said) == maxSaid {
		return 0, errSaid
	}
	h.said = append(h.said, nil)
	return len(h.said) - 1, nil
}

// fill says in a reserved place that ids have labels. There is nothing to say at place 0.
func (h *harvest) fill(at int, labels map[string]string) (err error) {
	if at > 0 && len(labels) > 0 {
		h.said[at], err = h.share("", labels)
	}
	return err
}

// each calls visit with every id, and with what the list and its group say of it.
func (h *harvest) each(base *traits, visit func(f found, id string, of *traits)) {
	over := make(map[*traits]*traits, len(h.shared))
	said := make([]*traits, len(h.said))
	for i, own := range h.said {
		switch moved := over[own]; {
		case own == nil:
			said[i] = base
		case moved != nil:
			said[i] = moved
		default:
			said[i] = own.over(base)
			over[own] = said[i]
		}
	}
	for _, ids := range h.ids {
		for _, f := range ids {
			visit(f, h.text(f), said[f.of>>9])
		}
	}
}

func (h *harvest) text(f found) string {
	if f.of&(1<<8) != 0 {
		return h.elsewhere[f.at/chunk][f.at%chunk].text
	}
	return h.content[f.at : f.at+f.of&0xff]
}

// quoted is text from a list as errors show it: cleaned, and not too much of it.
func quoted(text string) string {
	const most = 64
	cut := text
	if len(cut) > most {
		cut = cut[:most]
		for !utf8.RuneStart(text[len(cut)]) && cut != "" {
			cut = cut[:len(cut)-1]
		}
	}
	cut = fmt.Sprintf("%q", kie.CleanLabel(cut))
	if len(text) > most {
		cut += "…"
	}
	return cut
}
