// The series of tasks as they are sent.

package exposition

import (
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
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

	mu     sync.Mutex
	asked  time.Time
	latest view.Shown
	blocks []*rendering // of latest
	kept   map[*view.Block]*rendering
	fixed  *rendering // heads of the families, then the end of OpenMetrics
	work   *workshop
}

// workshop is what renderings are made with.
type workshop struct {
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
	f.latest, f.blocks, f.kept, f.work = view.Shown{}, nil, nil, nil
	return false
}

// renderFor returns what a scrape is to send: the fixed parts, and the rendering of each block.
func (f *form) renderFor(shown view.Shown) (*rendering, []*rendering) {
	f.mu.Lock()
	f.asked = time.Now()
	f.mu.Unlock()
	return f.render(shown)
}

// render makes what is missing of the renderings of what is shown. Those of blocks that are shown no more are let go.
func (f *form) render(shown view.Shown) (*rendering, []*rendering) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prepare(shown.LabelKeys)
	if shown.IsOlderThan(f.latest) {
		return f.fixed, f.all(shown.Blocks)
	}
	if f.blocks == nil || !slices.Equal(f.latest.Blocks, shown.Blocks) {
		f.blocks = f.all(shown.Blocks)
		clear(f.kept)
		for i, b := range shown.Blocks {
			f.kept[b] = f.blocks[i]
		}
	}
	f.latest = shown
	return f.fixed, f.blocks
}

// prepare makes sure that there is a workshop for tasks with labels of these keys. Others make other renderings of all tasks.
func (f *form) prepare(labelKeys []string) {
	if f.work != nil && f.work.text.IsFor(labelKeys) {
		return
	}
	f.work = &workshop{packer: f.packer(), text: collector.NewTaskText(labelKeys)}
	f.kept, f.blocks = make(map[*view.Block]*rendering), nil
	f.fixed = f.work.fixed()
}

// all returns the renderings of blocks.
func (f *form) all(blocks []*view.Block) []*rendering {
	all := make([]*rendering, len(blocks))
	for i, b := range blocks {
		r := f.kept[b]
		if r == nil {
			r = f.work.render(b)
		}
		all[i] = r
	}
	return all
}

// render returns the rendering of a block.
func (w *workshop) render(b *view.Block) *rendering {
	for family := range w.text.Families() {
		w.lines = w.text.Append(w.lines[:0], family, b)
		w.add()
	}
	return w.done()
}

func (w *workshop) fixed() *rendering {
	for family := range w.text.Families() {
		w.lines = w.text.AppendHead(w.lines[:0], family)
		w.add()
	}
	w.lines = append(w.lines[:0], eof...)
	w.add()
	return w.done()
}

// add makes a part of the lines.
func (w *workshop) add() {
	if len(w.lines) > 0 {
		w.bytes = w.packer.pack(w.bytes, w.lines)
	}
	//nolint:gosec // a block's text is far from 4 GiB
	w.parts = append(w.parts, part{end: uint32(len(w.bytes)), text: uint32(len(w.lines)), sum: w.packer.sum(w.lines)})
}

// done returns the parts, and begins anew.
func (w *workshop) done() *rendering {
	r := &rendering{packed: slices.Clone(w.bytes), parts: slices.Clone(w.parts)}
	w.bytes, w.parts = w.bytes[:0], w.parts[:0]
	return r
}
