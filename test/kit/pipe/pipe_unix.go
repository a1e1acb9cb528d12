//go:build unix

// Package pipe makes a named pipe where tests want something that is no regular file and that nobody writes to.
package pipe

import "syscall"

// Make makes a named pipe, which opening for reading waits on until somebody opens it for writing.
func Make(path string) error { return syscall.Mkfifo(path, 0o600) }
