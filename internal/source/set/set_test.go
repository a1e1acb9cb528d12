// What sources promise: additions at once, removals late, one owner an id, faults that harm nothing else.

package set

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/yamllist"
)

func TestLoadDeliversTheBacklogInListedOrder(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "z\ny\n")
		b.write("b.txt", "x\n")
		if err := b.load(10, Group{Name: "g", Inline: []string{"2", "1"}, Files: []files.Pattern{b.pattern("*.txt")}}); err != nil {
			b.t.Fatal(err)
		}
		var order []string
		for _, c := range b.changes {
			if !c.Backlog || c.Group != "g" || len(c.Removed) > 0 {
				b.t.Errorf("change %+v", c)
			}
			for _, task := range c.Added {
				order = append(order, task.ID)
			}
		}
		if got := strings.Join(order, " "); got != "2 1 z y x" {
			b.t.Errorf("order %q", got)
		}
	})
}

func TestAdditionsTakeEffectAtTheNextPollAndAreNews(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.start("new.txt", "*.yml", "old.txt")
		b.write("new.txt", "a\n")
		b.write("some.yml", "- tasks: [b]")
		b.changes = nil
		b.poll(1)
		b.want("a b")
		for _, c := range b.changes {
			if c.Backlog {
				b.t.Errorf("backlog after the first read: %+v", c)
			}
		}
		if b.logged("watched") != 1 || b.stat("*.yml").Errors != 0 {
			b.t.Errorf("a pattern without a file is not warned about once: %s", b.logs.String())
		}
		if b.stat("new.txt").Errors != 1 || b.stat("old.txt").Errors != 2 {
			b.t.Errorf("missing files are not counted: %+v", b.set.Stats())
		}
		if b.logged("can't be read,") != 2 || b.logged("can be read again") != 1 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestRemovalTakesThirtySecondsOfReadsThatLackTheID(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("l.txt", "a\nb\nc\n")
		b.start("l.txt")
		b.write("l.txt", "")
		b.poll(6) // lacking at 5 s … 30 s
		b.want("a b c")
		b.write("l.txt", "b\n")
		b.poll(1)
		b.want("b")
		b.write("l.txt", "")
		b.poll(1)
		b.write("l.txt", "# nothing\n")
		b.poll(5)
		b.want("b")
		b.poll(1)
		b.want("")
		b.write("l.txt", "a\n")
		b.poll(1)
		b.want("a")
	})
}

func TestReadsUnchangedByStatCountAsSuccessful(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		path := b.write("l.txt", "a\n")
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			b.t.Fatal(err)
		}
		b.start("l.txt")
		b.write("l.txt", "")
		if err := os.Chtimes(path, old.Add(time.Minute), old.Add(time.Minute)); err != nil {
			b.t.Fatal(err)
		}
		b.poll(6)
		b.want("a")
		b.poll(1)
		b.want("")
	})
}

func TestFileIsReadAgainOnlyIfItMayHaveChanged(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		path := b.write("l.txt", "a\n")
		at := func(d time.Duration) {
			if err := os.Chtimes(path, time.Now().Add(d), time.Now().Add(d)); err != nil {
				b.t.Fatal(err)
			}
		}
		at(-time.Second)
		b.start("l.txt")
		b.write("l.txt", "b\n")
		at(-time.Second) // same size, same time, but that time was too fresh to trust
		b.poll(1)
		b.want("a b")

		at(-time.Hour)
		b.poll(1)
		info, _ := os.Stat(path)
		b.write("l.txt", "c\n")
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			b.t.Fatal(err)
		}
		b.poll(1)
		b.want("a b") // nobody can tell
		at(-time.Minute)
		b.poll(1)
		b.want("a b c")
	})
}

func TestHalfWrittenLastLineWaitsForAnUnchangedRead(t *testing.T) {
	for _, name := range []string{"l.txt", "l.jsonl"} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				line := func(id string) string {
					if name == "l.txt" {
						return id
					}
					return `{"taskId":"` + id + `"}`
				}
				b.write(name, line("task_1")+"\n"+line("task_2")[:4])
				b.start(name)
				b.want("task_1")
				b.write(name, line("task_1")+"\n"+line("task_2")+"\n"+line("task_3"))
				b.poll(1)
				if name == "l.txt" { // an object tells its own end
					b.want("task_1 task_2")
					b.poll(1)
				}
				b.want("task_1 task_2 task_3")
				b.write(name, line("task_0")+"\n"+line("task_3")) // the rest changes, the line does not
				b.poll(1)
				b.want("task_0 task_1 task_2 task_3")
				b.poll(7)
				b.want("task_0 task_3")
			})
		})
	}
}

