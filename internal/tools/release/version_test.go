package release

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const path = "github.com/kie-exporter/kie_exporter"

// about is what --version says.
type about struct{ version, revision, date string }

// ask returns what a program says of itself.
func ask(t *testing.T, program string) about {
	t.Helper()
	said := run(t, ".", nil, program, "--version")
	found := regexp.MustCompile(`version (\S+) \(branch: \S+, revision: (\S+)\)\n  build user: +\S+\n  build date: +(\S+)\n`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("--version leaves something empty:\n%s", said)
	}
	return about{found[1], found[2], found[3]}
}

// TestEachBuildSaysTheSameVersion really builds in a clone, as people do: the program, the Makefile's script and Go agree.
func TestEachBuildSaysTheSameVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program nine times")
	}
	dir := clone(t, t.TempDir())
	change := func() { write(t, filepath.Join(dir, "README.md"), "changed", 0o600) }
	for _, step := range []struct {
		name   string
		before func()
		flags  string
		want   string // HASH is the start of the commit's hash
	}{
		{"no tag", func() {}, "", "0.0.0-20261129091112-HASH"},
		{"a tag that is no version", func() { git(t, dir, "tag", "nightly") }, "", "0.0.0-20261129091112-HASH"},
		{"a tag", func() { git(t, dir, "tag", "v0.1.0") }, "", "0.1.0"},
		{"files changed at a tag", change, "", "0.1.0+dirty"},
		{"after a tag", func() { git(t, dir, "checkout", "--quiet", "."); commit(t, dir) }, "", "0.1.1-0.20261129091112-HASH"},
		{"files changed after a tag", change, "", "0.1.1-0.20261129091112-HASH+dirty"},
		{"a pre-release", func() {
			git(t, dir, "checkout", "--quiet", ".")
			git(t, dir, "tag", "v0.2.0-rc.1")
		}, "", "0.2.0-rc.1"},
		{"after a pre-release", func() { commit(t, dir) }, "", "0.2.0-rc.1.0.20261129091112-HASH"},
		{"Go does not look", func() {}, "-buildvcs=false", "unknown"},
	} {
		step.before()
		hash := git(t, dir, "rev-parse", "HEAD")
		want := about{strings.ReplaceAll(step.want, "HASH", hash[:12]), hash, "20261129-09:11:12"}
		program := filepath.Join(t.TempDir(), "kie_exporter")
		run(t, dir, []string{"GOFLAGS=-trimpath " + step.flags, "CGO_ENABLED=0"}, "go", "build", "-o", program, ".")
		if step.flags != "" {
			want = about{"unknown", "unknown", "unknown"}
		} else if said := strings.TrimSpace(run(t, dir, nil, "internal/tools/version.sh")); said != want.version {
			t.Errorf("%s: the Makefile says %s, want %s", step.name, said, want.version)
		}
		if got := ask(t, program); got != want {
			t.Errorf("%s: the program says %+v, want %+v", step.name, got, want)
		}
	}
}

// TestGoInstallSaysTheVersion installs the module from a proxy, which the test plays by files.
func TestGoInstallSaysTheVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	const version = "v0.1.0"
	dir, proxy := clone(t, t.TempDir()), t.TempDir()
	files := filepath.Join(proxy, path, "@v")
	if err := os.MkdirAll(files, 0o700); err != nil {
		t.Fatal(err)
	}
	// What has a go.mod of its own is no part of the module.
	git(t, dir, "archive", "--format=zip", "--prefix="+path+"@"+version+"/", "--output="+filepath.Join(files, version+".zip"), "HEAD",
		"--", ".", ":(exclude)internal/tools", ":(exclude)test")
	copyFile(t, filepath.Join(dir, "go.mod"), filepath.Join(files, version+".mod"))
	write(t, filepath.Join(files, "list"), version+"\n", 0o600)
	write(t, filepath.Join(files, version+".info"), `{"Version":"`+version+`","Time":"2026-11-29T09:11:12Z"}`, 0o600)

	// The module cache is another one, as the real one would believe this to be v0.1.0 for ever; others' modules come from there.
	cache := strings.TrimSpace(run(t, repo, nil, "go", "env", "GOMODCACHE"))
	bin := t.TempDir()
	run(t, bin, []string{
		"GOBIN=" + bin, "GOMODCACHE=" + t.TempDir(), "GOFLAGS=-modcacherw -trimpath", "GONOSUMDB=*", "CGO_ENABLED=0",
		"GOPROXY=file://" + proxy + ",file://" + filepath.Join(cache, "cache", "download"),
	}, "go", "install", path+"@"+version)
	if got, want := ask(t, filepath.Join(bin, "kie_exporter")), (about{"0.1.0", "unknown", "unknown"}); got != want {
		t.Errorf("the program says %+v, want %+v", got, want)
	}
}
