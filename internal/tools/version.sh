#!/usr/bin/env bash
# usage: version.sh
# Prints the version of the commit that is checked out, as Go's own tool has it: that of its tag, or else one made of the tag
# before, the commit's time and its hash; +dirty at the end says that files have changed since.
set -euo pipefail
cd "$(dirname "$0")"

git rev-parse --quiet --verify HEAD >/dev/null 2>&1 || { echo unknown; exit; }
# tags prints the tags that are versions, the highest last. A pre-release is lower than what it precedes.
tags() { git -c versionsort.suffix=- tag --sort=v:refname "$@" | grep -E '^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$' | tail -n 1; }

version=$(tags --points-at HEAD || true)
if [[ -z $version ]]; then
    commit=$(TZ=UTC git log -1 --format=%cd-%H --date=format-local:%Y%m%d%H%M%S | cut -c1-27)
    base=$(tags --merged HEAD || true)
    case $base in
    '') version=v0.0.0-$commit ;;
    *-*) version=$base.0.$commit ;;
    *) version=${base%.*}.$((${base##*.} + 1))-0.$commit ;;
    esac
fi
[[ -z $(git status --porcelain) ]] || version+=+dirty
echo "${version#v}"
