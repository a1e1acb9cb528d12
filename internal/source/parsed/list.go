// Package parsed holds what the text of one list names, in eight bytes an id: ids, what is said of them, and what is wrong with it.
package parsed

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Bounds of what is looked at, and how often.
const (
	MaxRaw    = 64 << 10 // bytes of an id with what is taken off around it
	MaxMeant  = 4 << 10  // bytes of a string with escapes for what it means to matter: longer ones are no ids, names or values
	Stride    = 1 << 20  // bytes that are looked at between two looks at the context
	Mark      = "\ufeff" // the byte order mark
	maxID     = 128      // bytes
	maxAttrs  = 1 << 23  // different things that a list may say of ids
	attrsCost = 512      // bytes that each of them takes, about; a map takes most of it
	labelCost = 96
	LeastCost = 16 << 20 // bytes that they may take in any list; beyond, twice the text
	chunk     = 1 << 13  // ids held in one slice
	invisible = "\ufeff\u200b\u2060"
)

// What is wrong with a text in a list.
var (
	ErrNoID      = errors.New("no task id: empty, over 128 bytes, not UTF-8, or with control characters")
	errInvisible = errors.New("an invisible character (U+200B, U+2060 or U+FEFF) inside a task id")
	ErrAttrs     = errors.New("too many models or labels that differ for a list of its length")
	errSecret    = errors.New("it is a secret of the configuration")
)

// Options are what a list is read within.
type Options struct {
	IDs    int                                   // that are taken at most
	Has    func(id string) bool                  // reports whether an id is this process's; those of others are passed over; nil: all are
	Secret func(id string) bool                  // reports whether an id is a secret of the configuration; nil: none is
	Ages   func(ids []string, ages []source.Age) // tells how old their tasks were at the start; nil: that is not known
	Half   func(tail string) bool                // reports whether an unterminated end may be half-written; nil: none is
	Seed   maphash.Seed
	Before Faults // of the content read before
	Lines  int    // of the content that come before the text, which is a part of it
	Faults Faults // of those
}

// List is what a content names. A parser fills it; what is in it counts only if the parser returns no error. Not safe for concurrent use.
type List struct {
	ctx     context.Context // it lives as long as one read
	options Options
	text    string

	ids       [][]Found
	rewritten [][]rewritten     // ids that are no part of the content as they are
	attrs     []*Attrs          // nil, as the first: nothing but what the group says
	shared    map[string]*Attrs // what is said, by what that is
	indices   map[*Attrs]int    // in attrs
	cost      int               // bytes that it takes, about
	key       key
	noTask    int // answers that created no task
	taken     int
	beyond    int                      // ids after those that may be taken
	secrets   int                      // ids in the report that are secrets
	firsts    map[source.Rejection]int // lines where something was rejected first

	faults Faults
	report Report
	spent  int
	ages   []source.Age // by id; nil: not looked for
	left   int          // bytes at the end that were left out
}

// Attrs is what a list says of ids besides that they exist. It is shared between ids and never written to.
type Attrs struct {
	Model    string
	Endpoint string // empty: that of the group
	Labels   map[string]string
}

// Found is an id: the part of the content that it is, or its index in rewritten, and what is said of it. There may be millions.
type Found struct {
	at   uint32
	bits uint32 // from the lowest: 8 bits of length, one for rewritten, the index in attrs
}

// rewritten is an id as it is meant, and its line.
type rewritten struct {
	text string
	line int
}

// Span is a text, and where it is in the content; -1: nowhere as it is.
type Span struct {
	Text string
	At   int
}

// New returns a list that names nothing yet.
func New(o Options) *List { return &List{options: o, attrs: []*Attrs{nil}, faults: o.Faults.clone()} }

// Begin begins to read a content, until ctx ends.
func (l *List) Begin(ctx context.Context, text string) { l.ctx, l.text = ctx, text }

// Context ends when reading is to end.
func (l *List) Context() context.Context { return l.ctx }

// Text returns the content that is read.
func (l *List) Text() string { return l.text }

// Count returns how many ids the list names, those that it may not have included.
func (l *List) Count() int { return l.taken + l.beyond }

// Beyond returns how many ids the list names beyond those that it may have.
func (l *List) Beyond() int { return l.beyond }

// NoTask returns how many answers in the list created no task.
func (l *List) NoTask() int { return l.noTask }

// Firsts returns the lines where something was rejected first, by why: in what came before, to which it adds, or else here.
func (l *List) Firsts(before map[source.Rejection]int) map[source.Rejection]int {
	if before == nil {
		return l.firsts
	}
	for reason, line := range l.firsts {
		if before[reason] == 0 {
			before[reason] = line
		}
	}
	return before
}

// Faults returns the bad lines, to tell those of the next content from them.
func (l *List) Faults() Faults { return l.faults }

// Secrets returns how many ids in the report are secrets.
func (l *List) Secrets() int { return l.secrets }

