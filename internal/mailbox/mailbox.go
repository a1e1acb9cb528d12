// Package mailbox has replicas ask each other, through lists in Redis: each share has a box, which its holder reads, each replica one for
// questions to it alone, whatever it holds, and each process one for the answers to what it asked. It knows neither what is asked for nor who holds what.
package mailbox

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
)

//go:embed send.lua
var sendSource string

var sendScript = redis.NewScript(sendSource)

const (
	// mostMessages is how many messages a box has at the most.
	mostMessages = 1000
	// boxSeconds is for how long a box stays that nobody reads, and answerSeconds for how long answers that nobody waits for do.
	boxSeconds, answerSeconds = 60, 30
	// look is after how long the boxes of other shares are read, if others are held.
	look = time.Second
	// atATime is how many questions are answered at a time.
	atATime = 256
	// mostAnswer is how many bytes an answer may have.
	mostAnswer = 8 << 20
)

// Why a message did not get through.
var (
	ErrFull   = errors.New("redis: the mailbox of the share is full")
	ErrSilent = errors.New("the replica that holds the share did not answer in time")

	errTooLong = errors.New("the answer is too long")
)

// Options are what a mailbox is made of.
type Options struct {
	Client  *redis.Client
	Cluster string // whose replicas ask each other
	Replica string // the name by which others ask this one
	// Held returns the shares whose boxes this process reads now.
	Held func() []share.Share
	// Offset returns our clock minus the server's.
	Offset func() time.Duration
	// Take takes what it is told about a share, at once.
	Take func(ctx context.Context, q question.Kind, sh share.Share, body []byte)
	// Answer answers what it is asked about a share, or, if that has no account, what this replica is asked, until ctx ends; an error: it
	// can't. It is called by many goroutines.
	Answer func(ctx context.Context, q question.Kind, sh share.Share, body []byte) (any, error)
	Log    *slog.Logger
}

// Mailbox sends and receives. It is safe for concurrent use.
type Mailbox struct {
	options Options
	own     string // the list of answers to this process
	longest int    // of answers
	last    atomic.Uint64
	slots   chan struct{}

	mu      sync.Mutex // guards what follows
	waiting map[uint64]chan<- json.RawMessage
	counts  map[question.Count]uint64
	broken  map[string]time.Time // lists that are none, and until when they are left alone
}

// message is a question, or, without one, an answer.
type message struct {
	Question question.Kind   `json:"question,omitempty"`
	Until    int64           `json:"until,omitempty"` // by the server's clock, in ms
	Reply    string          `json:"reply,omitempty"` // the list that the answer is to go to; empty: none is wanted
	Number   uint64          `json:"number,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"`
}

// New returns a mailbox.
func New(o Options) *Mailbox {
	return &Mailbox{
		options: o, own: "kie1:{" + o.Cluster + "}:reply:" + rand.Text(), longest: mostAnswer, slots: make(chan struct{}, atATime),
		waiting: make(map[uint64]chan<- json.RawMessage), counts: make(map[question.Count]uint64), broken: make(map[string]time.Time),
	}
}

func (m *Mailbox) boxes() string { return "kie1:{" + m.options.Cluster + "}:box:" }

func (m *Mailbox) boxOf(sh share.Share) string { return m.boxes() + sh.String() }

// boxOfReplica names the box of a replica. Unlike that of a share it has no slash.
func (m *Mailbox) boxOfReplica(name string) string { return m.boxes() + "@" + name }

// now returns the time by the server's clock.
func (m *Mailbox) now() time.Time { return time.Now().Add(-m.options.Offset()) }

// Tell has whoever holds a share, now or within a minute, take something. It returns nil once that is in the share's box.
func (m *Mailbox) Tell(ctx context.Context, sh share.Share, q question.Kind, body any) error {
	return m.send(ctx, m.boxOf(sh), &message{Question: q, Until: m.now().Add(boxSeconds * time.Second).UnixMilli()}, body)
}

// Ask asks whoever holds a share, and returns the answer. Ctx has a deadline.
func (m *Mailbox) Ask(ctx context.Context, sh share.Share, q question.Kind, body any) ([]byte, error) {
	return m.ask(ctx, m.boxOf(sh), q, body)
}

// AskReplica asks a replica, whatever it holds, and returns the answer. Ctx has a deadline.
func (m *Mailbox) AskReplica(ctx context.Context, name string, q question.Kind, body any) ([]byte, error) {
	return m.ask(ctx, m.boxOfReplica(name), q, body)
}

func (m *Mailbox) ask(ctx context.Context, box string, q question.Kind, body any) ([]byte, error) {
	deadline, _ := ctx.Deadline()
	number, answers := m.last.Add(1), make(chan json.RawMessage, 1)
	m.mu.Lock()
	m.waiting[number] = answers
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.waiting, number)
	}()
	left := time.Until(deadline)
	until := m.now().Add(left - left/20).UnixMilli() // so that an answer of the last moment is not too late
	if err := m.send(ctx, box, &message{Question: q, Until: until, Reply: m.own, Number: number}, body); err != nil {
		if ctx.Err() != nil {
			err = ErrSilent
		}
		return nil, err
	}
	select {
	case answer := <-answers:
		if len(answer) == 0 {
			m.count(q, question.Silent)
			return nil, ErrSilent
		}
		m.count(q, question.Answered)
		return answer, nil
	case <-ctx.Done():
		m.count(q, question.Silent)
		return nil, ErrSilent
	}
}

