// Package contents says what each file of a release holds, and tells what is missing, too much, or other than it should be.
package contents

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// Entry is a file or folder in an archive or a package.
type Entry struct {
	Mode   fs.FileMode // with ModeDir, ModeSetgid
	Owner  string      // "user group"
	Config bool        // an upgrade keeps what a user made of it
	Sum    string      // SHA-256, in hex; empty for a folder
}

// Source is what a release is made of.
type Source struct {
	Folder  string // of the repository, with .cache/release made by files.sh
	Version string
}

// made is where files.sh puts what it makes.
const made = ".cache/release/"

// pattern is a file of the repository, or several, and the folder or the name that it has elsewhere.
type pattern struct {
	from, to string
	entry    Entry
}

var (
	plain   = Entry{Mode: 0o644, Owner: "root root"}
	program = Entry{Mode: 0o755, Owner: "root root"}
)

// inArchive is what all archives hold beside the program, in a folder with the archive's name.
var inArchive = []pattern{
	{"LICENSE", "LICENSE", plain},
	{made + "README.md", "README.md", plain},
	{made + "CHANGELOG.md", "CHANGELOG.md", plain},
	{made + "THIRD_PARTY_LICENSES", "THIRD_PARTY_LICENSES", plain},
	{made + "kie_exporter.1", "kie_exporter.1", plain},
	{made + "completions/kie_exporter.bash", "completions/kie_exporter.bash", plain},
	{made + "completions/_kie_exporter", "completions/_kie_exporter", plain},
	{"config/kie_exporter.example.yml", "kie_exporter.example.yml", plain},
	{"config/kie_exporter.schema.json", "kie_exporter.schema.json", plain},
	{"dashboards/*.json", "dashboards/", plain},
	{"alerts/*.yml", "alerts/", plain},
	{"deploy/systemd/*", "systemd/", plain},
}

// inPackage is what deb and rpm hold beside the program and what inDeb or inRPM has.
var inPackage = []pattern{
	{"deploy/packages/kie_exporter.default", "/etc/default/kie_exporter", Entry{Mode: 0o644, Owner: "root root", Config: true}},
	{made + "kie_exporter.service", "/usr/lib/systemd/system/kie_exporter.service", plain},
	{"deploy/systemd/kie_exporter.socket", "/usr/lib/systemd/system/kie_exporter.socket", plain},
	{"deploy/packages/kie_exporter.sysusers", "/usr/lib/sysusers.d/kie_exporter.conf", plain},
	{made + "kie_exporter.1.gz", "/usr/share/man/man1/kie_exporter.1.gz", plain},
	{made + "completions/kie_exporter.bash", "/usr/share/bash-completion/completions/kie_exporter", plain},
	{"LICENSE", "/usr/share/doc/kie-exporter/copyright", plain},
	{made + "THIRD_PARTY_LICENSES", "/usr/share/doc/kie-exporter/THIRD_PARTY_LICENSES", plain},
	{made + "README.md", "/usr/share/doc/kie-exporter/README.md", plain},
	{made + "CHANGELOG.md", "/usr/share/doc/kie-exporter/CHANGELOG.md", plain},
	{"config/kie_exporter.example.yml", "/usr/share/doc/kie-exporter/examples/kie_exporter.example.yml", plain},
	{"config/kie_exporter.schema.json", "/usr/share/kie_exporter/kie_exporter.schema.json", plain},
	{"dashboards/*.json", "/usr/share/kie_exporter/dashboards/", plain},
	{"alerts/*.yml", "/usr/share/kie_exporter/alerts/", plain},
}

// inDeb belongs to root until postinst gives it to the service's group.
var inDeb = []pattern{
	{"", "/etc/kie_exporter", Entry{Mode: fs.ModeDir | 0o750, Owner: "root root"}},
	{"", "/etc/kie_exporter/tasks", Entry{Mode: fs.ModeDir | 0o750, Owner: "root root"}},
	{"deploy/systemd/kie_exporter.yml", "/etc/kie_exporter/kie_exporter.yml", Entry{Mode: 0o640, Owner: "root root", Config: true}},
	{made + "completions/_kie_exporter", "/usr/share/zsh/vendor-completions/_kie_exporter", plain},
}

