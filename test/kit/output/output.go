// Package output holds what programs and loggers write for tests that read it meanwhile.
package output

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
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

// Logger returns one that writes here what is of a level or above.
func (t *Text) Logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t, &slog.HandlerOptions{Level: level}))
}
