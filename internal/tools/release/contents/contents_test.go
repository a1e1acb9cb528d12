package contents

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// put writes a file and the folders that lead to it.
func put(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// repository makes a folder with all that archives are made of.
func repository(t *testing.T) Source {
	t.Helper()
	s := Source{Folder: t.TempDir(), Version: "0.2.0-rc.1"}
	for _, p := range inArchive {
		for _, name := range []string{"one", "another"} {
			put(t, filepath.Join(s.Folder, strings.ReplaceAll(p.from, "*", name)), []byte(p.from+name))
		}
	}
	return s
}

// files returns what an archive of the repository holds.
func files(t *testing.T, s Source, p platform, program []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{p.program(): program}
	for _, pattern := range inArchive {
		found, err := filepath.Glob(filepath.Join(s.Folder, pattern.from))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			name := pattern.to
			if strings.HasSuffix(name, "/") {
				name += filepath.Base(file)
			}
			if all[name], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func mode(name string) int64 {
	if strings.HasPrefix(name, "kie_exporter") && !strings.Contains(strings.TrimSuffix(name, ".exe"), ".") {
		return 0o755
	}
	return 0o644
}

// pack makes an archive.
func pack(t *testing.T, file, folder, owner string, files map[string][]byte) {
	t.Helper()
	var b bytes.Buffer
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasSuffix(file, ".zip") {
		z := zip.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			h := &zip.FileHeader{Name: folder + "/" + name}
			h.SetMode(fs.FileMode(mode(name))) //nolint:gosec // permissions
			w, err := z.CreateHeader(h)
			check(err)
			_, err = w.Write(files[name])
			check(err)
		}
		check(z.Close())
	} else {
		g, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
		check(err)
		z := tar.NewWriter(g)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			check(z.WriteHeader(&tar.Header{Name: folder + "/" + name, Mode: mode(name), Uname: owner, Gname: owner, Size: int64(len(files[name]))}))
			_, err = z.Write(files[name])
			check(err)
		}
		check(z.Close())
		check(g.Close())
	}
	put(t, file, b.Bytes())
}

// wants fails unless a fault says each of these, or there is none if none is wanted.
func wants(t *testing.T, name string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: found are %v, want %q", name, err, want)
	}
}

func TestArchiveThatLacksAFileIsFound(t *testing.T) {
	s, program := repository(t), []byte("program")
	for _, p := range []platform{platforms[4], platforms[6]} {
		file := filepath.Join(t.TempDir(), s.archiveName(p))
		try := func(name, want string, change func(map[string][]byte)) {
			t.Helper()
			all := files(t, s, p, program)
			change(all)
			pack(t, file, s.archiveFolder(p), "root", all)
			_, err := s.archive(file, p)
			wants(t, p.name+" "+name, err, want)
		}
		try("as it should be", "", func(map[string][]byte) {})
		for name := range files(t, s, p, program) {
			try("without "+name, name+" is missing", func(all map[string][]byte) { delete(all, name) })
		}
		try("with more", "secret is too much", func(all map[string][]byte) { all["secret"] = nil })
		try("with another one", "LICENSE is not what it was made of", func(all map[string][]byte) { all["LICENSE"] = nil })
	}
	p := platforms[4]
	file := filepath.Join(t.TempDir(), s.archiveName(p))
	pack(t, file, s.archiveFolder(p), "somebody", files(t, s, p, program))
	_, err := s.archive(file, p)
	wants(t, "of another owner", err, "of somebody somebody")
}