var inRPM = []pattern{
	{"", "/etc/kie_exporter", Entry{Mode: fs.ModeDir | fs.ModeSetgid | 0o750, Owner: "root kie_exporter"}},
	{"", "/etc/kie_exporter/tasks", Entry{Mode: fs.ModeDir | fs.ModeSetgid | 0o750, Owner: "root kie_exporter"}},
	{"deploy/systemd/kie_exporter.yml", "/etc/kie_exporter/kie_exporter.yml", Entry{Mode: 0o640, Owner: "root kie_exporter", Config: true}},
	{made + "completions/_kie_exporter", "/usr/share/zsh/site-functions/_kie_exporter", plain},
}

// Scripts of the packages, by the names that deb and rpm have for them, and where they are.
var scripts = map[string]map[string]string{
	"deb": {"postinst": "deploy/packages/deb-postinst.sh", "prerm": "deploy/packages/deb-prerm.sh", "postrm": "deploy/packages/deb-postrm.sh"},
	"rpm": {
		"PREIN": "deploy/packages/rpm-preinstall.sh", "POSTIN": "deploy/packages/rpm-postinstall.sh",
		"PREUN": "deploy/packages/rpm-preremove.sh", "POSTUN": "deploy/packages/rpm-postremove.sh",
	},
}

// wanted returns what patterns name, by the path that it has elsewhere.
func (s Source) wanted(patterns ...pattern) (map[string]Entry, error) {
	entries := make(map[string]Entry)
	for _, p := range patterns {
		if p.entry.Mode.IsDir() {
			entries[p.to] = p.entry
			continue
		}
		files, err := filepath.Glob(filepath.Join(s.Folder, p.from))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("the repository has no %s", p.from)
		}
		for _, file := range files {
			to := p.to
			if strings.HasSuffix(to, "/") {
				to = path.Join(to, filepath.Base(file))
			}
			e := p.entry
			if e.Sum, err = sumOf(file); err != nil {
				return nil, err
			}
			entries[to] = e
		}
	}
	return entries, nil
}

// platform is what the program is built for, by the names that archives and packages have for it.
type platform struct{ name, archive, deb, rpm string }

var platforms = []platform{
	{"linux-amd64", ".tar.gz", "amd64", "x86_64"},
	{"linux-arm64", ".tar.gz", "arm64", "aarch64"},
	{"linux-armv7", ".tar.gz", "armhf", "armv7hl"},
	{"linux-s390x", ".tar.gz", "s390x", "s390x"},
	{"darwin-amd64", ".tar.gz", "", ""},
	{"darwin-arm64", ".tar.gz", "", ""},
	{"windows-amd64", ".zip", "", ""},
	{"freebsd-amd64", ".tar.gz", "", ""},
}

// program returns the program's name.
func (p platform) program() string {
	if strings.HasPrefix(p.name, "windows") {
		return "kie_exporter.exe"
	}
	return "kie_exporter"
}

// archiveFolder returns the name of an archive without its ending, which is that of the folder in it, too.
func (s Source) archiveFolder(p platform) string { return "kie_exporter-" + s.Version + "." + p.name }

func (s Source) archiveName(p platform) string { return s.archiveFolder(p) + p.archive }
func (s Source) sbomName(p platform) string    { return s.archiveFolder(p) + ".cdx.json" }
func (s Source) chartName() string             { return "kie-exporter-" + s.Version + ".tgz" }

func (s Source) debName(p platform) string {
	return "kie-exporter_" + s.Version + "_" + p.deb + ".deb"
}

func (s Source) rpmName(p platform) string {
	return "kie-exporter-" + strings.ReplaceAll(s.rpmVersion(), "~", "-") + "-1." + p.rpm + ".rpm"
}

// debVersion returns the version as dpkg compares it: a pre-release is lower than what it precedes.
func (s Source) debVersion() string { return strings.Replace(s.Version, "-", "~", 1) }

func (s Source) rpmVersion() string { return strings.ReplaceAll(s.debVersion(), "-", "_") }
