//go:build unix

package connections

import "syscall"

// Files returns how many files the process may have open, connections among them; 0: nobody limits it.
func Files() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<30 {
		return 0
	}
	return int(limit.Cur)
}