func TestLastLineOfAFileAtRestIsPartOfTheBacklog(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		path := b.write("l.txt", "a\nb")
		old := time.Now().Add(-time.Minute)
		if err := os.Chtimes(path, old, old); err != nil {
			b.t.Fatal(err)
		}
		_ = b.load(10, Group{Name: "g", Files: []files.Pattern{b.pattern("l.txt")}})
		b.want("a b")
	})
}

func TestEveryWayToReplaceAFileIsSeen(t *testing.T) {
	replace := map[string]func(b *bench) error{
		"in place": func(b *bench) error { b.write("l.txt", "b\n"); return nil },
		"rename": func(b *bench) error {
			return os.Rename(b.write(".l.txt.tmp", "b\n"), filepath.Join(b.dir, "l.txt"))
		},
		"an editor that keeps a backup": func(b *bench) error {
			if err := os.Rename(filepath.Join(b.dir, "l.txt"), filepath.Join(b.dir, "l.txt~")); err != nil {
				return err
			}
			b.write("l.txt", "b\n")
			b.remove("l.txt~")
			b.write(".l.txt.swp", "\x00\x01")
			return nil
		},
		"remove and create": func(b *bench) error {
			b.remove("l.txt")
			b.poll(1)
			b.want("a")
			b.write("l.txt", "b\n")
			return nil
		},
		"symbolic link": func(b *bench) error {
			b.remove("l.txt")
			return os.Symlink(b.write(".other", "b\n"), filepath.Join(b.dir, "l.txt"))
		},
	}
	for name, change := range replace {
		for _, pattern := range []string{"l.txt", "*"} {
			t.Run(name+" of "+pattern, func(t *testing.T) {
				inFakeTime(t, func(b *bench) {
					b.write("l.txt", "a\n")
					b.start(pattern)
					if err := change(b); err != nil {
						b.t.Fatal(err)
					}
					b.poll(2)
					b.want("a b")
					b.poll(7)
					b.want("b")
				})
			})
		}
	}
}

func TestConfigMapSwapIsSeen(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		try := func(err error) {
			if err != nil {
				b.t.Fatal(err)
			}
		}
		in := func(name string) string { return filepath.Join(b.dir, name) }
		old := time.Now().Add(-time.Hour)
		for version, id := range map[string]string{"..1": "a\n", "..2": "b\n"} {
			try(os.Mkdir(in(version), 0o700))
			path := b.write(version+"/l.txt", id)
			try(os.Chtimes(path, old, old))
		}
		try(os.Symlink("..1", in("..data")))
		try(os.Symlink("..data/l.txt", in("l.txt")))
		b.start("*")
		b.want("a")
		try(os.Symlink("..2", in("..new")))
		try(os.Rename(in("..new"), in("..data")))
		b.poll(1)
		b.want("a b")
		b.poll(6)
		b.want("b")
	})
}

