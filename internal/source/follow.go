//go:build unix

package source

import "syscall"

// noFollow refuses to open a link.
const noFollow = syscall.O_NOFOLLOW
