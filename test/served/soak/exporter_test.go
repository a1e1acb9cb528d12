// The exporter's processes, one after the other.

package soak_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// patience is how long anything may take on a busy machine that is a matter of moments on an idle one.
const patience = time.Minute

// process is a run of the exporter.
type process struct {
	number  int
	cmd     *exec.Cmd
	started time.Time
	base    string
	hooks   string        // where callbacks are received
	ending  chan struct{} // closed before it is told to end
	ended   chan struct{} // closed when it has, and its log is read
	kept    kept          // what was on disk before it started
	totals  *totals       // the latest it showed
	said    atomic.Int64  // bytes of its log

	mu     sync.Mutex
	failed map[string]bool // tasks of which it said that a query failed
	tail   []string        // the last lines of its log
}

var (
	listeningLine = regexp.MustCompile(`msg="Listening on".* address=(127\.0\.0\.1:\d+)`)
	receivingLine = regexp.MustCompile(`msg="Receiving callbacks" address=(127\.0\.0\.1:\d+)`)
	failedLine    = regexp.MustCompile(`msg="A request failed".* task_id=(\S+)`)
)

// startProcess starts the exporter and waits until it listens.
func startProcess(t *testing.T, number int, before kept, v *verdict, args ...string) *process {
	t.Helper()
	p := &process{
		number: number, started: time.Now(), kept: before, totals: newTotals(),
		ending: make(chan struct{}), ended: make(chan struct{}), failed: map[string]bool{},
	}
	p.cmd = exec.CommandContext(t.Context(), "kie_exporter", args...) //nolint:gosec // ours
	p.cmd.Dir, p.cmd.Env = t.TempDir(), environment()
	log, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go p.follow(log, listening, v)
	t.Cleanup(func() { // when the test gave up; else it has ended long before
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	select {
	case address := <-listening:
		p.base = "http://" + address
	case <-p.ended:
		t.Fatalf("process %d ended at once: %s", number, p.lastWords())
	case <-time.After(patience):
		t.Fatalf("process %d does not listen: %s", number, p.lastWords())
	}
	return p
}

// follow reads the log until the process has ended.
func (p *process) follow(log io.Reader, listening chan<- string, v *verdict) {
	defer close(p.ended)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		p.said.Add(int64(len(line)) + 1)
		if found := receivingLine.FindStringSubmatch(line); found != nil {
			p.hooks = "http://" + found[1] // before it listens for anything else
		}
		if found := listeningLine.FindStringSubmatch(line); found != nil {
			listening <- found[1]
		}
		secret := findSecret(line)
		v.check(nothingSecret, secret == "", "the log says %q", secret)
		wrong := strings.Contains(line, "DATA RACE") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:")
		v.check(endsWhenTold, !wrong, "the log says %q", line)
		p.note(line)
	}
	_ = p.cmd.Wait() // its state says what there is to know
	select {
	case <-p.ending:
	default:
		v.check(endsWhenTold, false, "process %d ended by itself, %v: %s", p.number, p.cmd.ProcessState, p.lastWords())
	}
}

func (p *process) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := failedLine.FindStringSubmatch(line); found != nil {
		p.failed[found[1]] = true
		return
	}
	p.tail = append(p.tail[max(0, len(p.tail)-30):], line)
}

func (p *process) lastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.tail, "\n")
}

// isEnding reports whether the process was told to end.
func (p *process) isEnding() bool {
	select {
	case <-p.ending:
		return true
	default:
		return false
	}
}

// end sends the signal and waits for the end. The error says that it went otherwise than it must.
func (p *process) end(how os.Signal) error {
	close(p.ending)
	if err := p.cmd.Process.Signal(how); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its log then says where it hangs
		<-p.ended
		return errors.New("it did not end: " + p.lastWords())
	}
	if code := p.cmd.ProcessState.ExitCode(); how == syscall.SIGTERM && code != 0 {
		return errors.New(p.cmd.ProcessState.String() + ": " + p.lastWords())
	}
	return nil
}

// keyOf returns the API key of an account. What shows it has leaked it.
func keyOf(account string) string { return "soak-canary-" + account + "-0123456789" }

// findSecret returns the part of a text around something that must not be shown; empty if there is nothing.
func findSecret(text string) string {
	for _, secret := range []string{"soak-canary", kiesim.Canary} {
		if i := strings.Index(text, secret); i >= 0 {
			return text[max(0, i-100):min(len(text), i+100)]
		}
	}
	return ""
}
