// Command testlog reads what `go test -json` writes, prints it as `go test` does without that flag, and writes the outcome of each
// test and subtest into the file it is given: a line "pass example.com/module/package TestName/subtest", or "skip" or "fail".
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the file to write, got %d", len(args))
	}
	file, err := os.Create(args[0])
	if err != nil {
		return err
	}
	outcomes := bufio.NewWriter(file)
	l := log{out: out, outcomes: outcomes, packages: map[string]*progress{}}
	if err := l.read(in); err != nil {
		return err
	}
	if err := outcomes.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

// progress is what a package's tests have said and done so far.
type progress struct {
	said   []event         // what was printed, in order
	passed map[string]bool // tests that need not be told about
}

// log is a run of tests under way.
type log struct {
	out, outcomes io.Writer
	packages      map[string]*progress
	failed        bool
}

// read reads events to their end. A package is told of when it is done, as `go test` does with several packages.
func (l *log) read(in io.Reader) error {
	for lines := bufio.NewReader(in); ; {
		line, err := lines.ReadString('\n')
		if line != "" {
			if err := l.take(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return l.end()
		}
		if err != nil {
			return err
		}
	}
}

// take takes one line of the input. What is no event, such as what the go command itself complains about, is passed on.
func (l *log) take(line string) error {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		_, err := io.WriteString(l.out, line)
		return err
	}
	if e.Action == "build-output" {
		_, err := io.WriteString(l.out, e.Output)
		return err
	}
	p := l.packages[e.Package]
	if p == nil {
		p = &progress{passed: map[string]bool{}}
		l.packages[e.Package] = p
	}
	switch ended := e.Action == "pass" || e.Action == "fail" || e.Action == "skip"; {
	case e.Action == "output":
		p.said = append(p.said, e)
	case ended && e.Test != "":
		p.passed[e.Test] = e.Action != "fail"
		_, err := fmt.Fprintf(l.outcomes, "%s %s %s\n", e.Action, e.Package, e.Test)
		return err
	case ended:
		delete(l.packages, e.Package)
		l.failed = l.failed || e.Action == "fail"
		return p.tell(l.out, e.Action != "fail")
	}
	return nil
}

// end tells of packages whose end was not told, and that something has failed.
func (l *log) end() error {
	for _, p := range l.packages {
		l.failed = true
		if err := p.tell(l.out, false); err != nil {
			return err
		}
	}
	if l.failed {
		_, err := io.WriteString(l.out, "FAIL\n")
		return err
	}
	return nil
}

// tell prints what a package has said: its verdict alone if it passed, else that and all of what did not pass.
func (p *progress) tell(out io.Writer, passed bool) error {
	for _, e := range p.said {
		verdict := strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "? ") || strings.Contains(e.Output, "[no test files]")
		if passed && (e.Test != "" || !verdict) || p.passed[e.Test] || strings.HasPrefix(e.Output, "=== ") {
			continue
		}
		if _, err := io.WriteString(out, e.Output); err != nil {
			return err
		}
	}
	return nil
}
