// Who else can write the storage file. Its records are served as they are, so a user who can write it decides what is shown.

package store

import (
	"fmt"
	"io/fs"
)

// distrusted says that others than this user and root can write what is at a path.
type distrusted struct{ path, reason, remedy string }

// Error implements error.
func (d *distrusted) Error() string { return fmt.Sprintf("%s %s: %s", d.path, d.reason, d.remedy) }

// judge warns of a folder or a file that others can write; in a strict store that is an error.
func (s *Store) judge(path string, info fs.FileInfo) error {
	if odd := irregular(info.Mode()); path == s.path && odd != "" {
		if s.strict {
			return &distrusted{path, "is " + string(odd), "remove it"}
		}
		return nil // it will be set aside, which is told then
	}
	why := distrust(path, info)
	switch {
	case why == nil:
		return nil
	case s.strict:
		return why
	case !s.warned[*why]:
		s.warned[*why] = true
		s.log.Warn("Others can change the storage, which the exporter believes; --storage.strict refuses to start with it",
			"path", why.path, "reason", why.reason, "remedy", why.remedy)
	}
	return nil
}

// irregular says why what is at the path of the storage file can't be one; empty: it is a regular file.
func irregular(mode fs.FileMode) unusable {
	switch {
	case mode.IsRegular():
		return ""
	case mode&fs.ModeSymlink != 0:
		return "a link, which is not followed"
	}
	return "not a regular file"
}
