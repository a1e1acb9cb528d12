// Package release makes the packages of a release as goreleaser makes them, of the same lines of .goreleaser.yaml and by the same
// library, for tests that can't wait for goreleaser itself to be built.
package release

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers its format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers its format
	"go.yaml.in/yaml/v3"
)

// recipe is what .goreleaser.yaml says of packages. What nfpm names otherwise has a field of its own.
type recipe struct {
	nfpm.Overridables `yaml:",inline"`

	PackageName  string              `yaml:"package_name"`
	Maintainer   string              `yaml:"maintainer"`
	Vendor       string              `yaml:"vendor"`
	Homepage     string              `yaml:"homepage"`
	License      string              `yaml:"license"`
	Section      string              `yaml:"section"`
	Description  string              `yaml:"description"`
	Bindir       string              `yaml:"bindir"`
	Formats      []string            `yaml:"formats"`
	Overrides    map[string]override `yaml:"overrides"`
	MTime        string              `yaml:"mtime"`
	FileTemplate string              `yaml:"file_name_template"`
}

// override is what a format has that others have not.
type override struct {
	Dependencies []string     `yaml:"dependencies"`
	Recommends   []string     `yaml:"recommends"`
	Scripts      nfpm.Scripts `yaml:"scripts"`
}

// source is what packages are made of: a folder with the repository's files, a program for linux/amd64, a version, a time.
type source struct {
	folder  string
	program string
	version string
	at      time.Time
}

// pack makes a package of a format, deb or rpm.
func (s source) pack(format string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.folder, ".goreleaser.yaml"))
	if err != nil {
		return nil, err
	}
	var file struct {
		NFPMs []recipe `yaml:"nfpms"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	if len(file.NFPMs) != 1 {
		return nil, fmt.Errorf("%d recipes for packages, want 1", len(file.NFPMs))
	}
	info := s.info(&file.NFPMs[0], format)
	if err := nfpm.PrepareForPackager(nfpm.WithDefaults(info), format); err != nil {
		return nil, err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return nil, err
	}
	var made bytes.Buffer
	if err := packager.Package(info, &made); err != nil {
		return nil, err
	}
	if made.Len() == 0 {
		return nil, errors.New("the package is empty")
	}
	return made.Bytes(), nil
}

// info says of a package what goreleaser would.
func (s source) info(r *recipe, format string) *nfpm.Info {
	own := r.Overrides[format]
	overridables := r.Overridables
	overridables.Depends, overridables.Recommends = own.Dependencies, own.Recommends
	overridables.Scripts = nfpm.Scripts{
		PreInstall: s.path(own.Scripts.PreInstall), PostInstall: s.path(own.Scripts.PostInstall),
		PreRemove: s.path(own.Scripts.PreRemove), PostRemove: s.path(own.Scripts.PostRemove),
	}
	for _, c := range overridables.Contents {
		c.Source = s.path(c.Source)
		if c.FileInfo == nil {
			c.FileInfo = &files.ContentFileInfo{}
		}
		c.FileInfo.MTime = s.at
	}
	overridables.Contents = append(overridables.Contents, &files.Content{
		Source: s.program, Destination: filepath.Join(r.Bindir, "kie_exporter"),
		FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: s.at},
	})
	return &nfpm.Info{
		Name: r.PackageName, Arch: "amd64", Platform: "linux", Version: s.version, Section: r.Section, Maintainer: r.Maintainer,
		Description: r.Description, Vendor: r.Vendor, Homepage: r.Homepage, License: r.License, MTime: s.at,
		Overridables: overridables,
	}
}

// path returns where a file of the repository is; empty stays empty.
func (s source) path(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Join(s.folder, name)
}
