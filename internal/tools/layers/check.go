// What is wrong with the imports of packages.

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check returns all that breaks the order, and packages that have grown too long.
func check(all []pkg, order [][]string) error {
	line := map[string]int{}
	for i, folders := range order {
		for _, f := range folders {
			line[f] = i
		}
	}
	var problems []error
	complain := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for _, p := range all {
		seen[p.folder] = true
		own, known := line[p.folder]
		if !known {
			if !isBeside(p.folder) {
				complain("%s is not in the order: name it in internal/tools/layers/order.go", p.folder)
			}
			continue
		}
		for _, f := range p.own {
			if other, ok := line[f]; !ok || other <= own {
				complain("%s imports %s, which is not below it", p.folder, f)
			}
		}
		if path := knowsClientLibrary(p); path != "" && own > line[collectorFolder] {
			complain("%s imports %s, which is for the collector and what is above it", p.folder, path)
		}
		if p.lines > mostLines && slices.Contains(bounded(), p.folder) {
			complain("%s has %d lines without its tests, %d at the most", p.folder, p.lines, mostLines)
		}
	}
	for _, folders := range order {
		for _, f := range folders {
			if !seen[f] {
				complain("%s is in the order, but there is no such package", f)
			}
		}
	}
	return errors.Join(problems...)
}

func isBeside(folder string) bool {
	return slices.ContainsFunc(besides(), func(b string) bool { return folder == b || strings.HasPrefix(folder, b+"/") })
}

// knowsClientLibrary returns what a package imports of Prometheus' client library.
func knowsClientLibrary(p pkg) string {
	for _, path := range p.others {
		for _, library := range clientLibrary() {
			if path == library || strings.HasPrefix(path, library+"/") {
				return path
			}
		}
	}
	return ""
}