func TestSourceThatFailsOrVanishesKeepsItsIDs(t *testing.T) {
	breakIt := map[string]func(b *bench) error{
		"gone":            func(b *bench) error { b.remove("l.yml"); return nil },
		"does not parse":  func(b *bench) error { b.write("l.yml", "- tasks: ["); return nil },
		"unknown key":     func(b *bench) error { b.write("l.yml", "- task: [x]"); return nil },
		"too large":       func(b *bench) error { return os.Truncate(filepath.Join(b.dir, "l.yml"), 1<<30) },
		"too large, YAML": func(b *bench) error { return os.Truncate(filepath.Join(b.dir, "l.yml"), yamllist.MaxBytes+1) },
		"UTF-16":          func(b *bench) error { b.write("l.yml", "\xff\xfe-\x00"); return nil },
		"a folder": func(b *bench) error {
			b.remove("l.yml")
			return os.Mkdir(filepath.Join(b.dir, "l.yml"), 0o700)
		},
		"link to itself": func(b *bench) error {
			b.remove("l.yml")
			return os.Symlink("l.yml", filepath.Join(b.dir, "l.yml"))
		},
		"link to nothing": func(b *bench) error {
			b.remove("l.yml")
			return os.Symlink("nothing", filepath.Join(b.dir, "l.yml"))
		},
	}
	for name, breakFile := range breakIt {
		for _, pattern := range []string{"l.yml", "*.yml"} {
			t.Run(name+" as "+pattern, func(t *testing.T) {
				inFakeTime(t, func(b *bench) {
					b.write("l.yml", "- tasks: [a, b]")
					b.write("other.txt", "o\n")
					b.start(pattern, "other.txt")
					before := b.stat(pattern)
					if err := breakFile(b); err != nil {
						b.t.Fatal(err)
					}
					b.write("other.txt", "o\np\n")
					b.poll(20)
					b.want("a b o p")
					if s := b.stat(pattern); s.Errors != 20 || s.Tasks != 2 || !s.LastSuccess.Equal(before.LastSuccess) {
						b.t.Errorf("stat %+v", s)
					}
					if b.logged("can't be read,") != 1 {
						b.t.Errorf("log: %s", b.logs.String())
					}
					_ = os.RemoveAll(filepath.Join(b.dir, "l.yml"))
					b.write("l.yml", "- tasks: [b]")
					b.poll(1)
					b.want("a b o p")
					b.poll(6)
					b.want("b o p")
					if b.logged("can be read again") != 1 {
						b.t.Errorf("log: %s", b.logs.String())
					}
				})
			})
		}
	}
}

func TestFileThatVanishesAmongOthersLosesItsIDs(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\n")
		b.write("b.txt", "b\n")
		b.start("*.txt")
		b.remove("a.txt")
		b.poll(6)
		b.want("a b")
		b.remove("b.txt") // now nothing matches
		b.poll(10)
		b.want("a b")
		b.write("c.txt", "c\n")
		b.poll(1)
		b.want("b c") // a was lacked by successful reads, b for the first time now
		b.poll(6)
		b.want("c")
		b.poll(1)
		if n := b.set.members[0].claims.Lists(); n != 1 {
			b.t.Errorf("%d files are remembered", n)
		}
	})
}

func TestBrokenFileOfAGlobKeepsItsIDsAndTheOthersGrow(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.yml", "- tasks: [a]")
		b.write("b.yml", "- tasks: [b1, b2]")
		b.start("*.yml")
		b.write("a.yml", "- tasks: [a")
		b.write("b.yml", "- tasks: [b2, b3]")
		b.poll(20)
		b.want("a b1 b2 b3") // no read of the source was successful
		if s := b.stat("*.yml"); s.Errors != 20 {
			b.t.Errorf("stat %+v", s)
		}
		b.write("a.yml", "- tasks: [a]")
		b.poll(6)
		b.want("a b1 b2 b3")
		b.poll(1)
		b.want("a b2 b3")
	})
}

func TestFoldersHiddenAndEditorsFilesOfAGlobAreNoLists(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		for _, name := range []string{".x", "#x", "x~", "x.swp", "x.tmp", ".#x", "#x#", "y"} {
			b.write(name, "id_"+name+"\n")
		}
		if err := os.Mkdir(filepath.Join(b.dir, "folder"), 0o700); err != nil {
			b.t.Fatal(err)
		}
		b.start("*")
		b.want("id_y")
		if s := b.stat("*"); s.Errors != 0 {
			b.t.Errorf("stat %+v", s)
		}
	})
	inFakeTime(t, func(b *bench) {
		b.write(".x", "a\n")
		b.start(".x")
		b.want("a")
	})
}

