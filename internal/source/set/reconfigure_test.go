package set

import (
	"slices"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
)

// reload puts other groups in force, and returns the changes that this made.
func (b *bench) reload(groups ...Group) []source.Change {
	b.t.Helper()
	return b.reloadWithin(tasks(1000), groups...)
}

// reloadWithin is reload with limits.
func (b *bench) reloadWithin(limits source.Limits, groups ...Group) []source.Change {
	b.t.Helper()
	before := len(b.changes)
	b.mu.Unlock()
	p, err := b.set.Prepare(b.t.Context(), groups, limits)
	if err == nil {
		b.set.Reconfigure(b.t.Context(), p)
	}
	b.mu.Lock()
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.Clone(b.changes[before:])
}

func TestAReloadOfTheSameChangesNothing(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\nb\n")
		b.write("c.yml", "- {tasks: [c], labels: {x: y}}\n")
		groups := []Group{
			{Name: "g", Inline: []string{"i", "a"}, Files: []files.Pattern{b.pattern("*.txt")}, Labels: map[string]string{"k": "v"}},
			{Name: "h", Files: []files.Pattern{b.pattern("c.yml")}},
		}
		if err := b.load(1000, groups...); err != nil {
			t.Fatal(err)
		}
		b.run()
		before := b.set.Stats()
		for range 3 {
			if c := b.reload(groups...); len(c) != 0 {
				t.Errorf("changed: %+v", c)
			}
			b.poll(1)
		}
		after := b.set.Stats()
		for i := range before {
			if before[i].Tasks != after[i].Tasks || before[i].Rejected[source.RejectedDuplicate] != after[i].Rejected[source.RejectedDuplicate] {
				t.Errorf("%+v became %+v", before[i], after[i])
			}
		}
	})
}

func TestAnIdThatMovesByAReloadIsNeverDropped(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\nb\n")
		b.write("all.txt", "a\nb\nc\n")
		_ = b.load(1000, Group{Name: "g", Inline: []string{"i", "j"}, Files: []files.Pattern{b.pattern("a.txt")}})
		b.run()
		for name, groups := range map[string][]Group{
			"to another file":        {{Name: "g", Inline: []string{"i", "j"}, Files: []files.Pattern{b.pattern("all.txt")}}},
			"to another group":       {{Name: "h", Inline: []string{"i", "j"}, Files: []files.Pattern{b.pattern("a.txt")}}},
			"to a group before":      {{Name: "h", Inline: []string{"j", "b"}}, {Name: "g", Inline: []string{"i", "a"}}},
			"to inline and to files": {{Name: "g", Inline: []string{"a", "b", "i"}}, {Name: "k", Inline: []string{"j"}}},
		} {
			for _, c := range append(b.reload(groups...), b.reload(Group{Name: "g", Inline: []string{"i", "j"}, Files: []files.Pattern{b.pattern("a.txt")}})...) {
				for _, id := range c.Removed {
					if id != "c" {
						t.Errorf("%s: %s was dropped", name, id)
					}
				}
			}
			if got := b.ids("g"); got != "a b i j" || len(b.tasks) != 4 {
				t.Errorf("%s and back: tracked %q of %d", name, got, len(b.tasks))
			}
		}
	})
}

func TestOnlyWhatIsNewIsABacklogAtAReload(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\n")
		b.write("b.txt", "a\nb\n")
		_ = b.load(1000, Group{Name: "g", Inline: []string{"i"}, Files: []files.Pattern{b.pattern("a.txt")}})
		b.run()
		got := map[string]bool{}
		for _, c := range b.reload(
			Group{Name: "g", Inline: []string{"i", "j"}, Files: []files.Pattern{b.pattern("a.txt"), b.pattern("b.txt")}},
			Group{Name: "h", Inline: []string{"k"}},
		) {
			for _, task := range c.Added {
				got[task.ID] = c.Backlog
			}
		}
		if len(got) != 3 || got["j"] || !got["b"] || !got["k"] {
			t.Errorf("added, with whether it is a backlog: %v; want b and k as one, j not", got)
		}
	})
}

