//go:build unix

package store

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// openPlain has a file opened only if it is no link, and without waiting for the other end of a FIFO.
const openPlain = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// user is a user of the system and the groups it is in.
type user struct {
	id     int
	groups []int
}

func distrust(path string, info fs.FileInfo) *distrusted {
	groups, _ := os.Getgroups() // of which there may be none
	return user{id: os.Geteuid(), groups: append(groups, os.Getegid())}.distrust(path, info)
}

// distrust says why others can write what is at a path; nil: nobody but the user, the user's own groups and root can. A volume
// of Kubernetes belongs to root, and is written by virtue of a group of the pod's own.
func (u user) distrust(path string, info fs.FileInfo) *distrusted {
	about, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	owner, group := int(about.Uid), int(about.Gid)
	switch {
	case owner != u.id && owner != 0:
		return &distrusted{path, fmt.Sprintf("belongs to user %d", owner), fmt.Sprintf("chown %d %s", u.id, path)}
	case info.Mode()&0o002 != 0:
		return &distrusted{path, "can be written by everybody", "chmod o-w " + path}
	case info.Mode()&0o020 != 0 && !slices.Contains(u.groups, group):
		return &distrusted{path, fmt.Sprintf("can be written by group %d, which is none of the exporter's", group), "chmod g-w " + path}
	}
	return nil
}
