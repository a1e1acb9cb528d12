package store

import (
	"bufio"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// child is what the test binary does as a process of its own.
func child(mode, dir string) int {
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	switch mode {
	case "open":
		fmt.Println("open")
		s.Close()
	case "count":
		countOn(s)
	}
	return 0
}

// countOn counts one task after the other, three in each batch, and says so as soon as it may.
func countOn(s *Store) {
	for n := 0; ; n++ {
		if s.Find(acct, []string{id(n)})[0].Counted {
			continue
		}
		s.Put(acct, id(n), record(n), func(bool) { fmt.Println(id(n)) })
		if n%3 == 0 {
			s.write(time.Now())
		}
	}
}

// process is the test binary as another process, which tells things line by line.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Reader
}

func startChild(t *testing.T, mode, dir string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir) //nolint:gosec // is this test
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &process{t, cmd, bufio.NewReader(out)}
}

// run returns the line that the process says before it ends.
func (p *process) run() string {
	p.t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // its exit code is part of no promise
	return line
}

func TestKillLosesNothingAndCountsNothingTwice(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	counted := make(map[string]bool)
	rounds := program.Fewer(8, 30)
	for round := range rounds {
		p := startChild(t, "count", dir)
		kill := func() {
			time.AfterFunc(time.Duration(20+random.IntN(180))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		}
		if round%2 == 0 {
			kill() // perhaps before it has opened the file
		}
		for first := true; ; first = false {
			line, err := p.lines.ReadString('\n')
			if err != nil { // the end; a line cut short was not said
				break
			}
			if first && round%2 == 1 {
				kill() // while it writes, however long a start takes here
			}
			id := line[:len(line)-1]
			if counted[id] {
				t.Fatalf("%s is counted twice", id)
			}
			counted[id] = true
		}
		_ = p.cmd.Wait() // it was killed
		s := open(t, dir)
		if st := s.Stats(); !st.Up || st.Errors[OpCheck] > 0 || st.Errors[OpDecode] > 0 {
			t.Fatalf("after a kill: %+v", st)
		}
		for id := range counted {
			if !s.Find(acct, []string{id})[0].Counted {
				t.Fatalf("%s was acknowledged and is lost", id)
			}
		}
		s.Close()
	}
	t.Logf("%d tasks counted", len(counted))
	if len(counted) < rounds/2 {
		t.Error("hardly anything was written between the kills")
	}
}