func TestInlineIdsGoAtAReloadAndThoseOfFilesStay(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\nb\n")
		_ = b.load(1000, Group{Name: "g", Inline: []string{"i", "j"}, Files: []files.Pattern{b.pattern("a.txt")}})
		b.run()
		b.remove("a.txt")
		b.poll(1)
		b.reload(Group{Name: "g", Inline: []string{"j"}, Files: []files.Pattern{b.pattern("a.txt")}})
		b.want("a b j") // the file fails, so its ids are kept
		if s := b.stat("a.txt"); s.Errors != 1 || s.Tasks != 2 {
			t.Errorf("a kept source's health was lost: %+v", s)
		}
		b.reload(Group{Name: "g", Inline: []string{"j"}})
		b.want("j")
		if n := len(b.set.Stats()); n != 1 {
			t.Errorf("%d sources are shown, want 1", n)
		}
	})
}

func TestAGroupsLabelsChangeWithoutAnotherRead(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.yml", "- {tasks: [a], labels: {x: own}}\n- tasks: [b]\n")
		b.write("m.jsonl", `{"taskId":"m","model":"kling"}`+"\n")
		group := func(labels map[string]string) Group {
			return Group{Name: "g", Inline: []string{"i"}, Files: []files.Pattern{b.pattern("a.yml"), b.pattern("m.jsonl")}, Labels: labels}
		}
		_ = b.load(1000, group(map[string]string{"x": "1", "y": "1"}))
		b.run()
		b.reload(group(map[string]string{"x": "2", "z": "2"}))
		for id, want := range map[string]string{"a": "own2", "b": "22", "i": "22", "m": "22"} {
			labels := b.tasks[id].Labels
			if got := labels["x"] + labels["y"] + labels["z"]; got != want {
				t.Errorf("%s has %v", id, labels)
			}
		}
		if b.tasks["m"].Model != "kling" {
			t.Errorf("m's model is %q", b.tasks["m"].Model)
		}
	})
}

func TestAReloadWithABadPatternChangesNothing(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		_ = b.load(1000, Group{Name: "g", Inline: []string{"a"}})
		if _, err := b.set.Prepare(t.Context(), []Group{{Name: "g", Files: []files.Pattern{b.pattern("[")}}}, tasks(1000)); err == nil {
			t.Error("a malformed pattern is accepted")
		}
		b.want("a")
	})
}

func TestAnIdThatMovesByAReloadIsNoDuplicate(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("old.txt", "a\n")
		b.write("new.txt", "a\nb\nc\n")
		_ = b.load(1000,
			Group{Name: "g", Inline: []string{"b", "x"}, Files: []files.Pattern{b.pattern("old.txt")}}, Group{Name: "h", Inline: []string{"c", "y"}})
		b.run()
		b.reload(
			Group{Name: "g", Inline: []string{"x"}, Files: []files.Pattern{b.pattern("new.txt")}}, Group{Name: "h", Inline: []string{"y"}})
		b.want("a b c x")
		b.reload(Group{Name: "h", Inline: []string{"x", "y"}}, Group{Name: "g", Inline: []string{"b"}, Files: []files.Pattern{b.pattern("*w.txt")}})
		for _, s := range b.set.Stats() {
			want := uint64(0)
			if s.Source == "*w.txt" {
				want = 1 // b stays inline, too
			}
			if got := s.Rejected[source.RejectedDuplicate]; got != want {
				t.Errorf("%s of %s counted %d duplicates, want %d", s.Source, s.Group, got, want)
			}
		}
	})
}

func TestAReloadFillsTheRoomThatItMakes(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("old.txt", "a\nb\n")
		b.write("new.txt", "c\nd\ne\n")
		_ = b.load(3, Group{Name: "g", Inline: []string{"i"}, Files: []files.Pattern{b.pattern("old.txt")}})
		b.run()
		changes := b.reloadWithin(tasks(3), Group{Name: "g", Inline: []string{"j"}, Files: []files.Pattern{b.pattern("new.txt")}})
		b.want("d e j")
		for _, c := range changes {
			for _, task := range c.Added {
				if c.Backlog != (task.ID != "j") {
					t.Errorf("%s is added with backlog %t", task.ID, c.Backlog)
				}
			}
		}
		if len(b.tasks) > 3 {
			t.Errorf("%d tasks are tracked, 3 may be", len(b.tasks))
		}
	})
}
