// One start.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/process"
)

const (
	between = 2 * time.Millisecond // looks whether it listens, and is ready
	after   = 7 * time.Second      // that it is ready memory is looked at again
)

// figures are what a start took.
type figures struct {
	listens, scrape, ready, cpu time.Duration
	shown                       float64
	peak, later                 int // kB
}

func (c *cold) measure(ctx context.Context, s start) (f figures, err error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	p, err := c.begin(ctx, s)
	if err != nil {
		return f, err
	}
	defer p.end()
	f.listens = p.listens
	scraped := make(chan error, 1)
	go func() {
		began := time.Now()
		text, err := p.Get(ctx, "/metrics")
		f.scrape, f.shown = time.Since(began), process.Sum(text, "kie_tasks{")
		scraped <- err
	}()
	if err := p.awaitReady(ctx); err != nil {
		return f, err
	}
	f.ready, f.cpu, f.peak = time.Since(p.Began), p.Processor(), p.Memory("VmHWM")
	if err := <-scraped; err != nil {
		return f, fmt.Errorf("first scrape: %w", err)
	}
	time.Sleep(after)
	f.later = p.Memory("VmHWM")
	return f, nil
}

// begun is an exporter that listens, and where its files are.
type begun struct {
	*process.Process
	dir     string // of configuration and key
	known   string // of lists and storage
	listens time.Duration
}

// begin has an exporter start, and waits until it listens.
func (c *cold) begin(ctx context.Context, s start) (*begun, error) {
	known, err := s.prepare(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.dir, "start-")
	if err != nil {
		return nil, err
	}
	b := &begun{dir: dir, known: known}
	groups := fmt.Sprintf("- {name: %s, files: ['%s']}\n", group, filepath.Join(known, s.list()))
	if s.from == "push" {
		groups = fmt.Sprintf("- {name: %s, push: {credentials_file: '%s'}}\n", group, filepath.Join(dir, "token"))
	}
	if err := write(dir, map[string]string{
		"key": "nobody's", "token": "producers", "kie.yml": c.settings(b.key(), fmt.Sprintf("tasks: %d", max(s.ids, 1_000_000)), groups),
	}); err != nil {
		return nil, err
	}
	args := append([]string{"--config.file=" + filepath.Join(dir, "kie.yml"), "--storage.path=" + filepath.Join(known, "storage"), "--log.level=error", "--web.enable-lifecycle"}, c.args...)
	if b.Process, err = process.Start(ctx, c.program, args...); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", b.Address)
		if err == nil {
			b.listens = time.Since(b.Began)
			return b, conn.Close()
		}
		select {
		case <-b.Ended():
			return nil, errors.New("it has ended")
		case <-time.After(between):
		}
	}
	return nil, ctx.Err()
}

func (b *begun) key() string { return filepath.Join(b.dir, "key") }

// awaitReady waits until the exporter says that it is ready.
func (b *begun) awaitReady(ctx context.Context) error {
	for ctx.Err() == nil {
		_, err := b.Get(ctx, "/-/ready")
		if err == nil || !strings.Contains(err.Error(), "503") {
			return err
		}
		time.Sleep(between)
	}
	return ctx.Err()
}

func (b *begun) end() {
	b.Kill()
	_ = os.RemoveAll(b.dir)
}
