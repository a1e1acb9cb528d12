package release

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/tools/release/contents"
)

// made is when everything in the packages was changed last.
func made(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, committed)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// build compiles the program in a clone as the Makefile does for a release, and makes what packages hold besides.
func build(t *testing.T, dir, version string) source {
	t.Helper()
	env := []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "VERSION=" + version, "BRANCH=HEAD", "BUILD_USER=release", "GOFLAGS=-buildvcs=false"}
	run(t, dir, env, "make", "build")
	run(t, dir, nil, "internal/tools/release/files.sh", "./kie_exporter", ".cache/release", version)
	return source{folder: dir, program: filepath.Join(dir, "kie_exporter"), version: version, at: made(t)}
}

// pack makes a package.
func pack(t *testing.T, s source, format string) []byte {
	t.Helper()
	text, err := s.pack(format)
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return text
}

// TestPackagesOfTwoFoldersAreTheSame, byte for byte; `make release-check` sees to that of all platforms and archives, too. They hold
// what they should, and are as large as docs/releasing.md says.
func TestPackagesOfTwoFoldersAreTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	for _, name := range []string{"rpm", "rpm2cpio", "cpio", "zsh"} {
		has(t, name)
	}
	one := build(t, clone(t, t.TempDir()), "0.1.0")
	another := build(t, clone(t, filepath.Join(t.TempDir(), "somewhere", "else")), "0.1.0")
	page, err := os.ReadFile(filepath.Join(repo, "docs/releasing.md"))
	if err != nil {
		t.Fatal(err)
	}
	sizes := regexp.MustCompile(`(?m)^\| linux/amd64 \| [\d.]+ MB \| ([\d.]+) MB \| ([\d.]+) MB \|`).FindSubmatch(page)
	if sizes == nil {
		t.Fatal("docs/releasing.md has no sizes")
	}
	for i, format := range []string{"deb", "rpm"} {
		made := pack(t, one, format)
		if !bytes.Equal(made, pack(t, another, format)) {
			t.Errorf("the %s depends on where it is made", format)
		}
		said, err := strconv.ParseFloat(string(sizes[i+1]), 64)
		if is := float64(len(made)) / 1e6; err != nil || math.Abs(is-said) > said/20 {
			t.Errorf("the %s has %.1f MB, docs/releasing.md says %v; take its table from make release-snapshot", format, is, said)
		}
		if err := missing(t, one, format, made); err != nil {
			t.Error(err)
		}
		if format == "rpm" {
			unpack(t, made)
		}
	}
}

// missing finds what is wrong with a package that was made of something.
func missing(t *testing.T, s source, format string, made []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kie-exporter."+format)
	write(t, file, string(made), 0o600)
	program, err := os.ReadFile(s.program)
	if err != nil {
		t.Fatal(err)
	}
	want := contents.Source{Folder: s.folder, Version: s.version}
	if format == "deb" {
		return want.Deb(file, "amd64", program)
	}
	return want.RPM(t.Context(), file, "x86_64", program)
}

// unpack checks and unpacks an rpm by rpm's own tools, and asks the program in it for its version.
func unpack(t *testing.T, made []byte) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kie-exporter.rpm"), string(made), 0o600)
	run(t, dir, nil, "rpm", "--checksig", "--nosignature", "--dbpath", dir, "kie-exporter.rpm")
	// rpm2cpio's own exit code is 1, as nfpm's header tells another size of the archive; the digests above are of its whole content.
	run(t, dir, nil, "bash", "-c", "rpm2cpio kie-exporter.rpm | cpio --extract --quiet --make-directories --no-absolute-filenames")
	if got := ask(t, filepath.Join(dir, "usr/bin/kie_exporter")); got.version != "0.1.0" {
		t.Errorf("the program in the rpm says %+v", got)
	}
	for shell, script := range completions {
		if got, want := run(t, dir, nil, shell, "-c", script), "--config.check --config.check-strict\n"; got != want {
			t.Errorf("%s completes --config.c to %q, want %q", shell, got, want)
		}
	}
}

// completions complete --config.c once in a shell that has just been started, with the files of an rpm.
var completions = map[string]string{
	"bash": `source usr/share/bash-completion/completions/kie_exporter
		COMP_WORDS=(usr/bin/kie_exporter --config.c) COMP_CWORD=1
		_kie_exporter_bash_autocomplete && echo "${COMPREPLY[@]}"`,
	"zsh": `fpath=(usr/share/zsh/site-functions)
		autoload -Uz _kie_exporter
		compadd() { print -r -- ${(M)${(P)2}:#$words[CURRENT]*} }
		typeset -A compstate=(nmatches 2) && words=(usr/bin/kie_exporter --config.c) && CURRENT=2
		_kie_exporter`,
}

