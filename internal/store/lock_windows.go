package store

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockedAt is the upper half of where the byte is that stands for the whole file. No file is that long, and bbolt locks another one.
const lockedAt = 1 << 30

// lock takes the file for this process; false: another one has it. The lock goes with the open file, however the process ends.
func lock(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: lockedAt})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// release unlocks the file and closes it. After a close alone the system unlocks when it has time to.
func release(f *os.File) error {
	return errors.Join(windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &windows.Overlapped{OffsetHigh: lockedAt}), f.Close())
}
