//go:build !race

package cluster

const underRace = false // the race detector takes five times as long, and a history has one goroutine
