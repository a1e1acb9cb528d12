//go:build unix

package files

import "syscall"

// noFollow refuses to open a link.
const noFollow = syscall.O_NOFOLLOW
