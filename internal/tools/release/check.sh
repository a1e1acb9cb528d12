#!/usr/bin/env bash
# usage: check.sh
# Makes a release in two clones of what is committed, in folders of different length and with build caches of their own. Fails if a
# file of one differs from the other's, or one is missing. The first is left in .cache/dist.
set -euo pipefail
cd "$(dirname "$0")/../../.."
root=$PWD

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
clones=("$work/one" "$work/another/and/deeper")
# Both before either is built, as what is committed meanwhile would be in one of them.
for clone in "${clones[@]}"; do git clone --quiet "$root" "$clone"; done
for clone in "${clones[@]}"; do
    mkdir -p "$clone/.cache/bin"
    cp "$root"/.cache/bin/{goreleaser,cyclonedx-gomod} "$clone/.cache/bin/"
    # What the make that called this says of the folder it runs in may not hold for the clone.
    env -u VERSION -u REVISION -u BUILD_DATE GOCACHE="$clone/.cache/go" make --no-print-directory -C "$clone" release-snapshot >"$clone.log" 2>&1 ||
        { tail -n 50 "$clone.log" >&2; exit 1; }
done
one=$work/one/.cache/dist another=$work/another/and/deeper/.cache/dist
diff "$one/sha256sums.txt" "$another/sha256sums.txt" || { echo "release: two builds differ" >&2; exit 1; }
(cd "$one" && sha256sum --check --strict --quiet sha256sums.txt)

missing=0
for name in linux-{amd64,arm64,armv7,s390x}.tar.gz darwin-{amd64,arm64}.tar.gz freebsd-amd64.tar.gz windows-amd64.zip \
    linux-{amd64,arm64,armv7,s390x}.cdx.json darwin-{amd64,arm64}.cdx.json freebsd-amd64.cdx.json windows-amd64.cdx.json \
    _{amd64,arm64,armhf,s390x}.deb .{x86_64,aarch64,armv7hl,s390x}.rpm; do
    grep -qF -- "$name" "$one/sha256sums.txt" || { echo "release: nothing for $name" >&2; missing=1; }
done
((missing == 0))
rm -rf "$root/.cache/dist"
cp -r "$one" "$root/.cache/dist"
echo "release: two builds are the same, in $(wc -l <"$one/sha256sums.txt") files"
