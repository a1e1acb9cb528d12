//go:build !unix

package files

// noFollow is nothing where opening has no such flag.
const noFollow = 0
