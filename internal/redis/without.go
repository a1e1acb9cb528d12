//go:build noredis

// A program without a client.

package redis

func connect(*Options) (backend, error) { return nil, ErrAbsent }

func isReply(error) bool { return false }
