// The lists of task ids, and the ways in which they are written.

package soak_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// list is a list of a group's ids.
type list struct {
	group, account string
	path           string // of its file; empty: none
	url            string // where a server has it; empty, too: inline, written with the configuration
	most           int    // ids; the oldest that are known for good are retired beyond
	rotated        int    // files beside it that hold what was in it before; whoever writes it has it

	mu      sync.Mutex
	ids     []string
	retired map[string]time.Time // when the list was first written without it
	written int                  // of ids, since they were last retired
}

// lists returns the lists of a soak, in a folder.
func newLists(dir string) []*list {
	in := func(group, account, name string) *list {
		l := &list{group: group, account: account, most: 150, retired: map[string]time.Time{}}
		if name != "" {
			l.path = filepath.Join(dir, name)
		}
		return l
	}
	return []*list{
		in("film", "alpha", "film-a.txt"),
		in("film", "alpha", "film-b.txt"),
		in("shop", "alpha", "shop.jsonl"),
		in(guestGroup, "alpha", "guest.txt"),
		in("desk", "beta", "desk.yml"),
		in(fullGroup, "beta", "kiosk.jsonl"),
		in("walk-in", "beta", ""),
		in(hookedGroup, "beta", ""),
		in(pushedGroup, "beta", ""),
	}
}

// hookedGroup is the group whose list a server has, and whose tasks have callbacks.
const hookedGroup = "web"

// fullGroup is the group that has room for fullMost tasks at a time, so that those that have finished leave memory for others.
const (
	fullGroup = "kiosk"
	fullMost  = 40
)

// guestGroup is the group that comes and goes with reloads.
const guestGroup = "guest"

func (l *list) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
}

func (l *list) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

// retire takes the oldest ids that are known for good off a list that has become too long.
func (l *list) retire(known func(id string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := 0; len(l.ids) > l.most && i < len(l.ids); {
		if id := l.ids[i]; known(id) {
			l.retired[id] = time.Now()
			l.ids = slices.Delete(l.ids, i, i+1)
			l.written = 0
		} else {
			i++
		}
	}
}

// drop takes an id off the list.
func (l *list) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired[id] = time.Now()
	l.ids = slices.DeleteFunc(l.ids, func(other string) bool { return other == id })
}

// retiredBefore reports whether an id was taken off the list before a time.
func (l *list) retiredBefore(id string, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	retired, ok := l.retired[id]
	return ok && retired.Before(at)
}

// render returns ids as the list's file holds them.
func (l *list) render(ids []string) string {
	var text strings.Builder
	switch filepath.Ext(l.path) {
	case ".yml":
		text.WriteString("- labels: {team: web}\n  tasks:\n")
		for _, id := range ids {
			fmt.Fprintf(&text, "    - %q\n", id)
		}
	case ".jsonl":
		for _, id := range ids {
			fmt.Fprintf(&text, "{\"code\":200,\"msg\":\"success\",\"data\":{\"taskId\":%q}}\n", id)
		}
	default:
		for i, id := range ids {
			text.WriteString(id + []string{"\n", "\r\n", "\n# made\n", "\n\n"}[i%4])
		}
	}
	return text.String()
}

// write brings the file up to date in a way that chance decides, some of which are bad manners: for up to a second or two
// the file may be empty, half-written, or not there.
func (l *list) write(r *rand.Rand) (manner string, err error) {
	pause := time.Duration(r.IntN(1500)) * time.Millisecond
	cut := r.Float64()
	switch n := r.IntN(100); {
	case n < 35:
		return "replaced", l.replace()
	case n < 60 && filepath.Ext(l.path) != ".yml":
		return "appended to", l.append()
	case n < 70 && filepath.Ext(l.path) == ".txt":
		return "renamed and begun anew", l.rotate(func(to string) error {
			return errors.Join(os.Rename(l.path, to), os.WriteFile(l.path, nil, 0o600))
		})
	case n < 75 && filepath.Ext(l.path) == ".txt":
		return "copied and truncated", l.rotate(func(to string) error {
			text, err := os.ReadFile(l.path)
			return errors.Join(err, os.WriteFile(to, text, 0o600), os.Truncate(l.path, 0))
		})
	case n < 80:
		return "truncated, then written", errors.Join(l.put(""), l.putAfter(pause))
	case n < 90:
		text := l.render(l.all())
		return "half-written, then written", errors.Join(l.put(text[:int(cut*float64(len(text)))]), l.putAfter(pause))
	default:
		err := os.Remove(l.path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return "removed, then written", errors.Join(err, l.putAfter(pause))
	}
}

// replace writes another file and gives it the list's name, as careful programs do.
func (l *list) replace() error {
	text := l.renderAll()
	if err := os.WriteFile(l.path+"~", []byte(text), 0o600); err != nil {
		return err
	}
	return errors.Join(os.Rename(l.path+"~", l.path), l.clear())
}

// rotate has what is in the file be in another one, which move makes, and appends what is new.
func (l *list) rotate(move func(to string) error) error {
	l.mu.Lock()
	begun := l.written > 0
	l.mu.Unlock()
	if !begun { // it names ids that are retired
		return l.replace()
	}
	l.rotated++
	return errors.Join(move(fmt.Sprint(l.path, ".", l.rotated)), l.append())
}

// clear removes what was rotated, once the file holds all again.
func (l *list) clear() error {
	var errs []error
	for ; l.rotated > 0; l.rotated-- {
		errs = append(errs, os.Remove(fmt.Sprint(l.path, ".", l.rotated)))
	}
	return errors.Join(errs...)
}

// append adds what is new to the end of the file.
func (l *list) append() error {
	l.mu.Lock()
	appendable := l.written > 0
	text := l.render(l.ids[l.written:])
	if appendable {
		l.written = len(l.ids)
	}
	l.mu.Unlock()
	if !appendable {
		return l.replace()
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (l *list) put(text string) error { return os.WriteFile(l.path, []byte(text), 0o600) }

func (l *list) putAfter(pause time.Duration) error {
	time.Sleep(pause)
	return errors.Join(l.put(l.renderAll()), l.clear())
}

func (l *list) renderAll() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written = len(l.ids)
	return l.render(l.ids)
}