func TestSBOMOfSomethingElseIsFound(t *testing.T) {
	s := Source{Version: "0.2.0-rc.1"}
	built := &buildinfo.BuildInfo{
		GoVersion: "go1.26.8", Main: debug.Module{Path: "program"}, Deps: []*debug.Module{{Path: "library", Version: "v1.2.3"}},
		Settings: []debug.BuildSetting{{Key: "GOARCH", Value: "arm64"}, {Key: "GOOS", Value: "darwin"}},
	}
	for _, tt := range []struct {
		want   string
		change func(*bom, *string)
	}{
		{"", func(*bom, *string) {}},
		{"is CycloneDX 1.5", func(b *bom, _ *string) { b.SpecVersion = "1.5" }},
		{"is of program v0.1.0, want program v0.2.0-rc.1", func(b *bom, _ *string) { b.Metadata.Component.Version = "v0.1.0" }},
		{"is not of the program", func(b *bom, _ *string) { b.Metadata.Properties[0].Value = "cd" }},
		{"names the modules map[std:go1.26.8], the", func(b *bom, _ *string) { b.Components = b.Components[:1] }},
		{"names pkg:golang/library@v1.2.3?goarch=amd64&goos=linux&type=module, and", func(b *bom, _ *string) {
			b.Components[1].PURL = "pkg:golang/library@v1.2.3?goarch=amd64&goos=linux&type=module"
		}},
		{"names pkg:golang/program?goarch=arm64&goos=linux&type=module, and", func(b *bom, _ *string) {
			b.Metadata.Component.PURL = "pkg:golang/program?goarch=arm64&goos=linux&type=module"
		}},
		{"does not have library v1.2.3", func(_ *bom, licences *string) { *licences = "" }},
	} {
		const platform = "?goarch=arm64&goos=darwin&type=module"
		licences := "text\n==== library v1.2.3\ntext"
		b := bom{BOMFormat: "CycloneDX", SpecVersion: "1.6", Components: []component{
			{"std", "go1.26.8", "pkg:golang/std@go1.26.8" + platform}, {"library", "v1.2.3", "pkg:golang/library@v1.2.3" + platform},
		}}
		b.Metadata.Component = component{"program", "v0.2.0-rc.1", "pkg:golang/program@v0.2.0-rc.1" + platform}
		b.Metadata.Properties = []property{{"cdx:gomod:binary:hash:SHA-256", "ab"}}
		tt.change(&b, &licences)
		wants(t, "sbom", s.describes(b, built, "ab", licences), tt.want)
	}
}

func TestChartOfAnotherVersionIsFound(t *testing.T) {
	s := repository(t)
	put(t, filepath.Join(s.Folder, "deploy/helm/kie-exporter/Chart.yaml"), []byte("a: b\nversion: 0.1.0\nappVersion: 0.1.0\n"))
	put(t, filepath.Join(s.Folder, "deploy/helm/kie-exporter/templates/a.yaml"), []byte("text"))
	put(t, filepath.Join(s.Folder, "deploy/helm/kie-exporter/README.md"), []byte("[b](b.md)"))
	file := filepath.Join(t.TempDir(), s.chartName())
	try := func(name, want, version string, change func(map[string][]byte)) {
		t.Helper()
		all := map[string][]byte{"Chart.yaml": []byte("a: b\nversion: " + version + "\nappVersion: " + version + "\n"), "templates/a.yaml": []byte("text"), "README.md": []byte("[b](https://example.com/b.md)")}
		change(all)
		pack(t, file, "kie-exporter", "", all)
		wants(t, name, s.chart(file), want)
	}
	try("as it should be", "", s.Version, func(map[string][]byte) {})
	try("another version", "does not say appVersion: 0.2.0-rc.1", "0.1.0", func(map[string][]byte) {})
	try("a file less", "templates/a.yaml is missing", s.Version, func(all map[string][]byte) { delete(all, "templates/a.yaml") })
}

func TestChecksumsOfOtherFilesAreFound(t *testing.T) {
	s := repository(t)
	dist := t.TempDir()
	lines := []string{sum(nil) + "  " + s.chartName()}
	for _, p := range platforms {
		lines = append(lines, sum(nil)+"  "+s.archiveName(p), sum(nil)+"  "+s.sbomName(p))
		if p.deb != "" {
			lines = append(lines, sum(nil)+"  "+s.debName(p), sum(nil)+"  "+s.rpmName(p))
		}
	}
	for _, line := range lines {
		put(t, filepath.Join(dist, strings.Fields(line)[1]), nil)
	}
	for want, lines := range map[string][]string{
		"": lines,
		"sha256sums.txt: kie-exporter-0.2.0-rc.1.tgz is missing":                                  lines[1:],
		"sha256sums.txt: kie-exporter-0.2.0-rc.1.tgz has another":                                 slices.Concat([]string{sum([]byte("a")) + "  " + s.chartName()}, lines[1:]),
		"sha256sums.txt: secret is too much":                                                      slices.Concat(lines, []string{sum(nil) + "  secret"}),
		`sha256sums.txt: "kie-exporter_0.2.0~rc.1_amd64.deb" has characters that GitHub replaces`: slices.Concat(lines, []string{sum(nil) + "  kie-exporter_0.2.0~rc.1_amd64.deb"}),
	} {
		put(t, filepath.Join(dist, "sha256sums.txt"), []byte(strings.Join(lines, "\n")+"\n"))
		wants(t, "checksums", s.checksums(dist), want)
	}
}
