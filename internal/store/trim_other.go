//go:build !linux

package store

// discard leaves it to the system which pages of a mapped file it keeps.
func discard(_, _ uintptr) {}
