// Packed lists, and others of which nobody can tell how long they are.

package source

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// unpack returns what is packed with gzip, if that is not over limit. It is unpacked twice: first to learn how long it is, so that a
// little that unpacks to very much takes no memory.
func unpack(ctx context.Context, packed string, limit size) (string, error) {
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
func unpackTo(ctx context.Context, w io.Writer, packed string, limit size) error {
	unpacked, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return fmt.Errorf("not packed with gzip, or not whole: %w", err)
	}
	n, err := io.Copy(w, io.LimitReader(reader{ctx, unpacked}, limit.most+1))
	switch {
	case err != nil:
		return fmt.Errorf("packed with gzip: %w", err)
	case n > limit.most:
		return fmt.Errorf("packed with gzip: %w", limit.error())
	}
	return nil
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// readKnown returns all that r holds, which is said to be of a length that is not over limit.
func readKnown(r io.Reader, length int64, limit size) (string, error) {
	var content strings.Builder
	content.Grow(int(length))
	n, err := io.Copy(&content, io.LimitReader(r, limit.most+1))
	if err == nil && n > limit.most {
		err = limit.error()
	}
	return content.String(), err
}

// readAll returns all that r holds, if that is not over limit. Meanwhile it takes twice that in memory at most.
func readAll(r io.Reader, limit size) (string, error) {
	var pieces [][]byte
	piece := make([]byte, 0, 4<<10)
	for total := int64(0); ; {
		n, err := r.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		total += int64(n)
		switch {
		case total > limit.most:
			return "", limit.error()
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