func TestIDBelongsToTheFirstThatListsIt(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("1.txt", "id\nid\n")
		b.write("2.txt", "id\nother\n")
		b.write("3.txt", "id\n")
		first := Group{Name: "first", Files: []files.Pattern{b.pattern("1.txt"), b.pattern("2.txt")}}
		second := Group{Name: "second", Inline: []string{"id"}, Files: []files.Pattern{b.pattern("3.txt")}}
		if err := b.load(10, first, second); err != nil {
			b.t.Fatal(err)
		}
		b.run()
		b.poll(3)
		duplicates := func(want ...uint64) {
			b.t.Helper()
			for i, s := range b.set.Stats() {
				if s.Rejected[source.RejectedDuplicate] != want[i] {
					b.t.Errorf("%s/%s: %d duplicates, want %d", s.Group, s.Source, s.Rejected[source.RejectedDuplicate], want[i])
				}
			}
		}
		duplicates(1, 1, 1, 1)
		if b.groups["id"] != "first" {
			b.t.Errorf("id is in %q", b.groups["id"])
		}
		b.changes = nil
		b.write("1.txt", "")
		b.poll(7)
		if len(b.changes) != 0 {
			b.t.Errorf("the next owner is of the same group, yet %+v", b.changes)
		}
		b.write("2.txt", "other\n")
		b.poll(7)
		if len(b.changes) != 1 || b.groups["id"] != "second" || b.changes[0].Backlog {
			b.t.Errorf("moved by %+v", b.changes)
		}
		b.write("1.txt", "id\n")
		b.poll(1)
		if b.groups["id"] != "first" {
			b.t.Errorf("id is in %q", b.groups["id"])
		}
		duplicates(1, 1, 1, 1)
	})
}

func TestMovingAnIDBetweenFilesIsNoDuplicate(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("1.txt", "id\nx\n")
		b.write("2.txt", "y\n")
		b.start("1.txt", "2.txt")
		b.changes = nil
		b.write("1.txt", "x\n")
		b.write("2.txt", "y\nid\n")
		b.poll(10)
		b.want("id x y")
		if n := b.stat("2.txt").Rejected[source.RejectedDuplicate]; n != 0 || len(b.changes) != 0 {
			b.t.Errorf("%d duplicates, changes %+v", n, b.changes)
		}
	})
}

func TestChangedLabelsAreTold(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		labels := func(want string) {
			b.t.Helper()
			got := b.tasks["a"].Labels
			if s := got["team"] + " " + got["env"]; s != want {
				b.t.Errorf("labels %v, want %q", got, want)
			}
		}
		b.write("l.yml", "- {tasks: [a, b], labels: {team: film}}")
		group := Group{Name: "g", Files: []files.Pattern{b.pattern("*.yml")}, Labels: map[string]string{"team": "none", "env": "prod"}}
		_ = b.load(10, group)
		b.run()
		labels("film prod")
		b.write("l.yml", "- {tasks: [a], labels: {team: music}}\n- {tasks: [b], labels: {team: film}}")
		b.changes = nil
		b.poll(1)
		labels("music prod")
		if len(b.changes) != 1 || len(b.changes[0].Added) != 1 {
			b.t.Errorf("changes %+v", b.changes)
		}
		b.write("l.yml", "- {tasks: [b], labels: {team: film}}")
		b.write("m.yml", "- {tasks: [a]}") // the file that lists it goes before the one that did
		b.poll(1)
		labels("none prod")
		if group.Labels["team"] != "none" {
			b.t.Error("the group's labels were written to")
		}
	})
}

func TestLimitRefusesIDsOnceAndTakesThemWhenThereIsRoom(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("1.txt", "a\nb\n")
		b.write("2.txt", "c\nd\ne\n")
		group := Group{Name: "g", Inline: []string{"i"}, Files: []files.Pattern{b.pattern("1.txt"), b.pattern("2.txt")}}
		_ = b.load(4, group)
		b.run()
		b.want("a b e i")
		b.poll(3)
		b.write("2.txt", "c\nd\ne\nf\n")
		b.poll(3)
		if s := b.stat("2.txt"); s.Rejected[source.RejectedLimit] != 3 || s.Tasks != 4 {
			b.t.Errorf("stat %+v", s)
		}
		if b.logged("Limit of tasks reached") != 1 {
			b.t.Errorf("log: %s", b.logs.String())
		}
		b.write("1.txt", "")
		b.poll(7)
		b.want("d e f i")
		b.write("2.txt", "c\n")
		b.poll(8) // when the others are gone
		b.want("c i")
		b.write("2.txt", "c\n1\n2\n3\n")
		b.poll(1)
		if b.logged("Limit of tasks reached") != 2 {
			b.t.Errorf("a new episode is not logged: %s", b.logs.String())
		}
	})
}

