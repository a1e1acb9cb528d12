package release

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
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
	run(t, dir, nil, "internal/tools/release/files.sh", "./kie_exporter", ".cache/release")
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

// TestPackagesOfTwoFoldersAreTheSame, byte for byte; `make release-check` sees to that of all platforms and archives, too. They are
// as large as docs/releasing.md says.
func TestPackagesOfTwoFoldersAreTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
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
	}
}

// TestPackagedUnitIsTheOneOfDeploy but for where the program is.
func TestPackagedUnitIsTheOneOfDeploy(t *testing.T) {
	dir := clone(t, t.TempDir())
	program := filepath.Join(dir, "program")
	write(t, program, "#!/bin/sh\necho\n", 0o700)
	run(t, dir, nil, "internal/tools/release/files.sh", program, ".cache/release")
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
	write(t, filepath.Join(folder, "old.deb"), string(pack(t, build(t, dir, "0.1.0"), "deb")), 0o600)
	later := build(t, dir, "0.1.1")
	write(t, filepath.Join(folder, "new.deb"), string(pack(t, later, "deb")), 0o600)
	write(t, filepath.Join(folder, "new.rpm"), string(pack(t, later, "rpm")), 0o600)
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

// TestRPMHoldsWhatIsNeeded lists the rpm and unpacks it, with rpm's own tools.
func TestRPMHoldsWhatIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	for _, name := range []string{"rpm", "rpm2cpio", "cpio"} {
		has(t, name)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "kie-exporter.rpm")
	write(t, file, string(pack(t, build(t, clone(t, t.TempDir()), "0.1.0"), "rpm")), 0o600)
	listed := run(t, dir, nil, "rpm", "-qp", "--dbpath", dir, "--qf", `[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILENAMES}\n]`, file)
	for _, want := range []string{
		"drwxr-s--- root kie_exporter  /etc/kie_exporter\n",
		"-rw-r----- root kie_exporter cn /etc/kie_exporter/kie_exporter.yml\n",
		"-rw-r--r-- root root cn /etc/default/kie_exporter\n",
		"-rwxr-xr-x root root  /usr/bin/kie_exporter\n",
		"-rw-r--r-- root root  /usr/lib/systemd/system/kie_exporter.service\n",
		"-rw-r--r-- root root  /usr/lib/sysusers.d/kie_exporter.conf\n",
		"-rw-r--r-- root root  /usr/share/man/man1/kie_exporter.1.gz\n",
		"-rw-r--r-- root root  /usr/share/kie_exporter/alerts/kie_exporter.alerts.yml\n",
		"-rw-r--r-- root root  /usr/share/kie_exporter/dashboards/kie-overview.json\n",
	} {
		if !strings.Contains(listed, want) {
			t.Errorf("no %sin\n%s", want, listed)
		}
	}
	run(t, dir, nil, "rpm", "--checksig", "--nosignature", file)
	// rpm2cpio's own exit code is 1, as nfpm's header tells another size of the archive; the digests above are of its whole content.
	run(t, dir, nil, "bash", "-c", "rpm2cpio kie-exporter.rpm | cpio --extract --quiet --make-directories --no-absolute-filenames")
	if got := ask(t, filepath.Join(dir, "usr/bin/kie_exporter")); got.version != "0.1.0" {
		t.Errorf("the program in the rpm says %+v", got)
	}
}
