// The keys under which records are kept.

package store

import (
	"bytes"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// keyOf returns the key of a task's record: its account and its id, between them a byte that neither can hold.
func keyOf(account, id string) string { return account + "\x00" + id }

// splitKey returns the account and the id of a key; old: it is one of format 1, whose keys are ids alone.
func splitKey(key string) (account, id string, old bool) {
	account, id, found := strings.Cut(key, "\x00")
	if !found {
		return "", key, true
	}
	return account, id, false
}

// validKey reports whether there can be such a task.
func validKey(key []byte) bool {
	account, id, found := bytes.Cut(key, []byte{0})
	if !found { // of format 1
		return kie.ValidID(string(key))
	}
	return kie.ValidID(string(id)) && validName(string(account)) // which are short enough not to be allocated
}