func TestInlineIDsBeyondTheLimitAreTakenLater(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("1.txt", "a\n")
		_ = b.load(1, Group{Name: "f", Files: []files.Pattern{b.pattern("1.txt")}}, Group{Name: "g", Inline: []string{"i"}})
		b.run()
		b.want("")
		b.write("1.txt", "")
		b.poll(8)
		b.want("i")
	})
}

func TestBadLineIsToldOnceAsAListGrows(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		bad := "ok\n" + "secret\x00line\n" + strings.Repeat("x", 129) + "\n"
		b.write("l.txt", bad)
		b.start("l.txt")
		for range 5 {
			bad += "more\n"
			b.write("l.txt", bad)
			b.poll(1)
		}
		if n := b.stat("l.txt").Rejected[source.RejectedInvalid]; n != 2 {
			b.t.Errorf("%d bad lines counted", n)
		}
		if b.logged("Bad lines skipped") != 1 || b.logged("lines=\"[2 3]\"") != 1 || b.logged("l.txt") != 1 || b.logged("secret") != 0 {
			b.t.Errorf("log: %s", b.logs.String())
		}
		b.write("l.txt", bad+"secret\x00line\n") // one more of the kind
		b.poll(1)
		if n := b.stat("l.txt").Rejected[source.RejectedInvalid]; n != 3 {
			b.t.Errorf("%d bad lines counted", n)
		}
		b.want("more ok")
	})
}

func TestBadLinesBeyondWhatIsRememberedAreCountedOnceToo(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		var list strings.Builder
		for i := range 2 * parsed.MaxFaults {
			list.WriteString("\x00" + strings.Repeat("y", i%100) + strings.Repeat("x", i/100) + "\n")
		}
		b.write("l.txt", list.String())
		b.start("l.txt")
		b.write("l.txt", list.String()+"a\n")
		b.poll(1)
		if n := b.stat("l.txt").Rejected[source.RejectedInvalid]; n != 2*parsed.MaxFaults {
			b.t.Errorf("%d bad lines counted", n)
		}
	})
}

func TestStatsAreInOrderAndCompleteBeforeAnyRead(t *testing.T) {
	groups := []Group{
		{Name: "b", Inline: []string{"x"}, Files: []files.Pattern{{Written: "p", Path: "/p"}}},
		{Name: "a", Files: []files.Pattern{{Written: "q*", Path: "/q*"}}},
	}
	set, err := New(groups, tasks(1), newTracked(t), discard())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range set.Stats() {
		names = append(names, s.Group+"/"+s.Source)
		if len(s.Rejected) != 7 || !s.LastSuccess.IsZero() {
			t.Errorf("%+v", s)
		}
	}
	if want := []string{"b/inline", "b/p", "a/q*"}; !slices.Equal(names, want) {
		t.Errorf("sources %v, want %v", names, want)
	}
}

func TestEveryPatternThatCanNotBeOneIsRefused(t *testing.T) {
	_, err := New([]Group{
		{Name: "one", Files: []files.Pattern{{Written: "[", Path: "/["}, {Written: "a/*/[x", Path: "/a/*/[x"}, {Written: "ok", Path: "/[/ok"}}},
		{Name: "two", Inline: []string{"a"}, Files: []files.Pattern{{Written: "inline", Path: "/inline"}, {Written: "x", Path: "/x"}, {Written: "x", Path: "/x"}}},
	}, tasks(1), newTracked(t), discard())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"one"`, `"["`, `"a/*/[x"`, `"two"`, `"inline"`, `"x"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), `"ok"`) {
		t.Errorf("the name of a folder is taken for a pattern: %v", err)
	}
}

func TestAFileRepairedAfterTheStartIsStillABacklog(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("list.yml", "- tasks: [old")
		b.start("list.yml")
		b.poll(2)
		b.write("list.yml", "- tasks: [old]")
		b.poll(1)
		b.write("list.yml", "- tasks: [old, new]")
		b.poll(1)
		b.want("new old")
		if len(b.changes) != 2 || !b.changes[0].Backlog || b.changes[1].Backlog {
			b.t.Errorf("changes %+v", b.changes)
		}
	})
}
