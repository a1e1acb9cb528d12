// Package bounded reads no more than it may: so many bytes, packed with gzip or not, until a context ends.
package bounded

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/units"
)

// ErrTooLarge is the error of what is over its bytes.
var ErrTooLarge = errors.New("too large")

// Size bounds the bytes of a list, and says by what.
type Size struct {
	Most int64
	By   string
}

// Exceeded returns the error of what is over the size.
func (s Size) Exceeded() error {
	return fmt.Errorf("%w: over the %v %s", ErrTooLarge, units.Base2Bytes(s.Most), s.By)
}

// Reader reads until Ctx ends.
type Reader struct {
	Ctx context.Context // it lives as long as one copy
	io.Reader
}

func (r Reader) Read(p []byte) (int, error) {
	if err := r.Ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// Unpack returns what is packed with gzip, if that is not over limit. It is unpacked twice: first to learn how long it is, so that a
// little that unpacks to very much takes no memory.
func Unpack(ctx context.Context, packed string, limit Size) (string, error) {
	var length counter
	err := unpackTo(ctx, &length, packed, limit)
	if err != nil {
		return "", err
	}
	var content strings.Builder
	content.Grow(int(length))
	if err := unpackTo(ctx, &content, packed, limit); err != nil {
		return "", err
	}
	return content.String(), nil
}

// unpackTo writes what is packed. Beyond limit it ends.
func unpackTo(ctx context.Context, w io.Writer, packed string, limit Size) error {
	unpacked, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return fmt.Errorf("not packed with gzip, or not whole: %w", err)
	}
	n, err := io.Copy(w, io.LimitReader(Reader{ctx, unpacked}, limit.Most+1))
	switch {
	case err != nil:
		return fmt.Errorf("packed with gzip: %w", err)
	case n > limit.Most:
		return fmt.Errorf("packed with gzip: %w", limit.Exceeded())
	}
	return nil
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// ReadKnown returns all that r holds, which is said to be of a length that is not over limit.
func ReadKnown(r io.Reader, length int64, limit Size) (string, error) {
	var content strings.Builder
	content.Grow(int(length))
	n, err := io.Copy(&content, io.LimitReader(r, limit.Most+1))
	if err == nil && n > limit.Most {
		err = limit.Exceeded()
	}
	return content.String(), err
}

// ReadAll returns all that r holds, if that is not over limit. Meanwhile it takes twice that in memory at most.
func ReadAll(r io.Reader, limit Size) (string, error) {
	var pieces [][]byte
	piece := make([]byte, 0, 4<<10)
	for total := int64(0); ; {
		n, err := r.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		total += int64(n)
		switch {
		case total > limit.Most:
			return "", limit.Exceeded()
		case errors.Is(err, io.EOF):
			return joined(append(pieces, piece)), nil
		case err != nil:
			return "", err
		case len(piece) == cap(piece):
			pieces = append(pieces, piece)
			piece = make([]byte, 0, min(2*cap(piece), 1<<20))
		}
	}
}

func joined(pieces [][]byte) string {
	total := 0
	for _, piece := range pieces {
		total += len(piece)
	}
	var all strings.Builder
	all.Grow(total)
	for _, piece := range pieces {
		all.Write(piece)
	}
	return all.String()
}
