#!/usr/bin/env bash
# usage: packages.sh
# Sees to it that the programs are there that tests use and Debian packages. Who may install packages gets them; who may not
# is told what will be skipped, except in CI, where nothing may be skipped.
set -euo pipefail

# need PACKAGE FOR COMMAND… wants a package where none of its commands is there.
need() {
    local package=$1 purpose=$2
    shift 2
    provide "$package" "$purpose" any "$@"
}

# any COMMAND… succeeds if one of the commands is there.
any() {
    local name
    for name; do
        if command -v "$name" >/dev/null; then return; fi
    done
    return 1
}

# module NAME succeeds if Debian's Python has a module. Another Python may come first in the path.
module() { /usr/bin/python3 -c "import $1" 2>/dev/null; }

# provide PACKAGE FOR CHECK… wants a package unless the check succeeds.
provide() {
    local package=$1 purpose=$2
    shift 2
    if "$@"; then return; fi
    if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
        echo "packages: $purpose: skipped, for want of $package; on Debian: apt-get install $package" >&2
        [[ -z ${CI:-} ]] || exit 1
        return
    fi
    wanted+=("$package")
    checks+=("${*@Q}")
}

# install installs all that is wanted, and sees that each is there then.
install() {
    if ((${#wanted[@]} == 0)); then return; fi
    echo "packages: installing ${wanted[*]}"
    start_nothing
    if ! { "${root[@]}" apt-get update && "${root[@]}" apt-get install --yes --no-install-recommends "${wanted[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "packages: ${wanted[*]} could not be installed" >&2
        exit 1
    fi
    local i
    for i in "${!wanted[@]}"; do
        if ! eval "${checks[i]}"; then
            echo "packages: ${wanted[i]} is installed, but does not bring what it is for" >&2
            exit 1
        fi
    done
}

# start_nothing keeps services of packages from being started, for as long as this script runs.
start_nothing() {
    if [[ -e $policy ]]; then return; fi
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
    "${root[@]}" chmod +x "$policy"
    ours=$policy
}

# postgres succeeds if there is a PostgreSQL server as Debian has it.
postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

root=(env DEBIAN_FRONTEND=noninteractive)
if ((EUID != 0)); then root=(sudo --non-interactive "${root[@]}"); fi
log=$(mktemp) policy=/usr/sbin/policy-rc.d ours=
wanted=() checks=()
trap 'rm -f "$log"; [[ -z $ours ]] || "${root[@]}" rm -f "$ours"' EXIT
need chromium "looking at /tasks in a browser" chromium chromium-browser google-chrome
need systemd "checks of the systemd units" systemd-analyze
provide python3-prometheus-client "reading OpenMetrics with a strict parser" module prometheus_client.openmetrics.parser
need rpm "listing and installing the rpm" rpm
need rpm2cpio "unpacking the rpm" rpm2cpio
need cpio "unpacking the rpm" cpio
need zsh "completing flags" zsh
need man-db "reading the manual page" lexgrog
need curl "snippets with curl" curl
need nodejs "snippets for Node" node
provide python3-requests "snippets for Python" module requests
provide postgresql "snippets for PostgreSQL" postgres
need logrotate "rotating lists" logrotate
need nginx "handing on callbacks" nginx
need redis-server "records in Redis" redis-server
need iproute2 "a network that loses packets" ip
need redis-sentinel "Redis with Sentinel" redis-sentinel
need strace "killing a push at each step" strace
need npm "judging the pages" npm
install

# What judges the pages comes from the npm registry, as internal/tools/axe/package-lock.json says.
repo=$(cd "$(dirname "$0")/.." && pwd)
axe=$repo/.cache/axe
if any npm && ! cmp -s "$repo/internal/tools/axe/package-lock.json" "$axe/node_modules/.locked"; then
    rm -rf "$axe" && mkdir -p "$axe" && cp "$repo"/internal/tools/axe/package*.json "$axe"
    if npm ci --prefix "$axe" --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
        cp "$axe/package-lock.json" "$axe/node_modules/.locked" # last: only then it is all there
    else
        tail -n 20 "$log" >&2
        echo "packages: axe-core could not be installed; without it the pages are not judged" >&2
        [[ -z ${CI:-} ]] || exit 1
    fi
fi
