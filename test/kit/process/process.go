// Package process runs the built exporter for measurements, and tells what the system says of it.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Process is a program that runs. Its address is where it listens, or will.
type Process struct {
	Address string
	Began   time.Time

	command *exec.Cmd
	ended   chan struct{}
}

// Start starts a program that is told its address by --web.listen-address. It is killed when ctx ends.
func Start(ctx context.Context, program string, args ...string) (*Process, error) {
	address, err := free(ctx)
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, program, append(args, "--web.listen-address="+address)...) //nolint:gosec // who runs it says which
	c.Stderr = os.Stderr
	p := &Process{Address: address, Began: time.Now(), command: c, ended: make(chan struct{})}
	if err := c.Start(); err != nil {
		return nil, err
	}
	go func() { _ = c.Wait(); close(p.ended) }()
	return p, nil
}

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error { return p.command.Process.Signal(s) }

// Kill kills the program, and waits for its end.
func (p *Process) Kill() {
	_ = p.command.Process.Kill()
	<-p.ended
}

// Memory returns a line of what the system says of the process, in kB.
func (p *Process) Memory(name string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name+":" {
			n, _ := strconv.Atoi(fields[1])
			return n
		}
	}
	return 0
}

// Processor returns how much processor time the process has taken.
func (p *Process) Processor() time.Duration {
	const ticks = 100 // a second, on every Linux
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, behind, _ := strings.Cut(string(text), ") ")
	fields, used := strings.Fields(behind), 0
	for _, field := range fields[11:13] {
		n, _ := strconv.Atoi(field)
		used += n
	}
	return time.Duration(used) * time.Second / ticks
}

// Get returns what the program answers to a request for a path. Any status but 200 is an error.
func (p *Process) Get(ctx context.Context, path string) (string, error) {
	return p.ask(ctx, http.MethodGet, path)
}

// Post does what Get does, with another method.
func (p *Process) Post(ctx context.Context, path string) (string, error) {
	return p.ask(ctx, http.MethodPost, path)
}

func (p *Process) ask(ctx context.Context, method, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+p.Address+path, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(text), err
}

// Sum adds up the samples of an answer that begin so.
func Sum(metrics, prefix string) float64 {
	total := 0.0
	for line := range strings.Lines(metrics) {
		if fields := strings.Fields(line); strings.HasPrefix(line, prefix) {
			value, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
			total += value
		}
	}
	return total
}

// free returns an address that nobody listens on.
func free(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
