package contents

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Release finds what is wrong with the files of a release in a folder.
func (s Source) Release(ctx context.Context, dist string) error {
	faults := []error{s.checksums(dist), s.generated(), s.chart(filepath.Join(dist, s.chartName()))}
	for _, p := range platforms {
		faults = append(faults, s.platform(ctx, dist, p))
	}
	return errors.Join(faults...)
}

// platform finds what is wrong with what there is for one platform: all of it holds the program that the SBOM is of.
func (s Source) platform(ctx context.Context, dist string, p platform) error {
	program, err := s.archive(filepath.Join(dist, s.archiveName(p)), p)
	if program == nil {
		return err
	}
	faults := []error{err, s.sbom(filepath.Join(dist, s.sbomName(p)), program), s.says(ctx, p, program)}
	if p.deb != "" {
		faults = append(faults,
			s.Deb(filepath.Join(dist, s.debName(p)), p.deb, program),
			s.RPM(ctx, filepath.Join(dist, s.rpmName(p)), p.rpm, program))
	}
	return errors.Join(faults...)
}

// compare tells what is missing, too much, or otherwise than wanted. Folders that only lead to others don't matter.
func compare(what string, got, want map[string]Entry) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", what, fmt.Sprintf(format, args...)))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		is, ok := got[name]
		switch wanted := want[name]; {
		case !ok:
			fault("%s is missing", name)
		case is.Sum != wanted.Sum:
			fault("%s is not what it was made of", name)
		case is != wanted:
			fault("%s is %v of %s, to be kept: %t; want %v of %s, to be kept: %t", name,
				is.Mode, is.Owner, is.Config, wanted.Mode, wanted.Owner, wanted.Config)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok && !got[name].Mode.IsDir() {
			fault("%s is too much", name)
		}
	}
	return errors.Join(faults...)
}

// archive finds what is wrong with an archive, and returns the program in it.
func (s Source) archive(file string, p platform) ([]byte, error) {
	folder := s.archiveFolder(p) + "/"
	read := func() (packed, error) {
		if p.archive == ".zip" {
			return readZip(file, folder+p.program())
		}
		opened, err := os.Open(file)
		if err != nil {
			return packed{}, err
		}
		defer func() { _ = opened.Close() }()
		return readTar(opened, folder+p.program())
	}
	got, err := read()
	if err != nil {
		return nil, err
	}
	wanted, err := s.wanted(inArchive...)
	if err != nil {
		return nil, err
	}
	below := make(map[string]Entry)
	for name, e := range wanted {
		below[folder+name] = e
	}
	e := program
	e.Sum = sum(got.program)
	below[folder+p.program()] = e
	return got.program, compare(filepath.Base(file), got.entries, below)
}

// Deb finds what is wrong with a package of Debian that holds a program for a processor.
func (s Source) Deb(file, arch string, program []byte) error {
	got, err := readDeb(file)
	if err != nil {
		return err
	}
	return s.pack(file, "deb", got, append(inDeb, inPackage...), s.debVersion()+" "+arch, program)
}

// RPM finds what is wrong with an rpm that holds a program for a processor.
func (s Source) RPM(ctx context.Context, file, arch string, program []byte) error {
	got, err := readRPM(ctx, file)
	if err != nil {
		return err
	}
	return s.pack(file, "rpm", got, append(inRPM, inPackage...), s.rpmVersion()+"-1 "+arch, program)
}

// pack finds what is wrong with a package of which is known what it holds. About is its version and processor.
func (s Source) pack(file, format string, got packed, patterns []pattern, about string, text []byte) error {
	want, err := s.wanted(patterns...)
	if err != nil {
		return err
	}
	e := program
	e.Sum = sum(text)
	want["/usr/bin/kie_exporter"] = e
	name := filepath.Base(file)
	faults := []error{compare(name, got.entries, want)}
	if is := got.version + " " + got.arch; is != about {
		faults = append(faults, fmt.Errorf("%s: is of %s, want %s", name, is, about))
	}
	for script, from := range scripts[format] {
		text, err := os.ReadFile(filepath.Join(s.Folder, from))
		if err != nil {
			return err
		}
		if strings.TrimSpace(got.scripts[script]) != strings.TrimSpace(string(text)) {
			faults = append(faults, fmt.Errorf("%s: %s is not %s", name, script, from))
		}
	}
	for script := range got.scripts {
		if scripts[format][script] == "" {
			faults = append(faults, fmt.Errorf("%s: %s is too much", name, script))
		}
	}
	return errors.Join(faults...)
}

