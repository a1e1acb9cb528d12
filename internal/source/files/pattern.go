package files

import (
	"path"

	"github.com/kie-exporter/kie_exporter/internal/source/format"
)

// Pattern is a file pattern of a group.
type Pattern struct {
	Written string // as the user wrote it: the label source
	Path    string // what to open, relative paths resolved
}

// Check says what is wrong with a pattern by itself.
func (p Pattern) Check() error {
	if err := format.CheckName(p.Written); err != nil {
		return err
	}
	if !p.isGlob() {
		return nil
	}
	// Unlike filepath.Match, path.Match looks at the whole pattern.
	_, err := path.Match(p.Path, "")
	return err
}

// isGlob reports whether p is a pattern. Only what the user wrote can be one: the folder it is relative to may have any name.
func (p Pattern) isGlob() bool { return format.IsGlob(p.Written) }
