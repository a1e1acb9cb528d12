// Package buildinfo completes what the program says of its own version. A release and `make build` have the linker fill in the
// variables of github.com/prometheus/common/version; `go build` and `go install` do not, but record a version and where it is from.
package buildinfo

import (
	"cmp"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/common/version"
)

// unknown is said of what neither the linker nor Go tells.
const unknown = "unknown"

// pseudo matches the end of a version that Go made of a commit without a tag: its time, and the start of its hash.
var pseudo = regexp.MustCompile(`[-.](\d{14})-([0-9a-f]{12})(?:\+.*)?$`)

// Complete fills in what the linker was not told. It is to be called before anything else reads the version.
func Complete() {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	complete(info)
}

func complete(info *debug.BuildInfo) {
	told := commitOf(info)
	version.Version = cmp.Or(version.Version, told.version, unknown)
	version.Revision = cmp.Or(version.Revision, told.revision, unknown)
	version.BuildDate = cmp.Or(version.BuildDate, told.date, unknown)
	version.Branch = cmp.Or(version.Branch, unknown)
	version.BuildUser = cmp.Or(version.BuildUser, unknown)
}

// commit is what is known of the source of a build; empty is what is not.
type commit struct{ version, revision, date string }

// commitOf returns what Go's tool recorded: a version unless it was told to look at no repository, and the rest of that if it looked.
func commitOf(info *debug.BuildInfo) (c commit) {
	if info.Main.Version != "(devel)" {
		c.version = strings.TrimPrefix(info.Main.Version, "v")
	}
	if made := pseudo.FindStringSubmatch(c.version); made != nil {
		c.revision = made[2]
		c.date = reformat("20060102150405", made[1])
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			c.revision = s.Value
		case "vcs.time":
			c.date = reformat(time.RFC3339, s.Value)
		}
	}
	return c
}

// reformat returns a time as the Makefile writes it; empty if it is none.
func reformat(layout, text string) string {
	at, err := time.Parse(layout, text)
	if err != nil {
		return ""
	}
	return at.UTC().Format("20060102-15:04:05")
}