// chart finds what is wrong with the Helm chart: it is the one of the repository, as of this version.
func (s Source) chart(file string) error {
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	got, err := readTar(opened, "kie-exporter/Chart.yaml")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	want := make(map[string]Entry)
	helm := filepath.Join(s.Folder, "deploy/helm")
	err = filepath.WalkDir(filepath.Join(helm, "kie-exporter"), func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		e := Entry{Mode: 0o644, Owner: " "}
		if e.Sum, err = sumOf(path); err != nil {
			return err
		}
		name, err := filepath.Rel(helm, path)
		want[filepath.ToSlash(name)] = e
		return err
	})
	if err != nil {
		return err
	}
	// The version is put into one, and into the links of the other.
	for _, name := range []string{"kie-exporter/Chart.yaml", "kie-exporter/README.md"} {
		e := want[name]
		e.Sum = got.entries[name].Sum
		want[name] = e
	}
	err = compare(filepath.Base(file), got.entries, want)
	for _, line := range []string{"version: " + s.Version, "appVersion: " + strings.ReplaceAll(s.Version, "+", "-")} {
		if !strings.Contains(string(got.program), "\n"+line+"\n") {
			err = errors.Join(err, fmt.Errorf("%s: Chart.yaml does not say %s", filepath.Base(file), line))
		}
	}
	return err
}

// generated finds what is wrong with what files.sh made: that archives and packages hold the same, compare sees to.
func (s Source) generated() error {
	const linked = `\]\(https://github\.com/kie-exporter/kie_exporter/blob/[^)/]+/docs/configuration\.md\)`
	var faults []error
	for name, pattern := range map[string]string{
		"kie_exporter.1":                `(?m)^\.TH KIE_EXPORTER 1 .*` + strings.ReplaceAll(regexp.QuoteMeta(s.Version), "-", `\\+-`),
		"completions/kie_exporter.bash": `(?m)^complete .* kie_exporter$`,
		"completions/_kie_exporter":     `^#compdef kie_exporter\n`,
		"kie_exporter.service":          `(?m)^ExecStart=/usr/bin/kie_exporter\b`,
		"README.md":                     linked,
		"CHANGELOG.md":                  linked,
	} {
		text, err := os.ReadFile(filepath.Join(s.Folder, made, name))
		if err != nil {
			return err
		}
		if !regexp.MustCompile(pattern).Match(text) {
			faults = append(faults, fmt.Errorf("%s has nothing like %s", name, pattern))
		}
	}
	return errors.Join(append(faults, s.manual())...)
}

// manual finds out whether the packages' manual page is the archives'.
func (s Source) manual() error {
	zipped, err := os.Open(filepath.Join(s.Folder, made, "kie_exporter.1.gz"))
	if err != nil {
		return err
	}
	defer func() { _ = zipped.Close() }()
	reader, err := gzip.NewReader(zipped)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	plain, err := os.ReadFile(filepath.Join(s.Folder, made, "kie_exporter.1"))
	if err == nil && !bytes.Equal(plain, text) {
		err = errors.New("kie_exporter.1.gz is not kie_exporter.1")
	}
	return err
}

// says finds out whether the program says the version, where it can run.
func (s Source) says(ctx context.Context, p platform, program []byte) error {
	if p.name != runtime.GOOS+"-"+runtime.GOARCH {
		return nil
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "kie_exporter")
	if err := os.WriteFile(file, program, 0o700); err != nil { //nolint:gosec // it is run
		return err
	}
	said, err := exec.CommandContext(ctx, file, "--version").Output() //nolint:gosec // the release's own
	if want := "kie_exporter, version " + s.Version + " "; err == nil && !strings.HasPrefix(string(said), want) {
		return fmt.Errorf("%s: the program says %q, want %q", s.archiveName(p), said, want)
	}
	return err
}

