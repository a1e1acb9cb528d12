#!/usr/bin/env bash
# usage: image.sh TAG PROMTOOL
# Builds the Dockerfile with buildah, then runs the image as it is meant to be
# run: with a read-only root and the image's own user. What its labels say, the
# program says, too. Needs root and buildah.
#
# Where the registry of the image that compiles cannot be reached, this machine's Go
# toolchain takes its place. The tag then ends in -standin, so that nobody takes it
# for the real image.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=$1
promtool=$2
container=

fail() {
    echo "image: $*" >&2
    exit 1
}

cleanup() {
    if [[ -n $container ]]; then buildah rm "$container" >/dev/null; fi
}
trap cleanup EXIT

source test/image-go.sh
if [[ -n $standin ]]; then tag+=-standin; fi
buildah build --platform "linux/$(go env GOARCH)" --pull-never "${build_args[@]}" --tag "$tag" .

container=$(buildah from --pull-never "$tag")
root=$(buildah mount "$container")
config=$(buildah inspect --format \
    '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.ExposedPorts}}' "$container")
[[ $config == '65532:65532 [/bin/kie_exporter] map[10059/tcp:{}]' ]] || fail "configuration is $config"
[[ $(stat -c %u "$root/home/nonroot") == 65532 ]] || fail "/home/nonroot is not the user's"

# As container engines do, /proc and /dev/shm are mounted; all else is read-only.
# The last command replaces the shell, so that signals reach the exporter itself.
# shellcheck disable=SC2016 # the inner shell expands these
inside=(unshare --mount bash -euc '
    mount --bind "$0" "$0"
    mkdir -p "$0/proc" "$0/dev/shm" "$0/tmp"
    mount -t proc proc "$0/proc"
    mount -t tmpfs tmpfs "$0/dev/shm"
    mount -o remount,bind,ro "$0"
    exec chroot --userspec=65532:65532 "$0" "$@"' "$root")

said=$("${inside[@]}" /bin/kie_exporter --version)
label() { buildah inspect --format "{{index .OCIv1.Config.Labels \"org.opencontainers.image.$1\"}}" "$container"; }
version=$(label version) revision=$(label revision)
[[ $version == "${VERSION:-unknown}" && $said == "kie_exporter, version $version ("*", revision: $revision)"* ]] ||
    fail "the labels say $version of $revision, --version says $said"
test/scrape-check.sh "$promtool" "${inside[@]}" /bin/kie_exporter
echo "image: $tag works with a read-only root as 65532:65532"
