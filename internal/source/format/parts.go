// Lists that are read in parts.

package format

import (
	"context"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// Parts parses a list part by part. It needs no lock, so that a part may be parsed while somebody has the one before it.
type Parts struct {
	format  Format
	options parsed.Options // of the next part
}

// NewParts returns what parses a list in a format.
func NewParts(f Format, o parsed.Options) *Parts { return &Parts{f, o} }

// Parse reads the next part, and returns where the one after it begins. It has no bound but its length.
func (p *Parts) Parse(ctx context.Context, content string, from Position, half func(tail string) bool) (*parsed.List, Position, error) {
	o := p.options
	o.IDs, o.Lines, o.Half = len(content), from.Lines, half
	part := parsed.New(o)
	next, err := p.format.ReadPart(ctx, content, from, part)
	return part, next, err
}

// Follows has the next part follow one.
func (p *Parts) Follows(part *parsed.List) { p.options.Faults = part.Faults() }