// bom is what matters here of an SBOM.
type bom struct {
	BOMFormat   string `json:"bomFormat"`
	SpecVersion string `json:"specVersion"`
	Metadata    struct {
		Component  component  `json:"component"`
		Properties []property `json:"properties"`
	} `json:"metadata"`
	Components []component `json:"components"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type component struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
}

// sbom finds what is wrong with an SBOM: it is of this version and this program, and names the modules that the program is built of.
// Each of them is in THIRD_PARTY_LICENSES, too.
func (s Source) sbom(file string, program []byte) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var b bom
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	built, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	licences, err := os.ReadFile(filepath.Join(s.Folder, made, "THIRD_PARTY_LICENSES"))
	if err != nil {
		return err
	}
	if err := s.describes(b, built, sum(program), string(licences)); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return nil
}

// describes finds what an SBOM and the licences say otherwise than the program itself.
func (s Source) describes(b bom, built *buildinfo.BuildInfo, program, licences string) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if is := b.BOMFormat + " " + b.SpecVersion; is != "CycloneDX 1.6" {
		fault("is %s", is)
	}
	if is := b.Metadata.Component; is.Name != built.Main.Path || is.Version != "v"+s.Version {
		fault("is of %s %s, want %s v%s", is.Name, is.Version, built.Main.Path, s.Version)
	}
	query := fmt.Sprintf("?goarch=%s&goos=%s&", setting(built, "GOARCH"), setting(built, "GOOS"))
	for _, c := range append(slices.Clone(b.Components), b.Metadata.Component) {
		if !strings.Contains(c.PURL, query) {
			fault("names %s, and the program is for %s", c.PURL, query)
			break
		}
	}
	if !slices.Contains(b.Metadata.Properties, property{"cdx:gomod:binary:hash:SHA-256", program}) {
		fault("is not of the program in the archive")
	}
	want := map[string]string{"std": built.GoVersion}
	for _, m := range built.Deps {
		want[m.Path] = m.Version
		if !strings.Contains(licences, "\n==== "+m.Path+" "+m.Version+"\n") {
			fault("THIRD_PARTY_LICENSES does not have %s %s", m.Path, m.Version)
		}
	}
	got := make(map[string]string)
	for _, c := range b.Components {
		got[c.Name] = c.Version
	}
	if !maps.Equal(got, want) {
		fault("names the modules %v, the program is built of %v", got, want)
	}
	return errors.Join(faults...)
}

// setting returns what a program was built with.
func setting(built *buildinfo.BuildInfo, key string) string {
	for _, s := range built.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// checksums finds out whether the checksums are those of the files, of all of them and of no others. GitHub stores files with other
// characters in their names under other names.
func (s Source) checksums(dist string) error {
	want := map[string]bool{s.chartName(): true}
	for _, p := range platforms {
		want[s.archiveName(p)], want[s.sbomName(p)] = true, true
		if p.deb != "" {
			want[s.debName(p)], want[s.rpmName(p)] = true, true
		}
	}
	text, err := os.ReadFile(filepath.Join(dist, "sha256sums.txt"))
	if err != nil {
		return err
	}
	var faults []error
	for line := range strings.Lines(string(text)) {
		said, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !want[name] {
			faults = append(faults, fmt.Errorf("sha256sums.txt: %s is too much", name))
		}
		delete(want, name)
		if !regexp.MustCompile(`^[\w.+-]+$`).MatchString(name) {
			faults = append(faults, fmt.Errorf("sha256sums.txt: %q has characters that GitHub replaces", name))
		}
		is, err := sumOf(filepath.Join(dist, name))
		faults = append(faults, err)
		if err == nil && is != said {
			faults = append(faults, fmt.Errorf("sha256sums.txt: %s has another checksum", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		faults = append(faults, fmt.Errorf("sha256sums.txt: %s is missing", name))
	}
	return errors.Join(faults...)
}
