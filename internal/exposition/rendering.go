// The series of tasks as they are sent.

package exposition

import (
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// rendering is the series of a block in some encoding, a part for each family. It is immutable.
type rendering struct {
	packed []byte
	parts  []part
}

// part is the series of one family. Its bytes begin where those of the part before end.
type part struct {
	end  uint32
	text uint32 // bytes of it uncompressed
	sum  checksum
}

func (r *rendering) part(i int) ([]byte, part) {
	p := r.parts[i]
	if i == 0 {
		return r.packed[:p.end], p
	}
	return r.packed[r.parts[i-1].end:p.end], p
}

// packer compresses text so that results can follow one another in one body.
type packer interface {
	pack(to, text []byte) []byte
	sum(text []byte) checksum
}

// form holds the renderings of what is shown in one encoding, made when somebody asks for them.
type form struct {
	packer func() packer

	mu       sync.Mutex // guards what follows
	asked    time.Time
	latest   view.Shown
	blocks   []*rendering // of latest
	kept     map[*view.Block]*rendering
	fixed    *rendering // heads of the families, then the end of OpenMetrics
	renderer *renderer
}

// renderer makes renderings.
type renderer struct {
	packer       packer
	text         *collector.TaskText
	lines, bytes []byte
	parts        []part
}

// isWanted reports whether somebody asked lately, and lets go of everything if not.
func (f *form) isWanted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.asked) < idle {
		return true
	}
	f.latest, f.blocks, f.kept, f.renderer = view.Shown{}, nil, nil, nil
	return false
}

// renderFor returns what a scrape is to send: the fixed parts, and the rendering of each block.
func (f *form) renderFor(shown view.Shown, choice taskseries.Choice) (*rendering, []*rendering) {
	f.mu.Lock()
	f.asked = time.Now()
	f.mu.Unlock()
	return f.render(shown, choice)
}

// render makes what is missing of the renderings of what is shown. Those of blocks that are shown no more are let go.
func (f *form) render(shown view.Shown, choice taskseries.Choice) (*rendering, []*rendering) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prepareLocked(choice, shown.LabelKeys)
	if shown.IsOlderThan(f.latest) {
		return f.fixed, f.allLocked(shown.Blocks)
	}
	if f.blocks == nil || !slices.Equal(f.latest.Blocks, shown.Blocks) {
		f.blocks = f.allLocked(shown.Blocks)
		clear(f.kept)
		for i, b := range shown.Blocks {
			f.kept[b] = f.blocks[i]
		}
	}
	f.latest = shown
	return f.fixed, f.blocks
}

// prepareLocked makes sure that there is a renderer for the chosen series of tasks with labels of these keys. Others make other renderings of
// all tasks.
func (f *form) prepareLocked(choice taskseries.Choice, labelKeys []string) {
	if f.renderer != nil && f.renderer.text.IsFor(choice, labelKeys) {
		return
	}
	f.renderer = &renderer{packer: f.packer(), text: collector.NewTaskText(choice, labelKeys)}
	f.kept, f.blocks = make(map[*view.Block]*rendering), nil
	f.fixed = f.renderer.fixed()
}

// allLocked returns the renderings of blocks.
func (f *form) allLocked(blocks []*view.Block) []*rendering {
	all := make([]*rendering, len(blocks))
	for i, b := range blocks {
		r := f.kept[b]
		if r == nil {
			r = f.renderer.render(b)
		}
		all[i] = r
	}
	return all
}

// render returns the rendering of a block.
func (r *renderer) render(b *view.Block) *rendering {
	for family := range r.text.Families() {
		r.lines = r.text.Append(r.lines[:0], family, b)
		r.add()
	}
	return r.done()
}

func (r *renderer) fixed() *rendering {
	for family := range r.text.Families() {
		r.lines = r.text.AppendHead(r.lines[:0], family)
		r.add()
	}
	r.lines = append(r.lines[:0], eof...)
	r.add()
	return r.done()
}

// add makes a part of the lines.
func (r *renderer) add() {
	if len(r.lines) > 0 {
		r.bytes = r.packer.pack(r.bytes, r.lines)
	}
	//nolint:gosec // a block's text is far from 4 GiB
	r.parts = append(r.parts, part{end: uint32(len(r.bytes)), text: uint32(len(r.lines)), sum: r.packer.sum(r.lines)})
}

// done returns the parts, and begins anew.
func (r *renderer) done() *rendering {
	done := &rendering{packed: slices.Clone(r.bytes), parts: slices.Clone(r.parts)}
	r.bytes, r.parts = r.bytes[:0], r.parts[:0]
	return done
}
