// Where the links of a folder of lists may lead: not out of it, since who can write there may not be allowed to read what we can.

package files

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var (
	errOutside = errors.New("a link that leads out of the pattern's folder, which is not followed")
	errKernel  = errors.New("a file of the kernel, which is no list")
)

// folderOf returns the folder of a pattern, below which all its files must be: what comes before the first name that is one.
func folderOf(path string, glob bool) string {
	if !glob {
		return filepath.Dir(path)
	}
	separator := string(filepath.Separator)
	names := strings.Split(path, separator)
	for i, name := range names {
		plain, ok := unescaped(name)
		if !ok || i == len(names)-1 {
			names = names[:i]
			break
		}
		names[i] = plain
	}
	if folder := strings.Join(names, separator); folder != "" || len(names) == 0 {
		return filepath.Clean(folder)
	}
	return separator
}

// unescaped returns the one name that an element of a pattern matches; ok is false if there may be others.
func unescaped(name string) (plain string, ok bool) {
	if filepath.Separator == '\\' {
		return name, !strings.ContainsAny(name, `*?[`)
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '*', '?', '[':
			return "", false
		case '\\':
			i++
		}
		if i < len(name) {
			b.WriteByte(name[i])
		}
	}
	return b.String(), true
}

// resolve returns a path without symbolic links, absolute, so that two can be compared.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// below checks where a path leads; both are resolved.
func below(folder, target string) error {
	if isKernelPath(target) {
		return errKernel
	}
	if rel, err := filepath.Rel(folder, target); err != nil || !filepath.IsLocal(rel) {
		return errOutside
	}
	return nil
}

func isKernelPath(path string) bool {
	for _, dir := range []string{"/proc", "/sys"} {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

// openBelow opens a file below a folder and follows no link out of it, whatever has become of the path since it was resolved.
// It never waits for a writer, as opening a named pipe would.
func openBelow(folder, target string) (*os.File, error) {
	const flag = os.O_RDONLY | syscall.O_NONBLOCK
	if filepath.Dir(target) == folder { // a folder that we may not list is no hindrance to this
		return os.OpenFile(target, flag|noFollow, 0)
	}
	rel, err := filepath.Rel(folder, target)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // nothing was written
	return root.OpenFile(rel, flag, 0)
}