func (m *Mailbox) send(ctx context.Context, box string, msg *message, body any) (err error) {
	if msg.Body, err = json.Marshal(body); err == nil {
		err = m.put(ctx, box, boxSeconds, msg)
	}
	if err != nil {
		m.count(msg.Question, question.Failed)
		return err
	}
	m.count(msg.Question, question.Sent)
	return nil
}

// put puts a message into a list.
func (m *Mailbox) put(ctx context.Context, list string, seconds int, msg *message) error {
	text, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	reply, err := m.options.Client.Run(ctx, redis.Call{Name: "send"}, sendScript, []string{list}, mostMessages, seconds, text)
	switch {
	case err != nil:
		return err
	case reply == int64(0):
		return ErrFull
	default:
		return nil
	}
}

// Run reads until ctx ends, and returns when all questions are answered, or given up.
func (m *Mailbox) Run(ctx context.Context) {
	var answering sync.WaitGroup
	defer answering.Wait()
	for ctx.Err() == nil {
		element, err := m.options.Client.Pop(ctx, redis.Call{Name: "receive"}, look, m.lists()...)
		switch {
		case err == nil && element.Value != "":
			m.receive(ctx, element, &answering)
		case err != nil:
			if redis.IsWrongType(err) {
				m.findBroken(ctx)
			}
			select {
			case <-time.After(look):
			case <-ctx.Done():
			}
		}
	}
}

// lists returns what is to be read now.
func (m *Mailbox) lists() []string {
	now := time.Now()
	boxes := []string{m.boxOfReplica(m.options.Replica)}
	for _, sh := range m.options.Held() {
		boxes = append(boxes, m.boxOf(sh))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []string{m.own}
	for _, box := range boxes {
		if m.broken[box].Before(now) {
			all = append(all, box)
		}
	}
	return all
}

// findBroken finds the lists that are none. They are left alone for a minute, and what they are, too.
func (m *Mailbox) findBroken(ctx context.Context) {
	for _, list := range m.lists() {
		if _, err := m.options.Client.Do(ctx, redis.Call{Name: "receive"}, "llen", list); redis.IsWrongType(err) {
			m.options.Log.Error("A mailbox in Redis is no list, and is left alone", "key", list)
			m.mu.Lock()
			m.broken[list] = time.Now().Add(boxSeconds * time.Second)
			m.mu.Unlock()
		}
	}
}

// receive does what a message wants.
func (m *Mailbox) receive(ctx context.Context, e redis.Element, answering *sync.WaitGroup) {
	var msg message
	if err := json.Unmarshal([]byte(e.Value), &msg); err != nil {
		m.count(question.Other, question.Refused)
		return
	}
	if e.Key == m.own {
		m.hand(&msg)
		return
	}
	sh, held := m.shareOf(e.Key)
	left := time.UnixMilli(msg.Until).Sub(m.now())
	switch {
	case msg.Question == question.Other || !slices.Contains(question.Kinds(), msg.Question): // of a later version
		m.count(question.Other, question.Refused)
	case left <= 0:
		m.count(msg.Question, question.Refused)
	case !held: // any more; whoever holds it now reads it
		_ = m.put(ctx, e.Key, boxSeconds, &msg)
	case msg.Reply == "":
		m.count(msg.Question, question.Taken)
		m.options.Take(ctx, msg.Question, sh, msg.Body)
	default:
		select {
		case m.slots <- struct{}{}:
			m.count(msg.Question, question.Taken)
			answering.Go(func() {
				defer func() { <-m.slots }()
				m.answer(ctx, sh, &msg, left)
			})
		default:
			m.count(msg.Question, question.Refused)
			answering.Go(func() { m.reply(ctx, &msg, nil) })
		}
	}
}

// shareOf returns the share of a box, none for that of the replica, and whether it is read now.
func (m *Mailbox) shareOf(box string) (share.Share, bool) {
	if box == m.boxOfReplica(m.options.Replica) {
		return share.Share{}, true
	}
	held := m.options.Held()
	i := slices.IndexFunc(held, func(sh share.Share) bool { return m.boxOf(sh) == box })
	if i < 0 {
		return share.Share{}, false
	}
	return held[i], true
}

// answer answers a question while there is time.
func (m *Mailbox) answer(ctx context.Context, sh share.Share, msg *message, left time.Duration) {
	limited, cancel := context.WithTimeout(ctx, min(left, boxSeconds*time.Second))
	defer cancel()
	answer, err := m.options.Answer(limited, msg.Question, sh, msg.Body)
	if err != nil {
		answer = nil
	}
	m.reply(ctx, msg, answer)
}

// reply sends an answer; nil: there is none, so that nobody waits for it. Where it can't be sent, nobody can be told.
func (m *Mailbox) reply(ctx context.Context, msg *message, answer any) {
	if !strings.HasPrefix(msg.Reply, "kie1:{"+m.options.Cluster+"}:reply:") {
		return
	}
	r := message{Number: msg.Number}
	if answer != nil {
		var err error
		if r.Body, err = json.Marshal(answer); err == nil && len(r.Body) > m.longest {
			err = errTooLong
		}
		if err != nil {
			m.options.Log.Error("A question of another replica can't be answered", "question", string(msg.Question), "err", err)
			r.Body = nil
		}
	}
	_ = m.put(ctx, msg.Reply, answerSeconds, &r)
}

// hand hands an answer to who waits for it.
func (m *Mailbox) hand(msg *message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if answers := m.waiting[msg.Number]; answers != nil {
		delete(m.waiting, msg.Number)
		answers <- msg.Body
	}
}

func (m *Mailbox) count(q question.Kind, r question.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[question.Count{Kind: q, Result: r}]++
}

// Counts returns how many questions came to what so far.
func (m *Mailbox) Counts() map[question.Count]uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.counts)
}
