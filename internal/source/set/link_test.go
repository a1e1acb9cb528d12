// What a stranger who may write into a folder of lists can have read: nothing that is not below it, and no secret.

package set

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

const theKey = "sk-0123456789abcdef"

// linkBench makes a folder of lists beside a key, another secret and a folder that is none of ours.
func linkBench(b *bench) (in func(name string) string) {
	in = func(name string) string { return filepath.Join(b.dir, name) }
	for _, dir := range []string{"lists", "lists/sub", "lists/.hidden", "outside"} {
		if err := os.Mkdir(in(dir), 0o700); err != nil {
			b.t.Fatal(err)
		}
	}
	b.write("key", theKey+"\n")
	b.write("outside/x.txt", "outside\n")
	b.write("lists/ok.txt", "ok\n")
	b.write("lists/sub/ok.txt", "ok\n")
	b.secrets = secrets.Config{Files: []string{in("key")}, Values: func() []string { return []string{theKey, "", "other"} }}
	return in
}

func TestNoLinkLeadsOutOfTheFolderOfThePattern(t *testing.T) {
	unixFiles(t)
	for name, link := range map[string]func(in func(string) string, to string) error{
		"a relative link to a file":  func(_ func(string) string, to string) error { return os.Symlink("../outside/x.txt", to) },
		"an absolute link to a file": func(in func(string) string, to string) error { return os.Symlink(in("outside/x.txt"), to) },
		"a link to the key":          func(in func(string) string, to string) error { return os.Symlink(in("key"), to) },
		"a hard link to the key":     func(in func(string) string, to string) error { return os.Link(in("key"), to) },
		"a link to a folder":         func(in func(string) string, to string) error { return os.Symlink(in("outside"), to) },
		"a link to a device":         func(_ func(string) string, to string) error { return os.Symlink("/dev/zero", to) },
		"the environment":            func(_ func(string) string, to string) error { return os.Symlink("/proc/self/environ", to) },
		"the memory map":             func(_ func(string) string, to string) error { return os.Symlink("/proc/self/maps", to) },
		"a setting of the kernel": func(_ func(string) string, to string) error {
			return os.Symlink("/sys/kernel/mm/transparent_hugepage/enabled", to)
		},
		"the root by way of /proc": func(in func(string) string, to string) error { return os.Symlink("/proc/self/root"+in("key"), to) },
		"a folder in the middle":   func(_ func(string) string, to string) error { return os.Symlink("sub/../../outside/x.txt", to) },
		"a link to a link in a folder": func(in func(string) string, to string) error {
			if err := os.Symlink("../../outside", in("lists/.hidden/away")); err != nil {
				return err
			}
			return os.Symlink(".hidden/away/x.txt", to)
		},
		"a chain": func(in func(string) string, to string) error {
			for i, next := range []string{"../key", ".0", ".1", ".2"} {
				if err := os.Symlink(next, in(fmt.Sprintf("lists/.%d", i))); err != nil {
					return err
				}
			}
			return os.Symlink(".3", to)
		},
		"an open file": func(in func(string) string, to string) error {
			f, err := os.Open(in("key"))
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = f.Close() })
			return os.Symlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), to)
		},
		"a link to a hard link to the key": func(in func(string) string, to string) error {
			if err := os.Link(in("key"), in("lists/.hidden/k")); err != nil {
				return err
			}
			return os.Symlink(".hidden/k", to)
		},
	} {
		for _, pattern := range []string{"lists/*.txt", "lists/evil.txt", "lists/sub/../*.txt"} {
			t.Run(name+" of "+pattern, func(t *testing.T) {
				inFakeTime(t, func(b *bench) {
					in := linkBench(b)
					b.secrets.Values = nil // it must not come to that
					if err := link(in, in("lists/evil.txt")); err != nil {
						b.t.Fatal(err)
					}
					b.start(pattern)
					b.poll(2)
					if got := b.ids("g"); got != "ok" && (pattern != "lists/evil.txt" || got != "") {
						b.t.Errorf("tracked: %q", got)
					}
					if s := b.stat(pattern); s.Errors != 3 || b.logged("level=WARN") != 1 || b.logged("evil.txt: ") != 1 {
						b.t.Errorf("stat %+v, log %s", s, b.logs.String())
					}
					if strings.Contains(b.logs.String(), theKey) {
						b.t.Error("the key is logged")
					}
				})
			})
		}
	}
}

