//go:build !unix || solaris || aix

package store

import "os"

// lock leaves it to bbolt's own lock, which comes after the check. A file in use can't be renamed on Windows.
func lock(*os.File) (bool, error) { return true, nil }

func release(f *os.File) error { return f.Close() }
