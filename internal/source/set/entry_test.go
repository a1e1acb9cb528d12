// What a pattern matches and is no list.

package set

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/pipe"
)

// noLists is what may stand in a list's place.
var noLists = map[string]func(path string) error{
	"a link to nothing": func(path string) error { return os.Symlink("nothing", path) },
	"a link to itself":  func(path string) error { return os.Symlink(filepath.Base(path), path) },
	"a FIFO":            pipe.Make,
	"a socket": func(path string) error {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd) //nolint:errcheck // it is there to leave a file
		return syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
	},
	"a folder":         func(path string) error { return os.Mkdir(path, 0o700) },
	"a link to a pipe": func(path string) error { return os.Symlink("../pipe", path) },
}

// unixFiles skips a test where no FIFO or socket stands in a folder, and not everybody may make a link.
func unixFiles(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("folders have nothing but files and folders here")
	}
}

func TestAFileOfAnotherKindFailsAloneAndTheSiblingsCountAsRead(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a1\na2\n")
		b.write("README.md", "Who writes what here\n")
		b.start("*")
		if s := b.stat("*"); !s.Read || s.Errors != 1 {
			b.t.Errorf("stat %+v", s)
		}
		b.write("a.txt", "a2\n")
		b.poll(8)
		b.want("a2")
		if b.logged("README.md: the name's ending") != 1 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestAnEntryThatIsNoListFailsAloneAndTheSiblingsCountAsRead(t *testing.T) {
	unixFiles(t)
	for name, put := range noLists {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				b.write("a.txt", "a1\na2\n")
				b.write("b.txt", "b1\nb2\n")
				b.start("*.txt")
				b.write("a.txt", "a2\n") // a1 is about to go when its file becomes something else
				b.poll(1)
				b.remove("a.txt")
				if err := put(filepath.Join(b.dir, "a.txt")); err != nil {
					b.t.Fatal(err)
				}
				before := b.stat("*.txt").LastSuccess
				b.write("b.txt", "b2\nb3\n")
				b.changes = nil
				b.poll(6)
				b.want("a1 a2 b1 b2 b3")
				b.poll(1)
				b.want("a1 a2 b2 b3")
				b.poll(10)
				b.want("a1 a2 b2 b3")
				if s := b.stat("*.txt"); s.Errors != 17 || !s.LastSuccess.Equal(before) {
					b.t.Errorf("stat %+v", s)
				}
				if b.logged("a.txt: ") != 1 || b.logged("level=WARN") != 1 {
					b.t.Errorf("log: %s", b.logs.String())
				}
				for _, c := range b.changes {
					if c.Backlog {
						b.t.Errorf("a backlog though all lists were read before: %+v", c)
					}
				}
			})
		})
	}
}

func TestWhatIsNoListAtTheStartMakesNoBacklogOfWhatComesLater(t *testing.T) {
	unixFiles(t)
	for name, put := range noLists {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				if err := put(filepath.Join(b.dir, "a.txt")); err != nil {
					b.t.Fatal(err)
				}
				b.write("b.txt", "b1\n")
				b.start("*.txt")
				b.changes = nil
				b.write("b.txt", "b1\nb2\n")
				b.poll(1)
				b.want("b1 b2")
				if len(b.changes) != 1 || b.changes[0].Backlog {
					b.t.Errorf("changes %+v", b.changes)
				}
			})
		})
	}
}

func TestListsAreKeptWhileNothingButWhatIsNoneMatches(t *testing.T) {
	unixFiles(t)
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\n")
		b.write("b.txt", "b\n")
		b.start("*.txt")
		b.remove("a.txt")
		b.remove("b.txt")
		if err := pipe.Make(filepath.Join(b.dir, "b.txt")); err != nil {
			b.t.Fatal(err)
		}
		b.poll(10)
		b.want("a b")
		b.write("c.txt", "c\n")
		b.poll(7)
		b.want("b c")
		b.remove("b.txt")
		b.poll(7)
		b.want("c")
		if b.logged("can be read again") != 1 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}
