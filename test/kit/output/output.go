// Package output holds what programs and loggers write for tests that read it meanwhile.
package output

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// Text is what was written. It is safe for concurrent use; the zero value is empty.
type Text struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

// Write implements io.Writer.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.Write(p)
}

// String returns all of it.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.String()
}

// Lines returns the lines that hold a text, with their ends.
func (t *Text) Lines(text string) (found []string) {
	for line := range strings.Lines(t.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// Await waits until a text was written.
func (t *Text) Await(tb testing.TB, within time.Duration, text string) {
	tb.Helper()
	wait.Until(tb, within, 10*time.Millisecond, func() error {
		if all := t.String(); !strings.Contains(all, text) {
			return fmt.Errorf("no %q in: %s", text, all)
		}
		return nil
	})
}

// Logger returns one that writes here what is of a level or above.
func (t *Text) Logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t, &slog.HandlerOptions{Level: level}))
}
