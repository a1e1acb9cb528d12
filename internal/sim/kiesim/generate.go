// The generator of tasks: what a user's program does that creates tasks and notes their ids.

package kiesim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Generate creates tasks at random moments and appends a line for each to a list file, until ctx ends. The first comes at once.
// perSecond is in simulated time: in real time there are Options.Speed as many. A .jsonl file gets objects with taskId and
// model, any other one plain ids. With incidents every 25th line has an id that does not exist. Each line is one write, so lines
// never mix, but no file system promises that a reader never sees the first half of the last one.
func (s *Server) Generate(ctx context.Context, path string, perSecond float64) (err error) {
	if perSecond <= 0 {
		return fmt.Errorf("can't generate %g tasks per second", perSecond)
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the list of generated tasks: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	pause := float64(time.Second) / perSecond / s.o.Speed
	for n := uint64(0); ctx.Err() == nil; n++ {
		line, err := s.line(n, filepath.Ext(path))
		if err != nil {
			return err
		}
		if _, err := f.Write(line); err != nil {
			return fmt.Errorf("writing the list of generated tasks: %w", err)
		}
		wait(ctx, time.Duration(s.rand(streamArrivals, n).ExpFloat64()*pause))
	}
	return nil
}

// line creates a task and returns the nth line of a list.
func (s *Server) line(n uint64, ext string) ([]byte, error) {
	var id, model string
	if s.o.Incidents && n%oddEvery == oddEvery/2 {
		id, model = newID(s.rand(streamBogus, n)), s.o.Models[0].Name
	} else {
		id, model = s.Create()
	}
	if ext != ".jsonl" {
		return []byte(id + "\n"), nil
	}
	b, err := json.Marshal(struct {
		ID    string `json:"taskId"`
		Model string `json:"model"`
	}{id, model})
	if err != nil {
		return nil, fmt.Errorf("encoding a generated task: %w", err)
	}
	return append(b, '\n'), nil
}
