// Lists as programs and people write them, badly.

package set

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAListWrittenEverySecondGrowsAndLosesNothing(t *testing.T) {
	for _, name := range []string{"l.txt", "l.jsonl", "l.yml"} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				format := map[string]string{"l.txt": "%s\n", "l.jsonl": `{"taskId":"%s"}` + "\n", "l.yml": "- tasks: [%s]\n"}[name]
				b.write(name, fmt.Sprintf(format, "id000"))
				b.start(name)
				list, listed := "", []string{}
				pass := func(d time.Duration) {
					b.mu.Unlock()
					time.Sleep(d)
					b.mu.Lock()
				}
				pass(time.Second / 2) // so that no write falls on a poll, and what a poll finds is certain
				for second := range 120 {
					id := fmt.Sprintf("id%03d", second)
					list, listed = list+fmt.Sprintf(format, id), append(listed, id)
					switch second % 3 {
					case 0:
						b.write(name, list)
					case 1: // caught in the middle of its last line, which cuts the format short
						b.write(name, list[:len(list)-3])
					case 2: // caught before anything is written
						b.write(name, "")
					}
					pass(time.Second)
				}
				b.write(name, list)
				b.poll(2)
				b.want(strings.Join(listed, " "))
				for _, c := range b.changes {
					if len(c.Removed) > 0 {
						b.t.Fatalf("removed although listed: %q", c.Removed)
					}
				}
			})
		})
	}
}

func TestAListThatShrinksLosesWhatItLacksAfterThirtySeconds(t *testing.T) {
	for name, content := range map[string]string{
		"truncated to nothing": "",
		"shrunk":               "id0\n",
		"half-written":         "id0\nzz",
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				b.write("l.txt", "id0\nid1\nid2\n")
				b.start("l.txt")
				b.write("l.txt", content)
				if name == "half-written" {
					b.write("l.txt", content+"3\n")
					b.poll(1)
					b.want("id0 id1 id2 zz3")
					b.write("l.txt", content)
				}
				b.poll(5)
				if got := b.ids("g"); !strings.HasPrefix(got, "id0 id1 id2") {
					b.t.Errorf("after 25 s: %q", got)
				}
				b.write("l.txt", "id0\nid1\nid2\n") // written whole at last
				b.poll(10)
				b.want("id0 id1 id2")
				b.write("l.txt", content)
				b.poll(8)
				if got := b.ids("g"); strings.Contains(got, "id1") || strings.Contains(got, "id2") {
					b.t.Errorf("after 40 s: %q", got)
				}
			})
		})
	}
}

func TestAListThatMayNotBeReadKeepsItsIDs(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		path := b.write("l.txt", "a\n")
		b.start("l.txt")
		err := os.Chmod(path, 0)
		if os.Geteuid() == 0 { // who may read all that can be read
			err = errors.Join(os.Remove(path), os.Symlink("/proc/self/mem", path))
		}
		if err != nil {
			b.t.Fatal(err)
		}
		b.write("other", "x")
		b.poll(20)
		b.want("a")
	})
}
