package buildinfo

import (
	"runtime/debug"
	"testing"

	"github.com/prometheus/common/version"
)

// TestEachWayToBuildTellsAVersion has what Go's tool records of each; test/release really builds them.
func TestEachWayToBuildTellsAVersion(t *testing.T) {
	const hash = "45204ea0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6"
	vcs := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: hash}, {Key: "vcs.time", Value: "2026-11-29T01:02:03+01:00"}}
	for name, test := range map[string]struct {
		recorded string
		settings []debug.BuildSetting
		want     commit
	}{
		"nothing recorded":            {"", nil, commit{}},
		"-buildvcs=false":             {"(devel)", nil, commit{}},
		"go install of a version":     {"v0.1.0", nil, commit{version: "0.1.0"}},
		"go install of a pre-release": {"v0.2.0-rc.1", nil, commit{version: "0.2.0-rc.1"}},
		"go install of a commit": {
			"v0.1.1-0.20261129000203-45204ea0b1c2", nil,
			commit{"0.1.1-0.20261129000203-45204ea0b1c2", "45204ea0b1c2", "20261129-00:02:03"},
		},
		"go install before the first tag": {
			"v0.0.0-20261129000203-45204ea0b1c2", nil,
			commit{"0.0.0-20261129000203-45204ea0b1c2", "45204ea0b1c2", "20261129-00:02:03"},
		},
		"go build at a tag": {"v0.1.0", vcs, commit{"0.1.0", hash, "20261129-00:02:03"}},
		"go build with changes": {
			"v0.1.1-0.20261129000203-45204ea0b1c2+dirty", vcs,
			commit{"0.1.1-0.20261129000203-45204ea0b1c2+dirty", hash, "20261129-00:02:03"},
		},
		"a time that is none": {"v0.1.0", []debug.BuildSetting{{Key: "vcs.time", Value: "today"}}, commit{version: "0.1.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := commitOf(&debug.BuildInfo{Main: debug.Module{Version: test.recorded}, Settings: test.settings}); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTheLinkersWordGoesFirstAndNothingStaysEmpty(t *testing.T) {
	before := []string{version.Version, version.Revision, version.BuildDate, version.Branch, version.BuildUser}
	t.Cleanup(func() {
		version.Version, version.Revision, version.BuildDate, version.Branch, version.BuildUser = before[0], before[1], before[2], before[3], before[4]
	})
	version.Version, version.Revision, version.BuildDate, version.Branch, version.BuildUser = "0.1.0", "", "", "main", ""
	complete(&debug.BuildInfo{Main: debug.Module{Version: "v9.9.9"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}})
	for _, is := range []struct{ what, got, want string }{
		{"version", version.Version, "0.1.0"},
		{"revision", version.Revision, "abc"},
		{"date", version.BuildDate, "unknown"},
		{"branch", version.Branch, "main"},
		{"user", version.BuildUser, "unknown"},
	} {
		if is.got != is.want {
			t.Errorf("%s %q, want %q", is.what, is.got, is.want)
		}
	}
}
