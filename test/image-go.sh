# What image.sh and image-platforms.sh share, to be sourced: sets up buildah, and fills build_args with what the Dockerfile takes.
# standin is set where the image that compiles cannot be pulled, and this machine's Go toolchain takes its place.
# The buildah of Debian 12 does not know by itself what it runs on.
build_args=(--build-arg "BUILDPLATFORM=linux/$(go env GOHOSTARCH)") standin=

command -v buildah >/dev/null || { echo "image: buildah is missing; on Debian: apt-get install buildah" >&2; exit 1; }
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=${STORAGE_DRIVER:-overlay}
buildah info >/dev/null 2>&1 || export STORAGE_DRIVER=vfs # overlay does not work everywhere

# stand_in fills the folder $1 with what the build stage uses: a shell, Go and CA certificates.
stand_in() {
    local tool
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
    mkdir -p "$1"/{bin,tmp,usr/local}
    for tool in sh cp mkdir; do
        cp -L "/bin/$tool" "$1/bin/$tool"
        ldd "/bin/$tool" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$1$library"; done
    done
    cp -a "$(go env GOROOT)" "$1/usr/local/go"
    ln -s /usr/local/go/bin/go "$1/bin/go"
}

name=$(sed -n 's/^ARG GO_IMAGE=//p' Dockerfile)
if ! timeout 300 buildah pull --quiet "$name" >/dev/null 2>&1; then
    echo "image: $name cannot be pulled, a stand-in is made"
    container=$(buildah from scratch)
    stand_in "$(buildah mount "$container")"
    # With what this machine's Go has fetched and compiled, so that only what is missing is.
    mkdir -p "$(go env GOMODCACHE)" "$(go env GOCACHE)"
    buildah config --env GOMODCACHE=/go/mod --env GOCACHE=/go/build "$container"
    build_args+=(--volume "$(go env GOMODCACHE):/go/mod" --volume "$(go env GOCACHE):/go/build")
    buildah commit --quiet --rm "$container" localhost/kie_exporter-standin:go >/dev/null
    container=
    build_args+=(--build-arg GO_IMAGE=localhost/kie_exporter-standin:go)
    standin=1
fi
for name in VERSION REVISION BRANCH BUILD_USER BUILD_DATE; do
    build_args+=(--build-arg "$name=${!name:-unknown}")
done
