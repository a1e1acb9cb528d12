// Ids that producers pushed. Any replica keeps them in Redis, at any time, and notes in a journal what changed; whoever holds the part of the
// account that they are in takes the notes, and reads all when it takes the part.

package shared

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

var (
	//go:embed push.lua
	pushSource string
	//go:embed note.lua
	noteSource string
	//go:embed take.lua
	takeSource string

	pushScript, noteScript, takeScript = redis.NewScript(pushSource), redis.NewScript(noteSource), redis.NewScript(takeSource)
)

const (
	// pushBuckets is how many hashes the pushed ids of a group are in.
	pushBuckets = 1 << 10
	// mostNotes is how many notes the journal of a part has. Beyond, all is read again, and hints are refused.
	mostNotes = 10_000
)

var (
	errNoGroup = errors.New("no such group")
	// ErrFull says that nobody has taken notes for so long that there is no room for more.
	ErrFull = errors.New("redis: nobody has taken what was noted of the part")
)

func (s *Store) pushBucket(account, group, id string) string {
	return s.pushBucketAt(account, group, int(crc32.ChecksumIEEE([]byte(id))%pushBuckets))
}

func (s *Store) pushBucketAt(account, group string, n int) string {
	return s.key(account, "pushed:"+group+":"+strconv.FormatInt(int64(n), 16))
}

func (s *Store) journal(p Part) string { return s.key(p.Account, "journal:"+strconv.Itoa(p.Part)) }

// Pushing is what became of a pushed id in Redis.
type Pushing struct {
	Changed bool             // it was not there, or it was and is forgotten
	Refused source.Rejection // why there is no room for it; empty: there is
}

// Push keeps ids that are pushed to a group of an account, or has them forgotten, and returns what became of each. They are all in one
// part. There may be so many.
func (s *Store) Push(ctx context.Context, p Part, changes []source.Pushed, most int) ([]Pushing, error) {
	return s.push(ctx, p, "", changes, most)
}

