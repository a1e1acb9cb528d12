#!/usr/bin/env bash
# usage: files.sh PROGRAM FOLDER VERSION
# Makes what archives and packages hold besides the program and files of the repository: the manual page and completions, which
# the program writes itself, the licences of what is linked in, the systemd unit with the path of a packaged program, and documents
# whose links lead to the repository.
set -euo pipefail
program=$(realpath "$1") folder=$(realpath -m "$2") version=$3
cd "$(dirname "$0")/../../.."

rm -rf "$folder"
mkdir -p "$folder/completions"
"$program" --help-man >"$folder/kie_exporter.1"
gzip -9n <"$folder/kie_exporter.1" >"$folder/kie_exporter.1.gz"
"$program" --completion-script-bash >"$folder/completions/kie_exporter.bash"
# zsh takes the file for the function at its first use, which only defines the function: so it is called, too, or the first TAB completes nothing.
{
    "$program" --completion-script-zsh
    # shellcheck disable=SC2016 # zsh expands these
    echo 'if [[ $funcstack[1] == _kie_exporter ]]; then _kie_exporter "$@"; fi'
} >"$folder/completions/_kie_exporter"
sed 's|/usr/local/bin/|/usr/bin/|' deploy/systemd/kie_exporter.service >"$folder/kie_exporter.service"
for name in README.md CHANGELOG.md; do
    internal/tools/release/links.sh "$version" <"$name" >"$folder/$name"
done

# All platforms have the same file: a module that only one of them needs is named, too.
{
    cat "$(go env GOROOT)/LICENSE" | sed '1i ==== Go\n'
    for system in linux windows darwin freebsd; do
        GOOS=$system go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' .
    done | sort -u | while read -r path version dir; do
        printf '\n==== %s %s\n\n' "$path" "$version"
        found=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) | LC_ALL=C sort)
        [[ -n $found ]] || { echo "release: no licence in $dir" >&2; exit 1; }
        xargs -d '\n' cat <<<"$found"
    done
} >"$folder/THIRD_PARTY_LICENSES"
