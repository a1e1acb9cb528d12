#!/usr/bin/env bash
# usage: image.sh TAG PROMTOOL
# Builds the Dockerfile with buildah, then runs the image as it is meant to be
# run: with a read-only root and the image's own user. Needs root and buildah.
#
# Where the registry of a base image cannot be reached, a local stand-in takes its
# place: this machine's Go toolchain, or a root that holds what distroless/static
# holds. The tag then ends in -standin, so that nobody takes it for the real image.
set -euo pipefail
cd "$(dirname "$0")/.."

tag=$1
promtool=$2
container=
build_args=()

fail() {
    echo "image: $*" >&2
    exit 1
}

cleanup() {
    if [[ -n $container ]]; then buildah rm "$container" >/dev/null; fi
}
trap cleanup EXIT

command -v buildah >/dev/null || fail "buildah is missing; on Debian: apt-get install buildah"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=${STORAGE_DRIVER:-overlay}
buildah info >/dev/null 2>&1 || export STORAGE_DRIVER=vfs # overlay does not work everywhere

certificates() {
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
}

# GO_IMAGE fills the folder $1 with what the build stage uses: a shell and Go.
GO_IMAGE() {
    certificates "$1"
    mkdir -p "$1"/{bin,tmp,usr/local}
    cp -L /bin/sh "$1/bin/sh"
    ldd /bin/sh | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$1$library"; done
    cp -a "$(go env GOROOT)" "$1/usr/local/go"
    ln -s /usr/local/go/bin/go "$1/bin/go"
}

# BASE_IMAGE fills the folder $1 with what distroless/static has.
BASE_IMAGE() {
    certificates "$1"
    mkdir -p "$1"/{dev/shm,home/nonroot,proc,tmp,usr/share}
    chmod 1777 "$1/tmp"
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$1/etc/passwd"
    echo 'nonroot:x:65532:' >"$1/etc/group"
    cp -a /usr/share/zoneinfo "$1/usr/share/zoneinfo"
}

# base ARG makes the base image that the Dockerfile names in ARG available.
base() {
    local name standin
    name=$(sed -n "s/^ARG $1=//p" Dockerfile)
    if timeout 300 buildah pull --quiet "$name" >/dev/null 2>&1; then return; fi
    echo "image: $name cannot be pulled, a stand-in is made"
    standin=localhost/kie_exporter-standin:${1,,}
    container=$(buildah from scratch)
    "$1" "$(buildah mount "$container")"
    buildah commit --quiet --rm "$container" "$standin" >/dev/null
    container=
    build_args+=(--build-arg "$1=$standin")
}

base GO_IMAGE
base BASE_IMAGE
if ((${#build_args[@]})); then tag+=-standin; fi
for name in VERSION REVISION BRANCH BUILD_USER BUILD_DATE; do
    build_args+=(--build-arg "$name=${!name:-unknown}")
done
buildah build --platform "linux/$(go env GOARCH)" --pull-never "${build_args[@]}" --tag "$tag" .

container=$(buildah from --pull-never "$tag")
root=$(buildah mount "$container")
config=$(buildah inspect --format \
    '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.ExposedPorts}}' "$container")
[[ $config == '65532:65532 [/bin/kie_exporter] map[10059/tcp:{}]' ]] || fail "configuration is $config"

# As container engines do, /proc and /dev/shm are mounted; all else is read-only.
# The last command replaces the shell, so that signals reach the exporter itself.
# shellcheck disable=SC2016 # the inner shell expands these
inside=(unshare --mount bash -euc '
    mount --bind "$0" "$0"
    mount -t proc proc "$0/proc"
    mkdir -p "$0/dev/shm"
    mount -t tmpfs tmpfs "$0/dev/shm"
    mount -o remount,bind,ro "$0"
    exec chroot --userspec=65532:65532 "$0" "$@"' "$root")

"${inside[@]}" /bin/kie_exporter --version
test/scrape-check.sh "$promtool" "${inside[@]}" /bin/kie_exporter
echo "image: $tag works with a read-only root as 65532:65532"
