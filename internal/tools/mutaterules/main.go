// Command mutaterules shows that the unit tests of the rules notice changes. It
// alters one thing of one rule at a time, in a copy, and has promtool run the
// tests that are about it. A mutant that passes them is a survivor, and makes
// the command fail. Names of rules limit it to these.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: mutaterules PROMTOOL FOLDER [RULE ...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1], os.Args[2], os.Args[3:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutaterules:", err)
		os.Exit(1)
	}
}

// run tests every mutant of the rules in the folder, or of those with the names, and writes the survivors and a summary to out.
func run(ctx context.Context, promtool, folder string, only []string, out io.Writer) error {
	s, err := load(promtool, folder)
	if err != nil {
		return err
	}
	if err := s.intact(ctx); err != nil {
		return err
	}
	var all []mutant
	names := make(map[string]bool)
	for at, rule := range s.rules() {
		if len(only) > 0 && !slices.Contains(only, nameOf(rule)) {
			continue
		}
		names[nameOf(rule)] = true
		some, err := mutantsOf(rule)
		if err != nil {
			return err
		}
		for _, m := range some {
			m.at = at
			all = append(all, m)
		}
	}
	for _, name := range only {
		if !names[name] {
			return fmt.Errorf("there is no rule %s", name)
		}
	}
	killed, err := s.testAll(ctx, all)
	if err != nil {
		return err
	}
	return report(out, all, killed)
}

// testAll tells for each mutant whether a test noticed it.
func (s *suite) testAll(ctx context.Context, all []mutant) ([]bool, error) {
	killed, errs := make([]bool, len(all)), make([]error, len(all))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				killed[i], errs[i] = s.kills(ctx, all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	workers.Wait()
	return killed, errors.Join(errs...)
}

func report(out io.Writer, all []mutant, killed []bool) error {
	survivors := 0
	kinds := make(map[string]bool)
	for i, m := range all {
		kinds[m.kind] = true
		if !killed[i] {
			survivors++
			fmt.Fprintf(out, "survived: %s: %s: %s\n", nameOf(m.rule), m.kind, m.what)
		}
	}
	if survivors > 0 || len(all) == 0 {
		return fmt.Errorf("%d of %d mutants survived", survivors, len(all))
	}
	fmt.Fprintf(out, "mutaterules: %d mutants of %d kinds, all noticed\n", len(all), len(kinds))
	return nil
}