// Report returns the bad lines that are new.
func (l *List) Report() *Report { return &l.report }

// Spend notes that n bytes of one thing were looked at, and returns an error if the time is over.
func (l *List) Spend(n int) error {
	const each = 64 // bytes that could be looked at in the time that a thing takes besides
	if l.spent += n + each; l.spent < Stride {
		return nil
	}
	l.spent = 0
	return l.ctx.Err()
}

// Waits reports whether an unterminated end is to be left out for now.
func (l *List) Waits(tail string) bool {
	waits := l.options.Half != nil && l.options.Half(tail)
	if waits {
		l.left = len(tail)
	}
	return waits
}

// Left returns how many bytes at the end of the text were left out for now.
func (l *List) Left() int { return l.left }

// LinesBefore returns how many lines of the content come before the text.
func (l *List) LinesBefore() int { return l.options.Lines }

// ID takes an id, or notes why it is none. Every id of a list comes in here, so whether it is this process's is asked here.
func (l *List) ID(p Span, attrs, line int) {
	if len(p.Text) > MaxRaw {
		l.Fault(line, p.Text, ErrNoID)
		return
	}
	if !IsPlain(p.Text) {
		if p = p.Without(IsInvisible); strings.ContainsAny(p.Text, invisible) {
			l.Fault(line, p.Text, errInvisible)
			return
		}
		if !kie.ValidID(p.Text) {
			l.Fault(line, p.Text, ErrNoID)
			return
		}
	}
	if l.options.Has != nil && !l.options.Has(p.Text) {
		return
	}
	if l.options.Secret != nil && l.options.Secret(p.Text) {
		l.secret(line, p.Text)
		return
	}
	if l.taken == l.options.IDs {
		l.beyond++
		l.firstAt(source.RejectedListIDs, line)
		return
	}
	l.taken++
	f := Found{at: uint32(p.At), bits: uint32(attrs)<<9 | uint32(len(p.Text))} //nolint:gosec // a content is shorter than 4 GiB
	if p.At < 0 {
		f = Found{at: l.keep(rewritten{p.Text, line}), bits: uint32(attrs)<<9 | 1<<8} //nolint:gosec // a content is shorter than 4 GiB
	}
	last := len(l.ids) - 1
	if last < 0 || len(l.ids[last]) == chunk {
		l.ids = append(l.ids, make([]Found, 0, min(chunk, 64<<min(len(l.ids), 7))))
		last++
	}
	l.ids[last] = append(l.ids[last], f)
}

// keep keeps an id that is no part of the content, and returns its index.
func (l *List) keep(e rewritten) uint32 {
	last := len(l.rewritten) - 1
	switch {
	case last < 0:
		l.rewritten = append(l.rewritten, nil) // a list may have one alone
		last = 0
	case len(l.rewritten[last]) == chunk:
		l.rewritten = append(l.rewritten, make([]rewritten, 0, chunk))
		last++
	}
	l.rewritten[last] = append(l.rewritten[last], e)
	return uint32(last*chunk + len(l.rewritten[last]) - 1) //nolint:gosec // a content is shorter than 4 GiB
}

// IsPlain reports whether text is an id of nothing but visible ASCII, as nearly all are.
func IsPlain(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxID
}

// IsInvisible reports whether a character is one that comes from copying, and that nobody sees.
func IsInvisible(r rune) bool { return strings.ContainsRune(invisible, r) }

// Without takes off the characters of a kind that surround a text.
func (p Span) Without(kind func(rune) bool) Span {
	text := strings.TrimLeftFunc(p.Text, kind)
	if p.At >= 0 {
		p.At += len(p.Text) - len(text)
	}
	p.Text = strings.TrimRightFunc(text, kind)
	return p
}

// Fault notes something that is no id. The error does not quote the text.
func (l *List) Fault(line int, text string, err error) {
	l.firstAt(source.RejectedInvalid, line)
	if l.faults.add(maphash.String(l.options.Seed, text), &l.options.Before) {
		l.report.add(line, err)
	}
}

// Refused notes an answer that created no task.
func (l *List) Refused(line int) {
	l.firstAt(source.RejectedNoTask, line)
	l.noTask++
}

// secret notes an id that is a secret.
func (l *List) secret(line int, id string) {
	l.firstAt(source.RejectedSecret, line)
	if l.faults.add(maphash.String(l.options.Seed, id), &l.options.Before) {
		l.report.add(line, errSecret)
		l.secrets++
	}
}

// Ages returns how old the tasks of the ids were at the start, in their order; nil: that is not known. It is looked for once, for many ids
// together.
func (l *List) Ages() []source.Age {
	const together = 256
	if l.options.Ages == nil || l.ages != nil {
		return l.ages
	}
	l.ages = make([]source.Age, 0, l.taken)
	ids, ages := make([]string, 0, together), make([]source.Age, together)
	look := func() {
		l.options.Ages(ids, ages)
		l.ages, ids = append(l.ages, ages[:len(ids)]...), ids[:0]
	}
	for _, part := range l.ids {
		for _, f := range part {
			if ids = append(ids, l.idOf(f)); len(ids) == together {
				look()
			}
		}
	}
	look()
	return l.ages
}

