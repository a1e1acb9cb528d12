// The picture of imports.

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// draw returns a picture of the imports: a line for each package, with its height and what it imports. It is
// as high as the longest way down from it.
func draw(all []pkg) string {
	d := drawing{byFolder: map[string]pkg{}, heights: map[string]int{}}
	var drawn []pkg
	for _, p := range all {
		if !isBeside(p.folder) {
			d.byFolder[p.folder] = p
			drawn = append(drawn, p)
		}
	}
	slices.SortFunc(drawn, func(a, b pkg) int {
		if byHeight := d.height(b.folder) - d.height(a.folder); byHeight != 0 {
			return byHeight
		}
		return strings.Compare(a.folder, b.folder)
	})
	width := 0
	for _, p := range drawn {
		width = max(width, len(name(p.folder)))
	}
	var text strings.Builder
	last := -1
	for _, p := range drawn {
		height := " "
		if h := d.height(p.folder); h != last {
			last, height = h, strconv.Itoa(h)
		}
		var imports []string
		for _, f := range p.own {
			imports = append(imports, short(f))
		}
		line := fmt.Sprintf("%2s  %-*s  %s", height, width, name(p.folder), strings.Join(imports, " "))
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return text.String()
}

// drawing is a picture under way.
type drawing struct {
	byFolder map[string]pkg
	heights  map[string]int
}

// height returns how many imports the longest way down from a package has. Go allows no cycles.
func (d *drawing) height(folder string) int {
	if h, ok := d.heights[folder]; ok {
		return h
	}
	h := 0
	for _, f := range d.byFolder[folder].own {
		h = max(h, d.height(f)+1)
	}
	d.heights[folder] = h
	return h
}

func name(folder string) string {
	if folder == "." {
		return "main"
	}
	return folder
}

// short returns the last part of a folder, which is unique among them.
func short(folder string) string { return folder[strings.LastIndexByte(folder, '/')+1:] }
