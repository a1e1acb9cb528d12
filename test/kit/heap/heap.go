// Package heap tells tests and benchmarks how much memory is in use.
package heap

import "runtime"

// InUse returns the bytes that are in use after a garbage collection.
func InUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one left to finalisers and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // no memory holds so many
}
