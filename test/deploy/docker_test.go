// The command for Docker; the compose setup has its tests in test/e2e.

package deploy_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// image is how compose files, Dockerfiles, kustomizations and commands name images.
var image = regexp.MustCompile(`(?m)^\s*(?:image: |newTag: |ARG [A-Z_]*IMAGE=|docker build --tag )(\S+)`)

func TestImagesAreNamedByAnExactVersion(t *testing.T) {
	exact := regexp.MustCompile(`^([^:@\s]+:)?v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?(@sha256:[0-9a-f]{64})?$`)
	found := 0
	check := func(path string) {
		for _, m := range image.FindAllStringSubmatch(read(t, path), -1) {
			found++
			if m[1] != "kie_exporter" && !exact.MatchString(m[1]) { // that name gets its version from the kustomization
				t.Errorf("%s: %s is no exact version", path, m[1])
			}
		}
	}
	check(filepath.Join(deploy, "..", "Dockerfile"))
	err := filepath.WalkDir(deploy, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "templates" { // chart_test.go has what they render
			check(path)
		}
		return err
	})
	if err != nil || found < 7 {
		t.Errorf("only %d images looked at: %v", found, err)
	}
}

// BuildKit reads what is behind FROM; a second image would need a version as well.
func TestTheImageIsMadeOfNothingButWhatIsBuilt(t *testing.T) {
	froms := regexp.MustCompile(`(?m)^FROM .*$`).FindAllString(read(t, filepath.Join(deploy, "..", "Dockerfile")), -1)
	if len(froms) != 2 || froms[0] != "FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build" || froms[1] != "FROM scratch" {
		t.Errorf("the Dockerfile's stages are %q", froms)
	}
}

func TestDockerCommandConfinesTheExporter(t *testing.T) {
	command := regexp.MustCompile(`(?m)^docker run (?:.*\\\n)*.*$`).FindString(read(t, deploy+"/README.md"))
	command = strings.Join(strings.Fields(strings.ReplaceAll(command, "\\\n", "")), " ")
	for _, want := range []string{
		" --read-only ", " --user 65532:65532 ", " --cap-drop ALL ", " --security-opt no-new-privileges ",
		" --publish 127.0.0.1:", ":/etc/kie_exporter:ro\" ", " --volume kie_exporter:/home/nonroot ",
	} {
		if !strings.Contains(command, want) {
			t.Errorf("no%sin %q", want, command)
		}
	}
	if !strings.HasSuffix(command, " kie_exporter:0.1.0 --storage.path=/home/nonroot/data") {
		t.Errorf("%q does not keep what is known in its volume", command)
	}
}
