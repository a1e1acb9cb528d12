//go:build linux

package files

import (
	"os"
	"syscall"
)

// isKernelFile reports whether a file is one that the kernel makes up, wherever its file system is mounted.
func isKernelFile(f *os.File) bool {
	const proc, sys = 0x9fa0, 0x62656572
	var stat syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &stat); err != nil {
		return false
	}
	return int64(stat.Type) == proc || int64(stat.Type) == sys //nolint:unconvert // 32 bits on some platforms
}
