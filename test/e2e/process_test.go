// Programs as child processes, and waiting for what they do.

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// process is a running program and what it has logged.
type process struct {
	address string // on which it listens
	env     []string

	mu  sync.Mutex
	log bytes.Buffer
}

// Write takes what the program logs.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) logged() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.log.Bytes())
}

var listening = regexp.MustCompile(`msg="Listening on"(?: component=web)? address=(127\.0\.0\.1:\d+)`)

// start runs a program in a folder of its own and waits until it listens. When the test ends it gets SIGTERM, upon which it
// must exit with 0.
func (p *process) start(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // one of ours
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = p, p
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Minute // then it is killed
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; the programs are built by `make e2e`", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its state says what there is to know
	}()
	t.Cleanup(func() {
		<-ended // the test's context has ended
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s: exit code %d", cmd, code)
		}
		if t.Failed() {
			t.Logf("%s:\n%s", cmd, p.logged())
		}
	})
	wait.Until(t, 2*time.Minute, 100*time.Millisecond, func() error {
		select {
		case <-ended:
			return fmt.Errorf("%s has ended: %s", cmd, p.logged())
		default:
		}
		found := listening.FindSubmatch(p.logged())
		if found == nil {
			return fmt.Errorf("%s does not listen", cmd)
		}
		p.address = string(found[1])
		return nil
	})
}
