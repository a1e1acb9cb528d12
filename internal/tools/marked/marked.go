// Package marked writes what is generated between two marks of a document that people write.
package marked

import (
	"bytes"
	"fmt"
	"os"
)

// Write puts a text, which ends with a line's end, between the line begins and the line ends of a document. All else stays.
func Write(path, begins, ends string, text []byte) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, hasBegin := bytes.Cut(document, []byte(begins))
	_, after, hasEnd := bytes.Cut(rest, []byte(ends))
	if !hasBegin || !hasEnd {
		return fmt.Errorf("%s lacks the marks %s and %s", path, begins, ends)
	}
	whole := fmt.Appendf(nil, "%s%s\n\n%s\n%s%s", before, begins, text, ends, after)
	return os.WriteFile(path, whole, 0o644) //nolint:gosec // documentation is for everybody to read
}
