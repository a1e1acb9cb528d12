// Pushed ids of groups that take pushes no more. They stay for a while, as the group may come back.

package shared

import (
	"context"
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

//go:embed unpushed.lua
var unpushedSource string

var unpushedScript = redis.NewScript(unpushedSource)

// pushBucketsAtATime is how many of a group's hashes are emptied in one step: with a million ids that is 60,000.
const pushBucketsAtATime = pushBuckets / 16

// unpushed is the pushed ids of a group in a part, which are to go.
type unpushed struct {
	part   Part
	group  string
	bucket int // from which on they are still there
}

// findUnpushed notes which groups with pushed ids in the parts of an account that are held take no pushes, and returns those of which that has been
// so for 60 days.
func (s *Store) findUnpushed(ctx context.Context, account string, today uint16) (gone []unpushed, err error) {
	reply, err := s.client.Do(ctx, call("read"), "hgetall", s.key(account, "meta"))
	if err != nil {
		return nil, err
	}
	pairs, _ := reply.([]any)
	since := make(map[string]string) // by part:group
	var all []string
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		if of, ok := strings.CutPrefix(name, "pushed:"); ok {
			all = append(all, of)
		} else if of, ok := strings.CutPrefix(name, "unpushed:"); ok {
			since[of], _ = pairs[i+1].(string)
		}
	}
	slices.Sort(all)
	for _, of := range all {
		number, group, _ := strings.Cut(of, ":")
		n, err := strconv.Atoi(number)
		if p := (Part{account, n}); err == nil && s.rights.Mark(p) != "" {
			old, err := s.age(ctx, p, group, since[of], today)
			if err != nil {
				return nil, err
			}
			if old {
				gone = append(gone, unpushed{part: p, group: group})
			}
		}
	}
	return gone, nil
}

// age notes whether a group takes pushes, of which is known since which day it takes none, and reports whether that is so long ago that its pushed
// ids are to go.
func (s *Store) age(ctx context.Context, p Part, group, since string, today uint16) (gone bool, err error) {
	owner, takes := s.accountOf(group)
	bears, _ := strconv.ParseUint(since, 10, 16) // what is no day counts as none
	day, gone := store.Age(uint16(bears), takes && owner == p.Account, today)
	if gone || uint64(day) == bears && (day > 0 || since == "") {
		return gone, nil
	}
	note := ""
	if day > 0 {
		note = strconv.Itoa(int(day))
		s.log.Info("Ids were pushed to a group that takes no pushes now; they are kept for 60 days, in case it does again", "group", group)
	}
	return false, s.noteUnpushed(ctx, p, group, note)
}

// noteUnpushed notes the day since which a group takes no pushes.
func (s *Store) noteUnpushed(ctx context.Context, p Part, group, day string) error {
	reply, err := s.client.Run(ctx, call("sweep"), unpushedScript, []string{s.fence(p), s.key(p.Account, "meta")}, s.rights.Mark(p), p.Part, group, day)
	if err != nil {
		return err
	}
	if _, code := result(reply); code != 0 {
		return ErrFenced
	}
	return nil
}

// dropUnpushed forgets some pushed ids of a group, and reports whether none are left.
func (s *Store) dropUnpushed(ctx context.Context, u *unpushed) (done bool, err error) {
	mark := s.rights.Mark(u.part)
	if owner, takes := s.accountOf(u.group); mark == "" || takes && owner == u.part.Account {
		return true, nil // another replica sees to it, or it takes pushes again
	}
	commands := make([][]any, 0, pushBucketsAtATime)
	for n := u.bucket; n < min(u.bucket+pushBucketsAtATime, pushBuckets); n++ {
		commands = append(commands, []any{"hgetall", s.pushBucketAt(u.part.Account, u.group, n)})
	}
	replies, err := s.client.Pipeline(ctx, call("read"), commands)
	if err != nil {
		return false, err
	}
	var changes []source.Pushed
	for _, reply := range replies {
		pairs, _ := reply.([]any)
		for i := 0; i+1 < len(pairs); i += 2 {
			if id, _ := pairs[i].(string); s.partOf(key{u.part.Account, id}) == u.part {
				changes = append(changes, source.Pushed{Group: u.group, Task: source.Task{ID: id}, Gone: true})
			}
		}
	}
	if _, err := s.push(ctx, u.part, mark, changes, 0); err != nil {
		return false, err
	}
	if u.bucket += pushBucketsAtATime; u.bucket < pushBuckets {
		return false, nil
	}
	s.log.Info("Ids pushed to a group that has taken no pushes for 60 days are forgotten", "group", u.group)
	return true, s.noteUnpushed(ctx, u.part, u.group, "gone")
}
