// The command for Docker; the compose setup has its tests in test/e2e.

package deploy_test

import (
	"regexp"
	"strings"
	"testing"
)

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
	if !strings.HasSuffix(command, " kie_exporter --storage.path=/home/nonroot/data") {
		t.Errorf("%q does not keep what is known in its volume", command)
	}
}