// SavePushes keeps what this process takes by itself: nobody has to be told where it holds the part.
func (s *Store) SavePushes(changes []source.Pushed) error {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	parts := make(map[Part][]source.Pushed)
	for _, c := range changes {
		account, ok := s.accountOf(c.Group)
		if !ok {
			return errNoGroup
		}
		p := s.partOf(key{account, c.Task.ID})
		parts[p] = append(parts[p], c)
	}
	for p, own := range parts {
		if _, err := s.push(ctx, p, s.rights.Mark(p), own, int(^uint32(0)>>1)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) push(ctx context.Context, p Part, mark string, changes []source.Pushed, most int) ([]Pushing, error) {
	all := make([]Pushing, len(changes))
	for from := 0; from < len(changes); {
		group, to := changes[from].Group, from
		keys := []string{s.fence(p), s.key(p.Account, "meta"), s.journal(p)}
		args := []any{mark, p.Part, group, most, mostNotes}
		for ; to < len(changes) && to-from < batchSize && changes[to].Group == group; to++ {
			c := &changes[to]
			var value []byte
			if !c.Gone {
				value = store.EncodePush(group, &c.Task)
			}
			keys = append(keys, s.pushBucket(p.Account, group, c.Task.ID))
			args = append(args, c.Task.ID, value)
		}
		reply, err := s.client.Run(ctx, call("push"), pushScript, keys, args...)
		if err != nil {
			s.fail(store.OpWrite, p.Account, err)
			return nil, err
		}
		results, _ := reply.([]any)
		if len(results) != to-from {
			return nil, fmt.Errorf("redis: pushes are answered with %T", reply)
		}
		for i, r := range results {
			why, _ := r.(string)
			all[from+i] = Pushing{Changed: r == int64(1), Refused: source.Rejection(why)}
		}
		from = to
	}
	return all, nil
}

// Pushes returns the pushed ids of a group. What an earlier version, or a process that was alone, kept of them on disk comes into Redis.
func (s *Store) Pushes(group string) ([]source.Task, error) {
	account, ok := s.accountOf(group)
	if !ok {
		return nil, errNoGroup
	}
	if err := s.bringPushes(group); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	decoder := store.NewPushDecoder()
	var tasks []source.Task
	for from := 0; from < pushBuckets; from += commandsAtATime {
		commands := make([][]any, commandsAtATime)
		for i := range commands {
			commands[i] = []any{"hgetall", s.pushBucketAt(account, group, from+i)}
		}
		replies, err := s.client.Pipeline(ctx, call("read"), commands)
		if err != nil {
			s.fail(store.OpRead, account, err)
			return nil, err
		}
		for _, reply := range replies {
			pairs, ok := reply.([]any)
			if !ok {
				s.undecoded()
			}
			for i := 0; i+1 < len(pairs); i += 2 {
				if t, ok := s.pushedTask(decoder, group, pairs[i], pairs[i+1]); ok {
					tasks = append(tasks, t)
				}
			}
		}
	}
	return tasks, nil
}

func (s *Store) pushedTask(d *store.PushDecoder, group string, id, value any) (source.Task, bool) {
	name, _ := id.(string)
	text, _ := value.(string)
	t, ok := d.Decode(group, name, []byte(text))
	if !ok {
		s.undecoded()
	}
	return t, ok
}

// bringPushes brings what the copy has of a group's pushed ids into Redis, once.
func (s *Store) bringPushes(group string) error {
	own, _ := s.Copy.Pushes(group) // where the disk is away they come another time
	if len(own) == 0 {
		return nil
	}
	added, gone := make([]source.Pushed, len(own)), make([]source.Pushed, len(own))
	for i, t := range own {
		added[i] = source.Pushed{Group: group, Task: t}
		gone[i] = source.Pushed{Group: group, Task: source.Task{ID: t.ID}, Gone: true}
	}
	if err := s.SavePushes(added); err != nil {
		return err
	}
	s.log.Info("Ids that were pushed to this process alone are in Redis now", "group", group, "ids", len(own))
	return s.Copy.SavePushes(gone)
}

// PushesFile returns another number when Redis lost its memory, so that what was saved is saved again.
func (s *Store) PushesFile() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return 1 + s.losses
}

// Note is what the journal of a part says: that an id was pushed to a group or forgotten, that a callback came about one, or that all is to be
// read again.
type Note struct {
	Kind      byte // one of the following
	Group, ID string
}

// The kinds of notes.
const (
	NotePushed    = '+'
	NoteForgotten = '-'
	NoteCallback  = '?' // names no group
	NoteAll       = '*' // names nothing
)

// Hint notes that a callback came about a task of a part.
func (s *Store) Hint(ctx context.Context, p Part, id string) error {
	reply, err := s.client.Run(ctx, call("push"), noteScript, []string{s.journal(p)}, mostNotes, string(NoteCallback)+"\x00"+id)
	if err == nil && reply != int64(1) {
		err = ErrFull
	}
	return err
}

// Journal is the notes of a part that its holder takes.
type Journal struct {
	Notes []Note
	raw   []string // as they are in Redis
	mark  string   // under which they were taken
}

// Take lets go the notes that were taken, says which groups lack room and why, and returns the next notes.
func (s *Store) Take(ctx context.Context, p Part, taken Journal, short map[string]source.Rejection) (next Journal, err error) {
	mark := s.rights.Mark(p)
	if mark == "" {
		return next, ErrFenced
	}
	args := []any{mark, p.Part, 0, "", "", batchSize}
	if n := len(taken.raw); n > 0 && taken.mark == mark {
		args[2], args[3], args[4] = n, taken.raw[0], taken.raw[n-1]
	}
	for group, why := range short {
		args = append(args, group, string(why))
	}
	reply, err := s.client.Run(ctx, call("take"), takeScript, []string{s.fence(p), s.key(p.Account, "meta"), s.journal(p)}, args...)
	if err != nil {
		return next, err
	}
	list, code := result(reply)
	if code != 0 || len(list) != 2 {
		return next, ErrFenced
	}
	next.mark = mark
	notes, _ := list[1].([]any)
	for _, n := range notes {
		text, _ := n.(string)
		next.raw = append(next.raw, text)
		next.Notes = append(next.Notes, parseNote(text))
	}
	return next, nil
}

// parseNote reads a note. One that can't be read has all read again.
func parseNote(text string) Note {
	if text == "" || !strings.ContainsRune("+-?", rune(text[0])) {
		return Note{Kind: NoteAll}
	}
	group, id, found := strings.Cut(text[1:], "\x00")
	if !found {
		return Note{Kind: NoteAll}
	}
	return Note{text[0], group, id}
}

// Pushed returns what Redis has of some ids that were pushed to a group.
func (s *Store) Pushed(ctx context.Context, account, group string, ids []string) ([]source.Task, error) {
	commands := make([][]any, len(ids))
	for i, id := range ids {
		commands[i] = []any{"hmget", s.pushBucket(account, group, id), id}
	}
	if len(commands) == 0 {
		return nil, nil
	}
	replies, err := s.client.Pipeline(ctx, call("read"), commands)
	if err != nil {
		return nil, err
	}
	decoder := store.NewPushDecoder()
	var tasks []source.Task
	for i, reply := range replies {
		values, _ := reply.([]any)
		if len(values) != 1 || values[0] == nil {
			continue
		}
		if t, ok := s.pushedTask(decoder, group, ids[i], values[0]); ok {
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}
