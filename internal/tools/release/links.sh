#!/usr/bin/env bash
# usage: links.sh VERSION [FOLDER/] <FILE.md
# Has what a Markdown file of the repository, or of a folder in it, links to lead to the repository as of a version: what holds the file alone has
# nothing else of it. Steps up stay in the links, and are taken by whatever follows one.
set -euo pipefail
version=$1 folder=${2:-}
ref=v$version
# What has no tag has the first digits of its commit.
if [[ $version =~ [-.][0-9]{14}-([0-9a-f]{12})(\+dirty)?$ ]]; then ref=${BASH_REMATCH[1]}; fi
at=https://github.com/kie-exporter/kie_exporter
sed -E -e "s,\]\(([^]:)#]+[)#]),]($at/blob/$ref/$folder\1,g" -e "s,\b(src|srcset)=\"([^:\"]+\"),\1=\"$at/raw/$ref/$folder\2,g"
