#!/usr/bin/env bash
# Fails when internal/tools/generate changes a file: what is generated must be current.
# It compares the files with themselves, so uncommitted work does not disturb it.
set -euo pipefail

sums() {
    find . \( -path ./.git -o -path ./.cache \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
}

before=$(sums)
go -C internal/tools run ./generate
if ! changed=$(diff <(echo "$before") <(sums)); then
    echo "\`make generate\` changed these files; keep the new ones:" >&2
    sed -n 's/^[<>] [0-9a-f]*  //p' <<<"$changed" | sort -u >&2
    exit 1
fi
echo "generate-check: generated files are current"
