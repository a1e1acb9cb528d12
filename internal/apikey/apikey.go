// Package apikey holds keys of the API and of webhooks: where they come from, that they may change, and that nothing ever prints them.
package apikey

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// Variable is the environment variable with the key of a single account that has no file for it.
const Variable = "KIE_API_KEY"

const (
	redacted   = "<secret>"
	maxKeySize = 4 << 10
	keyRecheck = time.Second
)

// Key is an API key that may change while the program runs. Every way of printing it shows <secret>.
type Key struct {
	// A pointer, so that even a Key in an unexported field, where fmt calls no methods, prints as an address.
	held *heldKey
}

type heldKey struct {
	file string // empty: the key never changes
	noun string // what it is in errors: key or token

	last atomic.Pointer[keyRead]

	mu      sync.Mutex // held by the one who looks at the file; the others go on with last
	checked time.Time
}

// keyRead is the last key in force, and what the last look at the file found wrong.
type keyRead struct {
	value string
	err   error
}

// FromFile returns the key in a file, which is read again at most once a second.
// It fails with the file's name if the file holds no key, and never tells what it holds.
func FromFile(path string) (*Key, error) { return fromFile(path, "key") }

// TokenFromFile is FromFile for what is called a token where it can't be read.
func TokenFromFile(path string) (*Key, error) { return fromFile(path, "token") }

// PasswordFromFile is FromFile for what is called a password where it can't be read.
func PasswordFromFile(path string) (*Key, error) { return fromFile(path, "password") }

func fromFile(path, noun string) (*Key, error) {
	value, err := readKey(path)
	if err != nil {
		return nil, fmt.Errorf("%s file %s: %w", noun, document.Readable(path), err)
	}
	h := &heldKey{file: path, noun: noun, checked: time.Now()}
	h.last.Store(&keyRead{value: value})
	return &Key{h}, nil
}

// Static returns a key that never changes, such as that of the environment. It fails if s can't be a key, and never tells s.
func Static(s string) (*Key, error) {
	value, err := cleanKey(s)
	if err != nil {
		return nil, err
	}
	h := &heldKey{}
	h.last.Store(&keyRead{value: value})
	return &Key{h}, nil
}

// Value returns the key, read again if its file has changed. A file that can't be read any more leaves the last key in force.
func (k Key) Value() string { return k.held.read().value }

// Err returns why the key's file can't be read any more, or nil. Like Value it looks at the file if it is time to.
func (k Key) Err() error { return k.held.read().err }

// Equal reports whether two keys come from the same place: one file, whatever it holds, or one text that never changes.
func (k *Key) Equal(other *Key) bool {
	if k == nil || other == nil {
		return k == other
	}
	file := k.held.file
	return file == other.held.file && (file != "" || k.Value() == other.Value())
}

// File returns the key's file; empty if it has none.
func (k *Key) File() string { return k.held.file }

// Origin says in words where the key comes from.
func (k *Key) Origin() string {
	if k.held.file == "" {
		return "from the environment variable " + Variable
	}
	return "read from " + document.Readable(k.held.file)
}

// read returns the last key, after a look at the file unless there was one a second ago or somebody else is at it.
// The file is so small that reading it is simpler than to judge by its times, and misses no change.
func (h *heldKey) read() *keyRead {
	if h.file == "" || !h.mu.TryLock() {
		return h.last.Load()
	}
	defer h.mu.Unlock()
	if time.Since(h.checked) >= keyRecheck {
		next := &keyRead{value: h.last.Load().value}
		if value, err := readKey(h.file); err != nil {
			next.err = fmt.Errorf("%s file %s: %w", h.noun, document.Readable(h.file), err)
		} else {
			next.value = value
		}
		h.last.Store(next)
		h.checked = time.Now()
	}
	return h.last.Load()
}

// Open opens a regular file for reading. It never waits, not even for a writer of a named pipe. An error does not name the file.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, withoutPath(err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		return f, nil
	}
	_ = f.Close()
	if err != nil {
		return nil, withoutPath(err)
	}
	return nil, errors.New("is not a regular file")
}

// readKey returns the key in a regular file.
func readKey(path string) (string, error) {
	f, err := Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxKeySize+1))
	if err != nil {
		return "", withoutPath(err)
	}
	return cleanKey(string(text))
}

// assignment is a key behind its name, as shells, .env files, YAML and headers have it. A name is told from a key by what it says, or by
// its spelling: keys may well hold an equals sign or colon.
var assignment = regexp.MustCompile(`^(export\s+)?((?i:[\w.-]*(key|token|secret|authorization))|[A-Z][A-Z0-9]*_[A-Z0-9_]*)\s*[=:]\s*[^=:\s]`)

// wrappings are what people put around a key, each of which would be sent along with it.
var wrappings = []struct {
	what  string
	found func(s string) bool
}{
	{"a NAME=… line", assignment.MatchString},
	{"the word Bearer, which is added to each request", func(s string) bool {
		word := strings.Fields(s)[0]
		return strings.EqualFold(word, "Bearer") || strings.EqualFold(word, "Authorization:")
	}},
	{"JSON", func(s string) bool { return strings.ContainsRune("{[", rune(s[0])) }},
	{"quotes", func(s string) bool {
		first, _ := utf8.DecodeRuneInString(s)
		last, _ := utf8.DecodeLastRuneInString(s)
		return unicode.In(first, unicode.Quotation_Mark) || unicode.In(last, unicode.Quotation_Mark) || first == '`' || last == '`'
	}},
}

// cleanKey returns s without white space and byte order marks around it.
func cleanKey(s string) (string, error) {
	if len(s) > maxKeySize {
		return "", errors.New("is larger than 4 KiB, which no key is")
	}
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
	if s == "" {
		return "", errors.New("is empty")
	}
	for _, w := range wrappings {
		if w.found(s) {
			return "", fmt.Errorf("holds %s, it must hold the key and nothing else", w.what)
		}
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "", errors.New("holds a space, a control character or a character that is not ASCII, which no key does")
		}
	}
	return s, nil
}

// withoutPath returns the cause of a file error alone; the caller names the file as it sees fit. That there is none is said in the same
// words on each system.
func withoutPath(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return noFile{}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// noFile is fs.ErrNotExist in the words of Unix.
type noFile struct{}

func (noFile) Error() string { return "no such file or directory" }

// Is has the cause found.
func (noFile) Is(target error) bool { return target == fs.ErrNotExist }

// String implements fmt.Stringer.
func (k Key) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (k Key) GoString() string { return redacted }

// Format implements fmt.Formatter.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use too.
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }
