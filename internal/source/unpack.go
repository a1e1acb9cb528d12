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

// unpack returns what is packed with gzip, if that is not over limit.
func unpack(ctx context.Context, packed string, limit size) (string, error) {
	unpacked, err := gzip.NewReader(reader{ctx, strings.NewReader(packed)})
	if err != nil {
		return "", fmt.Errorf("not packed with gzip, or not whole: %w", err)
	}
	content, err := readAll(unpacked, limit)
	if err != nil {
		return "", fmt.Errorf("packed with gzip: %w", err)
	}
	return content, nil
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
