// Package keyfile is how settings name files that hold a secret and nothing else.
package keyfile

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/settings"
)

// Format is a setting that names the file of a key, or of what else noun says. Relative paths start at dir.
func Format(dir, noun string, read func(path string) (*apikey.Key, error)) settings.Text[*apikey.Key] {
	return settings.Text[*apikey.Key]{
		What: "a text", Parse: func(s string) (*apikey.Key, error) { return keyFile(dir, s, noun, read) }, Secret: true, Noun: "file name",
		Shown: shownKey, ID: (*apikey.Key).File, Form: settings.AnyText.Form,
	}
}

// keyFile reads the name of a key's file, and the key in it.
func keyFile(dir, name, noun string, read func(path string) (*apikey.Key, error)) (*apikey.Key, error) {
	if err := settings.NotEmpty(name); err != nil {
		return nil, err
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	key, err := read(path)
	if err != nil && looksLikeKey(name) {
		return nil, fmt.Errorf("must name a file that holds the %s: %w (the name is not shown, it may be the %[1]s itself)", noun, errors.Unwrap(err))
	}
	return key, err
}

// looksLikeKey reports whether a file name may be a key that somebody put in its place, and must not be shown. Keys may hold
// slashes and dots, as base64 and tokens do; a name that says it is a path is none.
func looksLikeKey(name string) bool {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		return false
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '.' })
	return slices.ContainsFunc(parts, func(part string) bool { return len(part) >= 20 })
}

// shownKey shows where a key is, if it is in a file.
func shownKey(k *apikey.Key) any {
	if k.File() == "" {
		return nil
	}
	return k.File()
}