// TestNothingIsMissingUnnoticed takes each line of .goreleaser.yaml that says what packages hold away, and each script: all are missed.
func TestNothingIsMissingUnnoticed(t *testing.T) {
	has(t, "rpm")
	dir := clone(t, t.TempDir())
	s := source{folder: dir, program: filepath.Join(dir, "program"), version: "0.2.0-rc.1", at: made(t)}
	write(t, s.program, "#!/bin/sh\necho\n", 0o700)
	run(t, dir, nil, "internal/tools/release/files.sh", s.program, ".cache/release", s.version)
	recipe := filepath.Join(dir, ".goreleaser.yaml")
	text, err := os.ReadFile(recipe)
	if err != nil {
		t.Fatal(err)
	}
	check := func() error {
		return errors.Join(missing(t, s, "deb", pack(t, s, "deb")), missing(t, s, "rpm", pack(t, s, "rpm")))
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	_, packages, _ := bytes.Cut(text, []byte("\nnfpms:\n"))
	packages, _, _ = bytes.Cut(packages, []byte("\n\n"))
	lines := regexp.MustCompile(`(?m)^ +(- \{.* dst: .*\}|(pre|post)\w+: .*)\n`).FindAll(append(packages, '\n'), -1)
	if len(lines) < 35 {
		t.Fatalf("%d lines say what packages hold", len(lines))
	}
	for _, line := range lines {
		write(t, recipe, string(bytes.Replace(text, line, nil, 1)), 0o600)
		if check() == nil {
			t.Errorf("nobody notices the want of %s", line)
		}
	}
}

// TestPackagedUnitIsTheOneOfDeploy but for where the program is.
func TestPackagedUnitIsTheOneOfDeploy(t *testing.T) {
	dir := clone(t, t.TempDir())
	program := filepath.Join(dir, "program")
	write(t, program, "#!/bin/sh\necho\n", 0o700)
	run(t, dir, nil, "internal/tools/release/files.sh", program, ".cache/release", "0.1.0")
	packaged, err := os.ReadFile(filepath.Join(dir, ".cache/release/kie_exporter.service"))
	if err != nil {
		t.Fatal(err)
	}
	deployed, err := os.ReadFile(filepath.Join(repo, "deploy/systemd/kie_exporter.service"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(packaged, bytes.Replace(deployed, []byte("ExecStart=/usr/local/bin/"), []byte("ExecStart=/usr/bin/"), 1)) {
		t.Error("the packaged unit differs from deploy/systemd/kie_exporter.service by more than the path of the program")
	}
}

// TestPackagedDocumentsLeadToTheRepository as of their version, which has all that is linked.
func TestPackagedDocumentsLeadToTheRepository(t *testing.T) {
	const text = `[a](docs/a.md) [b](docs/b.md#b), [c](#c) [d](https://example.com/d) <img src="docs/e.png"> <source srcset="docs/f.png">`
	link := func(version, folder string) string {
		return run(t, repo, nil, "bash", "-c", `internal/tools/release/links.sh "$1" $2 <<<"$3"`, "bash", version, folder, text)
	}
	for version, ref := range map[string]string{
		"0.1.0": "v0.1.0", "0.2.0-rc.1": "v0.2.0-rc.1",
		"0.0.0-20261129000203-45204ea0b1c2": "45204ea0b1c2", "0.1.1-0.20261129000203-45204ea0b1c2+dirty": "45204ea0b1c2", "0.2.0-rc.1.0.20261129000203-45204ea0b1c2": "45204ea0b1c2",
	} {
		at := "https://github.com/kie-exporter/kie_exporter/"
		want := `[a](` + at + `blob/REF/docs/a.md) [b](` + at + `blob/REF/docs/b.md#b), [c](#c) [d](https://example.com/d) <img src="` + at + `raw/REF/docs/e.png"> <source srcset="` + at + "raw/REF/docs/f.png\">\n"
		if got, want := link(version, ""), strings.ReplaceAll(want, "REF", ref); got != want {
			t.Errorf("%s: they lead to\n%swant\n%s", version, got, want)
		}
	}
	if got := link("0.1.0", "deploy/"); !strings.Contains(got, "/blob/v0.1.0/deploy/docs/a.md)") {
		t.Errorf("from a folder they lead to %s", got)
	}
}

// TestPackagesWorkUnderSystemd installs, starts, upgrades, removes and purges them where systemd runs, and does what the operating manual
// says of the service: steps.sh says what is seen to.
func TestPackagesWorkUnderSystemd(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	for _, name := range []string{"dpkg", "rpm", "systemd-analyze", "unshare"} {
		has(t, name)
	}
	boot := []string{"./boot.sh"}
	if os.Geteuid() != 0 {
		if err := exec.CommandContext(t.Context(), "sudo", "--non-interactive", "true").Run(); err != nil {
			t.Skip("only root can boot systemd in namespaces of its own")
		}
		boot = []string{"sudo", "--non-interactive", "./boot.sh"}
	}
	dir, folder := clone(t, t.TempDir()), t.TempDir()
	for _, of := range []struct{ name, version string }{{"old", "0.1.0"}, {"new", "0.1.1"}} {
		made := build(t, dir, of.version)
		for _, format := range []string{"deb", "rpm"} {
			write(t, filepath.Join(folder, of.name+"."+format), string(pack(t, made, format)), 0o600)
		}
	}
	copyFile(t, "steps.sh", filepath.Join(folder, "steps.sh"))
	manual(t, filepath.Join(folder, "manual"))
	if said := run(t, ".", nil, boot[0], append(boot[1:], folder)...); !strings.HasSuffix(said, "== done\n") {
		t.Errorf("%s", said)
	}
}

// manual puts what the operating manual has one type into a folder: each block that has a name is a file of that name.
func manual(t *testing.T, folder string) {
	t.Helper()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(repo, "docs/operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "page"), string(page), 0o600)
	for _, block := range regexp.MustCompile("(?ms)^```(\\w+ [\\w ]+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		write(t, filepath.Join(folder, block[1]), block[2], 0o600)
	}
}
