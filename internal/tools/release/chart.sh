#!/usr/bin/env bash
# usage: chart.sh FOLDER [VERSION]
# Packages the Helm chart into a folder, the same bytes each time, with a README whose links lead to the repository. With a version, the chart and the image that it runs have that one
# instead of what Chart.yaml says: so the chart of a pre-release runs the pre-release.
set -euo pipefail
folder=$(realpath -m "$1") version=${2:-}
cd "$(dirname "$0")/../../../deploy/helm"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r kie-exporter "$work"
about=$work/kie-exporter/Chart.yaml
if [[ -n $version ]]; then
    # A tag of an image has no plus.
    sed -i -e "s/^version: .*/version: $version/" -e "s/^appVersion: .*/appVersion: ${version//+/-}/" "$about"
fi
version=$(sed -n 's/^version: //p' "$about")
../../internal/tools/release/links.sh "$version" deploy/helm/kie-exporter/ <kie-exporter/README.md >"$work/kie-exporter/README.md"
mkdir -p "$folder"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s --mtime=@0 --directory "$work" kie-exporter |
    gzip -9 --no-name >"$folder/kie-exporter-$version.tgz"
