package contents

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/blakesmith/ar"
)

// packed is what an archive or a package holds.
type packed struct {
	entries map[string]Entry
	program []byte
	// What only packages have: their scripts, by the names of the format, and the version and processor they are for.
	scripts       map[string]string
	version, arch string
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

func sumOf(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return sum(text), nil
}

// readTar reads an archive, or that part of a deb. The program is the file of that name.
func readTar(r io.Reader, program string) (packed, error) {
	p := packed{entries: make(map[string]Entry)}
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return p, err
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return p, err
		}
		name := path.Clean(header.Name)
		e := Entry{Mode: header.FileInfo().Mode(), Owner: header.Uname + " " + header.Gname}
		if !e.Mode.IsDir() {
			e.Sum = sum(text)
		}
		if name == program {
			p.program = text
		}
		p.entries[name] = e
	}
}

// readZip reads an archive for Windows, which has no owners.
func readZip(file, program string) (packed, error) {
	p := packed{entries: make(map[string]Entry)}
	files, err := zip.OpenReader(file)
	if err != nil {
		return p, err
	}
	defer func() { _ = files.Close() }()
	for _, f := range files.File {
		opened, err := f.Open()
		if err != nil {
			return p, err
		}
		text, err := io.ReadAll(opened)
		if err = errors.Join(err, opened.Close()); err != nil {
			return p, err
		}
		if f.Name == program {
			p.program = text
		}
		p.entries[path.Clean(f.Name)] = Entry{Mode: f.Mode(), Owner: "root root", Sum: sum(text)}
	}
	return p, nil
}

// readDeb reads a package of Debian.
func readDeb(file string) (packed, error) {
	opened, err := os.Open(file)
	if err != nil {
		return packed{}, err
	}
	defer func() { _ = opened.Close() }()
	var p packed
	control := make(map[string]string)
	for parts := ar.NewReader(opened); ; {
		header, err := parts.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p, err
		}
		switch strings.TrimSuffix(header.Name, "/") {
		case "control.tar.gz":
			err = readControl(parts, control)
		case "data.tar.gz":
			p, err = readTar(parts, "usr/bin/kie_exporter")
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", header.Name, err)
		}
	}
	return p, p.describe(control)
}

// readControl reads what a deb says of itself into the map, by the names of files.
func readControl(r io.Reader, control map[string]string) error {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		control[path.Clean(header.Name)] = string(text)
	}
}

// describe adds what a deb says of itself, and has paths begin with a slash, as rpm has them.
func (p *packed) describe(control map[string]string) error {
	entries := make(map[string]Entry)
	for name, e := range p.entries {
		entries["/"+name] = e
	}
	for name := range strings.FieldsSeq(control["conffiles"]) {
		e, ok := entries[name]
		if !ok {
			return fmt.Errorf("%s is a conffile and not there", name)
		}
		e.Config = true
		entries[name] = e
	}
	p.entries = entries
	for line := range strings.Lines(control["control"]) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
		case "Version":
			p.version = value
		case "Architecture":
			p.arch = value
		}
	}
	for _, name := range []string{"control", "conffiles", "md5sums"} {
		delete(control, name)
	}
	p.scripts = control
	return nil
}

// readRPM has rpm tell what a package holds; the program itself is not unpacked.
func readRPM(ctx context.Context, file string) (packed, error) {
	p := packed{entries: make(map[string]Entry), scripts: make(map[string]string)}
	var format strings.Builder
	format.WriteString(`%{VERSION}-%{RELEASE} %{ARCH}` + part +
		`[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} \[%{FILEFLAGS:fflags}\] \[%{FILEDIGESTS}\] %{FILENAMES}\n]`)
	names := slices.Sorted(maps.Keys(scripts["rpm"]))
	for _, name := range names {
		format.WriteString(part + "%{" + name + "}")
	}
	c := exec.CommandContext(ctx, "rpm", "-qp", "--nosignature", "--dbpath", os.TempDir(), "--qf", format.String(), file) //nolint:gosec // ours
	var stderr bytes.Buffer
	c.Stderr = &stderr
	said, err := c.Output()
	if err != nil {
		return p, fmt.Errorf("rpm -qp %s: %w\n%s", file, err, stderr.Bytes())
	}
	parts := strings.Split(string(said), part)
	if len(parts) != 2+len(names) {
		return p, fmt.Errorf("rpm -qp %s: %d parts", file, len(parts))
	}
	p.version, p.arch, _ = strings.Cut(parts[0], " ")
	for line := range strings.Lines(parts[1]) {
		if err := p.addRPMFile(strings.TrimSuffix(line, "\n")); err != nil {
			return p, fmt.Errorf("%s: %w", file, err)
		}
	}
	for i, name := range names {
		p.scripts[name] = parts[2+i]
	}
	return p, nil
}

// part divides what rpm is asked for: a character that no text has.
const part = "\x1e"

// addRPMFile takes a line of what rpm tells.
func (p *packed) addRPMFile(line string) error {
	f := strings.Split(line, " ")
	if len(f) != 6 {
		return fmt.Errorf("rpm says %q", line)
	}
	if want := rpmKind(f[5]); want != "" && f[3] != want {
		return fmt.Errorf("%s has the flags %s, want %s", f[5], f[3], want)
	}
	bits, err := strconv.ParseUint(f[0], 8, 32)
	if err != nil {
		return err
	}
	e := Entry{Mode: fs.FileMode(bits & 0o777), Owner: f[1] + " " + f[2], Config: f[3] == "[cn]", Sum: strings.Trim(f[4], "[]")}
	if bits&0o170000 == 0o040000 {
		e.Mode |= fs.ModeDir
	}
	if bits&0o2000 != 0 {
		e.Mode |= fs.ModeSetgid
	}
	p.entries[f[5]] = e
	return nil
}

// rpmKind returns the flag of what rpm lists apart: licences (rpm -qL) and documentation (rpm -qd), which it can leave out, too.
func rpmKind(name string) string {
	switch {
	case name == "/usr/share/doc/kie-exporter/copyright", name == "/usr/share/doc/kie-exporter/THIRD_PARTY_LICENSES":
		return "[l]"
	case strings.HasPrefix(name, "/usr/share/doc/"), strings.HasPrefix(name, "/usr/share/man/"):
		return "[d]"
	}
	return ""
}
