// Ownership and removal against a model that remembers everything.

package set

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// snapshot is what one read of a source found.
type snapshot struct {
	at  time.Time
	ok  bool
	ids map[string]bool // of every file, a broken one's as they were before
}

// modelSource is a glob's files as they are now, and every read of them there was.
type modelSource struct {
	group, dir string
	files      map[string]string          // content by name
	good       map[string]map[string]bool // ids of the last content that could be read
	reads      []snapshot
}

// read notes what a correct read finds now.
func (m *modelSource) read() {
	s := snapshot{at: time.Now(), ok: len(m.files) > 0 || len(m.tracked()) == 0, ids: map[string]bool{}}
	if !s.ok { // nothing matches any more: as it was
		s.ids = m.reads[len(m.reads)-1].ids
		m.reads = append(m.reads, s)
		return
	}
	maps.DeleteFunc(m.good, func(name string, _ map[string]bool) bool { _, there := m.files[name]; return !there })
	for name, content := range m.files {
		if strings.HasPrefix(content, "broken") {
			s.ok = false
		} else {
			m.good[name] = map[string]bool{}
			for line := range strings.Lines(content) {
				m.good[name][line[len("- tasks: ["):strings.IndexByte(line, ']')]] = true
			}
		}
		maps.Copy(s.ids, m.good[name])
	}
	m.reads = append(m.reads, s)
}

// tracked returns the ids that were listed and were not lacked by all the successful reads of thirty seconds since.
func (m *modelSource) tracked() map[string]bool {
	all := map[string]bool{}
	lackedFrom := map[string]time.Time{}
	for _, read := range m.reads {
		for id := range read.ids {
			all[id] = true
			delete(lackedFrom, id)
		}
		for id := range all {
			if read.ids[id] || !read.ok {
				continue
			}
			if from, ok := lackedFrom[id]; !ok {
				lackedFrom[id] = read.at
			} else if read.at.Sub(from) >= 30*time.Second {
				delete(all, id)
				delete(lackedFrom, id)
			}
		}
	}
	return all
}

// change does something to the source's files at random.
func (m *modelSource) change(t *testing.T, r *rand.Rand) {
	t.Helper()
	name := fmt.Sprintf("%d.yml", r.IntN(3))
	path := filepath.Join(m.dir, name)
	if r.IntN(5) == 0 {
		delete(m.files, name)
		_ = os.Remove(path)
		return
	}
	var content strings.Builder
	for id := range 8 {
		if r.IntN(3) == 0 {
			fmt.Fprintf(&content, "- tasks: [id%d]\n", id)
		}
	}
	text := content.String()
	if r.IntN(6) == 0 {
		text = "broken: " + text
	}
	m.files[name] = text
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRandomChangesAgreeWithAModel(t *testing.T) {
	for seed := range program.Fewer[uint64](3, 10) {
		inFakeTime(t, func(b *bench) {
			r := rand.New(rand.NewPCG(seed, 1))
			var groups []Group
			var model []*modelSource
			for i, group := range []string{"g0", "g0", "g1"} {
				dir := fmt.Sprintf("dir%d", i)
				m := &modelSource{group: group, dir: filepath.Join(b.dir, dir), files: map[string]string{}, good: map[string]map[string]bool{}}
				if err := os.Mkdir(m.dir, 0o700); err != nil {
					b.t.Fatal(err)
				}
				m.change(b.t, r)
				model = append(model, m)
				if len(groups) == 0 || groups[len(groups)-1].Name != group {
					groups = append(groups, Group{Name: group})
				}
				g := &groups[len(groups)-1]
				g.Files = append(g.Files, b.pattern(dir+"/*.yml"))
			}
			_ = b.load(1000, groups...)
			b.run()
			for step := range 150 {
				want := map[string]string{}
				for _, m := range slices.Backward(model) {
					m.read()
					for id := range m.tracked() {
						want[id] = m.group
					}
				}
				if !maps.Equal(want, b.groups) {
					b.t.Fatalf("seed %d, step %d: tracked %v, want %v", seed, step, b.groups, want)
				}
				for _, m := range model {
					if r.IntN(4) == 0 {
						m.change(b.t, r)
					}
				}
				b.poll(1)
			}
		})
	}
}
