// Package secrets keeps the secrets of a configuration out of lists: no list is read from their files, and none of them is an id.
package secrets

import (
	"io/fs"
	"os"
	"slices"
)

// Config is where the secrets of a configuration are.
type Config struct {
	Files  []string        // no list is read from these, by whatever name
	Values func() []string // no id is one of these
}

// Known is the secrets as they were when last looked at. It is never changed.
type Known struct {
	files  []string
	infos  []fs.FileInfo
	values []string
}

// Look returns the secrets as they are now; the same ones if they are what they were.
func (k *Known) Look(c Config) *Known {
	n := &Known{files: c.Files}
	for _, path := range c.Files {
		if info, err := os.Stat(path); err == nil {
			n.infos = append(n.infos, info)
		}
	}
	if c.Values != nil {
		n.values = c.Values()
	}
	if slices.EqualFunc(k.infos, n.infos, os.SameFile) && slices.Equal(k.values, n.values) {
		return k
	}
	return n
}

// HasFile reports whether a file is one of the secrets', by any name: looked at now, as a file may have been replaced just before.
func (k *Known) HasFile(info fs.FileInfo) bool {
	for _, path := range k.files {
		if secret, err := os.Stat(path); err == nil && os.SameFile(secret, info) {
			return true
		}
	}
	return false
}

// HasValue reports whether an id is a secret.
func (k *Known) HasValue(id string) bool {
	for _, value := range k.values {
		if len(value) == len(id) && value == id && id != "" {
			return true
		}
	}
	return false
}
