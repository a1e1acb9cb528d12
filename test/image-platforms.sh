#!/usr/bin/env bash
# usage: image-platforms.sh TAG FOLDER
# Builds the Dockerfile with buildah for all platforms of the image and puts the manifest of them into FOLDER as an OCI layout.
# With PUSH=1 it pushes to TAG's registry as REGISTRY_USER with REGISTRY_PASSWORD, has cosign sign what is there, and writes name and digest to
# FOLDER/sha256sums.txt. Where the registry of Go's image cannot be reached, this machine's Go takes its place, with what it has compiled, and nothing
# is pushed.
set -euo pipefail
# Only root can mount an image; for others buildah makes a namespace in which they are root.
if ((EUID != 0)); then exec buildah unshare "$0" "$@"; fi
cd "$(dirname "$0")/.."

tag=$1 folder=$2
platforms=${IMAGE_PLATFORMS:-linux/amd64,linux/arm64,linux/arm/v7,linux/s390x}
source test/image-go.sh

rm -rf "$folder"
mkdir -p "$folder"
buildah manifest rm "$tag" >/dev/null 2>&1 || true
buildah build --platform "$platforms" --pull-never "${build_args[@]}" --manifest "$tag" .
buildah manifest push --all "$tag" "oci:$folder/oci"
buildah manifest inspect "$tag"

# Each image is for its platform and holds a program for it, and labels and program say the version.
for platform in ${platforms//,/ }; do
    container=$(buildah from --pull-never --platform "$platform" "$tag")
    is() { buildah inspect --format "{{with .OCIv1}}$1{{end}}" "$container"; }
    said="$(is '{{.OS}}/{{.Architecture}}') $(is '{{index .Config.Labels "org.opencontainers.image.version"}}')"
    program=$(buildah mount "$container")/bin/kie_exporter
    built=$(go version -m "$program" | awk -F = '/\tGOOS=/ { os = $2 } /\tGOARCH=/ { arch = $2 } END { print os "/" arch }')
    if grep -qaF "$VERSION" "$program"; then built+=" $VERSION"; fi
    buildah rm "$container" >/dev/null
    [[ $said == "$built" && $said == "${platform%/v*} $VERSION" ]] || { echo "image: the one for $platform is $said, the program in it $built" >&2; exit 1; }
    echo "image: for $platform, $VERSION"
done

[[ ${PUSH:-} == 1 ]] || exit 0
[[ -z $standin ]] || { echo "image: Go's image cannot be pulled, so nothing is pushed" >&2; exit 1; }
# cosign, and the action that attests, look for credentials where docker has them, and nowhere else.
auth=$HOME/.docker/config.json
mkdir -p "${auth%/*}"
buildah login --authfile "$auth" --username "$REGISTRY_USER" --password-stdin "${tag%%/*}" <<<"$REGISTRY_PASSWORD"
buildah manifest push --authfile "$auth" --all --digestfile "$folder/digest" "$tag" "docker://$tag"
digest=$(<"$folder/digest")
cosign sign --yes "${tag%:*}@$digest"
echo "${digest#sha256:}  ${tag%:*}" >"$folder/sha256sums.txt"
