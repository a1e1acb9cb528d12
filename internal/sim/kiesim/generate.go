// The generator of tasks: what a user's program does that creates tasks and notes their ids.

package kiesim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Program is a user's program, that creates tasks at random moments and notes each in a list file.
type Program struct {
	// Path names the list. A .jsonl file gets objects with taskId and model, any other one plain ids.
	Path string
	// Tell, if set, is told each new task instead of a list, as an object with taskId and model. None of an id that does not exist.
	Tell func(ctx context.Context, task []byte) error
	// PerSecond is how many tasks are created a second in simulated time: in real time there are Options.Speed as many.
	PerSecond float64
	// Keep is how many lines the list keeps, about: the older ones go, and sooner those of ids that do not exist. 0: all are kept.
	// Whoever writes the list beside a program that keeps few loses what it wrote.
	Keep int
	// Endpoint tells of the tasks; empty: that of jobs. Of another one than that, no line has an id that does not exist.
	Endpoint Endpoint
	// Callbacks, if set, has the API call back when a task has finished.
	Callbacks *Callbacks
}

// listed is a line of a list.
type listed struct {
	text  []byte
	bogus bool // its id does not exist
}

// Generate lets a program create tasks until ctx ends. The first comes at once. With incidents every 25th line has an id that
// does not exist. Each line is one write, so lines never mix, but no file system promises that a reader never sees the first half
// of the last one.
func (s *Server) Generate(ctx context.Context, p Program) (err error) {
	if p.PerSecond <= 0 {
		return fmt.Errorf("can't generate %g tasks per second", p.PerSecond)
	}
	var callbacks sync.WaitGroup
	defer callbacks.Wait()
	pause := float64(time.Second) / p.PerSecond / s.o.Speed
	var kept []listed
	for n := uint64(0); ctx.Err() == nil; n++ {
		line, id, err := s.line(n, p)
		if err != nil {
			return err
		}
		if p.Callbacks != nil && !line.bogus {
			callbacks.Go(func() { s.callBack(ctx, p.Callbacks, id) })
		}
		if err := s.tell(ctx, p, line.text); err != nil {
			return err
		}
		if p.Keep > 0 {
			kept = append(kept, line)
		}
		if len(kept) > 0 && n%uint64(max(1, p.Keep/10)) == 0 {
			if kept, err = trim(p, kept); err != nil {
				return fmt.Errorf("shortening the list of generated tasks: %w", err)
			}
		}
		wait(ctx, time.Duration(s.rand(streamArrivals, n).ExpFloat64()*pause))
	}
	return nil
}

// tell appends a line to the list, or tells whoever wants to be told.
func (s *Server) tell(ctx context.Context, p Program, line []byte) error {
	if p.Tell != nil {
		if err := p.Tell(ctx, line); err != nil && ctx.Err() == nil {
			return fmt.Errorf("telling of a generated task: %w", err)
		}
		return nil
	}
	if err := appendTo(p.Path, line); err != nil {
		return fmt.Errorf("writing the list of generated tasks: %w", err)
	}
	return nil
}

// trim takes the lines that are too many out of a list, and those of ids that do not exist out of all but its last third. A list that
// changes is replaced whole.
func trim(p Program, lines []listed) ([]listed, error) {
	before := len(lines)
	lines = lines[max(0, before-p.Keep):]
	old := max(0, len(lines)-p.Keep/3)
	lines = slices.Concat(slices.DeleteFunc(slices.Clone(lines[:old]), func(l listed) bool { return l.bogus }), lines[old:])
	if len(lines) == before {
		return lines, nil
	}
	var text []byte
	for _, l := range lines {
		text = append(text, l.text...)
	}
	next := p.Path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return nil, err
	}
	return lines, os.Rename(next, p.Path)
}

func appendTo(path string, line []byte) (err error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(line)
	return err
}

// bogusID returns an id that does not exist, another one each time.
func (s *Server) bogusID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bogus++
	return newID(s.rand(streamBogus, s.bogus))
}

// line creates a task and returns the nth line of a list.
func (s *Server) line(n uint64, p Program) (line listed, id string, err error) {
	var model string
	if line.bogus = s.o.Incidents && p.Endpoint == "" && p.Tell == nil && n%oddEvery == oddEvery/2; line.bogus {
		id, model = s.bogusID(), s.o.Models[0].Name
	} else {
		id, model = s.CreateAt(p.Endpoint)
	}
	if p.Tell == nil && filepath.Ext(p.Path) != ".jsonl" {
		line.text = []byte(id + "\n")
		return line, id, nil
	}
	b, err := json.Marshal(struct {
		ID    string `json:"taskId"`
		Model string `json:"model"`
	}{id, model})
	if err != nil {
		return line, "", fmt.Errorf("encoding a generated task: %w", err)
	}
	line.text = []byte(string(b) + "\n")
	return line, id, nil
}