// First notes where an id is rejected, if it is the first one of the content.
func (l *List) First(reason source.Rejection, f Found) {
	if l.firsts[reason] == 0 {
		l.firstAt(reason, l.Line(f))
	}
}

// Line returns the line of an id.
func (l *List) Line(f Found) int {
	if f.bits&(1<<8) != 0 {
		return l.rewritten[f.at/chunk][f.at%chunk].line
	}
	return l.options.Lines + 1 + strings.Count(l.text[:f.at], "\n")
}

func (l *List) firstAt(reason source.Rejection, line int) {
	if l.firsts[reason] > 0 {
		return
	}
	if l.firsts == nil {
		l.firsts = make(map[source.Rejection]int)
	}
	l.firsts[reason] = line
}

// Describe returns the index in attrs of what is said of some ids.
func (l *List) Describe(model, endpoint string, labels map[string]string) (int, error) {
	if model == "" && endpoint == "" && len(labels) == 0 || l.taken == l.options.IDs {
		return 0, nil
	}
	t, err := l.share(model, endpoint, labels)
	if err != nil {
		return 0, err
	}
	at, known := l.indices[t]
	if !known {
		if at, err = l.Reserve(); err != nil {
			return 0, err
		}
		l.attrs[at], l.indices[t] = t, at
	}
	return at, nil
}

// share returns the one copy of what is said. The labels may be written to afterwards.
func (l *List) share(model, endpoint string, labels map[string]string) (*Attrs, error) {
	if l.shared == nil {
		l.shared, l.indices = make(map[string]*Attrs), make(map[*Attrs]int)
	}
	l.key.set(model, endpoint, labels)
	if t := l.shared[string(l.key.bytes)]; t != nil {
		return t, nil
	}
	l.cost += attrsCost + len(labels)*labelCost + min(len(model), MaxMeant)
	if l.cost > max(LeastCost, 2*len(l.text)) {
		return nil, ErrAttrs
	}
	t := &Attrs{Model: kie.CleanLabel(model), Endpoint: strings.Clone(endpoint), Labels: copied(labels)}
	l.shared[string(l.key.bytes)] = t
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

// key makes a key of a model and labels that no others have, again and again in the same memory.
type key struct {
	bytes []byte
	names []string
}

func (n *key) set(model, endpoint string, labels map[string]string) {
	n.names = slices.AppendSeq(n.names[:0], maps.Keys(labels))
	slices.Sort(n.names)
	n.bytes = n.bytes[:0]
	for _, name := range n.names {
		n.bytes = append(append(append(append(n.bytes, name...), 0), labels[name]...), 0)
	}
	n.bytes = append(append(append(append(n.bytes, 0), endpoint...), 0), model...)
}

// Reserve returns an index in attrs for what is known later.
func (l *List) Reserve() (int, error) {
	if len(l.attrs) == maxAttrs {
		return 0, ErrAttrs
	}
	l.attrs = append(l.attrs, nil)
	return len(l.attrs) - 1, nil
}

// Fill says at a reserved index that ids have labels, and where they are asked about. There is nothing to say at index 0.
func (l *List) Fill(at int, endpoint string, labels map[string]string) (err error) {
	if at > 0 && (endpoint != "" || len(labels) > 0) {
		l.attrs[at], err = l.share("", endpoint, labels)
	}
	return err
}

// Each calls visit with every id of a list, and with what of makes of what is said of it; nil: nothing is said.
func Each[T any](l *List, of func(attrs *Attrs) T, visit func(f Found, id string, attrs T)) {
	EachOf(l, l.ids, of, visit)
}

// EachOf does what Each does with some ids of a list, in parts.
func EachOf[T any](l *List, parts [][]Found, of func(attrs *Attrs) T, visit func(f Found, id string, attrs T)) {
	made := make(map[*Attrs]T, len(l.shared)+1)
	attrs := make([]T, len(l.attrs))
	for i, s := range l.attrs {
		t, known := made[s]
		if !known {
			t = of(s)
			made[s] = t
		}
		attrs[i] = t
	}
	for i, ids := range parts {
		if i > 0 {
			runtime.Gosched() // whoever waits for a processor, such as a scrape, has it before the next part
		}
		for _, f := range ids {
			visit(f, l.idOf(f), attrs[f.bits>>9])
		}
	}
}

func (l *List) idOf(f Found) string {
	if f.bits&(1<<8) != 0 {
		return l.rewritten[f.at/chunk][f.at%chunk].text
	}
	return l.text[f.at : f.at+f.bits&0xff]
}

// Quoted is text from a list as errors show it: cleaned, and not too much of it.
func Quoted(text string) string {
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
