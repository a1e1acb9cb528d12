package ledger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// model is two lists in two groups, and what a sink was told of them.
type model struct {
	t       *testing.T
	ledger  *Ledger
	sources [2]*list.Source
	lists   [2]*list.List
	want    [2]map[string]bool // the ids of each list
	group   map[string]string  // of each id, as the sink knows it
}

func newModel(t *testing.T) *model {
	m := &model{t: t, ledger: New(source.Limits{Tasks: 1000, IDs: 1000}), group: make(map[string]string)}
	m.ledger.Arrange([]GroupOptions{{Name: "0"}, {Name: "1"}})
	for i := range m.lists {
		m.sources[i] = m.ledger.NewSource(strconv.Itoa(i), nil)
		m.sources[i].Rank = i
		m.lists[i] = m.sources[i].NewList("")
		m.want[i] = make(map[string]bool)
	}
	return m
}

// change makes one change of a list, by chance.
func (m *model) change(r *rand.Rand) {
	i := r.IntN(2)
	l, ids := m.lists[i], make([]string, 1+r.IntN(5))
	for n := range ids {
		ids[n] = fmt.Sprint("id", r.IntN(20))
	}
	switch r.IntN(3) {
	case 0:
		l.Add(filled(l.Part(), ids))
		for _, id := range ids {
			m.want[i][id] = true
		}
	case 1:
		l.Remove(ids...)
		for _, id := range ids {
			delete(m.want[i], id)
		}
	case 2:
		l.Replace(filled(l.Content(nil), ids))
		m.sources[i].ReleaseMissing()
		m.want[i] = make(map[string]bool)
		for _, id := range ids {
			m.want[i][id] = true
		}
	}
}

func filled(p *parsed.List, ids []string) *parsed.List {
	for i, id := range ids {
		p.ID(parsed.Span{Text: id, At: -1}, 0, i+1)
	}
	return p
}

// settle takes what changed, and compares what the sink knows with the lists.
func (m *model) settle() {
	m.t.Helper()
	for c := range m.ledger.Settle() {
		for _, id := range c.Removed {
			if m.group[id] != c.Group {
				m.t.Fatalf("%s is removed from group %s, was in %q", id, c.Group, m.group[id])
			}
			delete(m.group, id)
		}
		for _, task := range c.Added {
			m.group[task.ID] = c.Group
		}
	}
	want := make(map[string]string)
	for _, i := range []int{1, 0} { // the first one has precedence
		for id := range m.want[i] {
			want[id] = strconv.Itoa(i)
		}
	}
	if !maps.Equal(m.group, want) || m.ledger.Count() != len(want) {
		m.t.Fatalf("the sink has %v, %d held, want %v", m.group, m.ledger.Count(), want)
	}
	for i, src := range m.sources {
		owned := 0
		for id := range m.want[i] {
			if want[id] == strconv.Itoa(i) {
				owned++
			}
		}
		if src.Owned() != owned || m.lists[i].Len() != len(m.want[i]) {
			m.t.Fatalf("list %d owns %d of %d ids, want %d of %v", i, src.Owned(), m.lists[i].Len(), owned, slices.Sorted(maps.Keys(m.want[i])))
		}
	}
}

func TestChangesOfListsAddUpToWhatTheyName(t *testing.T) {
	for seed := range uint64(200) {
		m, r := newModel(t), rand.New(rand.NewPCG(seed, 0))
		for range 50 {
			for range 1 + r.IntN(3) {
				m.change(r)
			}
			m.settle()
		}
	}
}
