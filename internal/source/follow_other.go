//go:build !unix

package source

// noFollow is nothing where opening has no such flag.
const noFollow = 0
