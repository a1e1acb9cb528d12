package store

import "syscall"

// discard takes pages of a mapped file out of this process's memory. They stay in that of the system for as long as it has room.
func discard(address, length uintptr) {
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, address, length, syscall.MADV_DONTNEED) // if it fails, they stay
}
