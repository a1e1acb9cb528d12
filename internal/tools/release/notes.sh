#!/usr/bin/env bash
# usage: notes.sh VERSION FILE
# Writes what CHANGELOG.md says of a version into a file; fails if it says nothing, or has no day for it.
set -euo pipefail
version=$1 file=$(realpath -m "$2")
cd "$(dirname "$0")/../../.."

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-rc\.[0-9]+)?$ ]] || { echo "release: $version is not the version of a tag" >&2; exit 1; }
mkdir -p "$(dirname "$file")"
awk -v heading="## [${version%-rc.*}] - 20" 'index($0, heading) == 1 { inside = 1; next } /^## |^\[/ { inside = 0 } inside' CHANGELOG.md | internal/tools/release/links.sh "$version" >"$file"
grep -q '[^[:space:]]' "$file" || { echo "release: CHANGELOG.md has no section of ${version%-rc.*} with its day" >&2; exit 1; }
