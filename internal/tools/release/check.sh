#!/usr/bin/env bash
# usage: check.sh
# Makes a release in two clones of what is committed, in folders of different length and with build caches of their own. Fails if a
# file of one differs from the other's, or if one lacks what it should hold. The first is left in .cache/dist.
set -euo pipefail
cd "$(dirname "$0")/../../.."
root=$PWD

command -v rpm >/dev/null || { echo "release: rpm is missing, it reads the packages; on Debian: apt-get install rpm" >&2; exit 1; }
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
clones=("$work/one" "$work/another/and/deeper")
# Both before either is built, as what is committed meanwhile would be in one of them.
for clone in "${clones[@]}"; do git clone --quiet "$root" "$clone"; done
for clone in "${clones[@]}"; do
    mkdir -p "$clone/.cache/bin"
    cp "$root"/.cache/bin/{goreleaser,cyclonedx-gomod} "$clone/.cache/bin/"
    # What the make that called this says of the folder it runs in may not hold for the clone.
    env -u VERSION -u REVISION -u BUILD_DATE GOCACHE="$clone/.cache/go" make --no-print-directory -C "$clone" release-snapshot BUILDAH= >"$clone.log" 2>&1 ||
        { tail -n 50 "$clone.log" >&2; exit 1; }
done
one=$work/one/.cache/dist another=$work/another/and/deeper/.cache/dist
diff "$one/sha256sums.txt" "$another/sha256sums.txt" || { echo "release: two builds differ" >&2; exit 1; }
go -C "$work/one/internal/tools/release" run ./checkrelease "$work/one" "$one" "$("$work/one/internal/tools/version.sh")"
rm -rf "$root/.cache/dist"
cp -r "$one" "$root/.cache/dist"
echo "release: two builds are the same, in $(wc -l <"$one/sha256sums.txt") files"