func TestAFolderInTheMiddleThatLeadsOutIsNotEntered(t *testing.T) {
	unixFiles(t)
	inFakeTime(t, func(b *bench) {
		in := linkBench(b)
		if err := os.Symlink(in("outside"), in("lists/away")); err != nil {
			b.t.Fatal(err)
		}
		b.start("lists/*/*.txt")
		b.want("ok")
		if b.stat("lists/*/*.txt").Errors != 1 || b.logged("leads out") != 1 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestLinksBelowTheFolderOfThePatternAreFollowed(t *testing.T) {
	unixFiles(t)
	inFakeTime(t, func(b *bench) {
		in := linkBench(b)
		b.write("lists/.hidden/a", "a\n")
		b.write("lists/.hidden/b", "b\n")
		b.write("lists/.hidden/sub.txt", "c\n")
		for to, target := range map[string]string{
			"lists/a.txt": ".hidden/a", "lists/b.txt": in("lists/.hidden/b"), "lists/dir": ".hidden", "really": "lists",
		} {
			if err := os.Symlink(target, in(to)); err != nil {
				b.t.Fatal(err)
			}
		}
		b.start("really/*.txt", "really/*/sub.txt", "lists/a.txt")
		b.want("a b c ok")
		if b.logged("level=WARN") != 0 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestAnIDThatIsASecretIsRefusedAsThat(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		linkBench(b)
		b.write("lists/l.txt", "a\n"+theKey+"\nother\n"+theKey+"x\n")
		b.write("lists/l.yml", "- tasks: [b, "+theKey+"]\n")
		b.write("lists/l.jsonl", `{"taskId":"c"}`+"\n"+`{"taskId":"`+theKey+`"}`+"\n")
		remote := b.serveList(text("d", theKey))
		_ = b.load(100, Group{
			Name: "g", Inline: []string{"e", theKey}, HTTP: remote.http(),
			Files: []files.Pattern{b.pattern("lists/l.*")},
		})
		b.run()
		b.want("a b c d e " + theKey + "x")
		for name, want := range map[string]uint64{"inline": 1, "http": 1, "lists/l.*": 4} {
			if s := b.stat(name); s.Rejected[source.RejectedSecret] != want || s.Rejected[source.RejectedInvalid] != 0 {
				b.t.Errorf("%s: %+v", name, s)
			}
		}
		if strings.Contains(b.logs.String(), theKey) || b.logged("a secret of the configuration") != 5 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestAKeyThatChangesIsRefusedInListsThatDoNot(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		in := linkBench(b)
		var key atomic.Value
		key.Store(theKey)
		b.secrets.Values = func() []string { return []string{key.Load().(string)} }
		b.write("lists/l.txt", "a\nnew-key\n")
		remote := b.serveList(text("d", "new-key"))
		_ = b.load(100, Group{Name: "g", Files: []files.Pattern{b.pattern("lists/*.txt")}, Inline: []string{"new-key", "i"}, HTTP: remote.http()})
		b.run()
		b.want("a d i new-key ok")
		key.Store("new-key")
		b.poll(10)
		b.want("a d i ok")
		b.write("key.new", "another\n")
		if err := os.Link(in("key.new"), in("lists/z.txt")); err != nil { // before it becomes the key
			b.t.Fatal(err)
		}
		if err := os.Rename(in("key.new"), in("key")); err != nil {
			b.t.Fatal(err)
		}
		b.poll(1)
		b.want("a d i ok")
	})
}
