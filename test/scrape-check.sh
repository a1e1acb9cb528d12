#!/usr/bin/env bash
# usage: scrape-check.sh PROMTOOL EXPORTER…
# Starts the exporter's demo on a free port, scrapes it, has promtool judge the
# metrics, which say the version that --version says, and sees that SIGTERM ends
# the program with exit code 0.
set -euo pipefail

promtool=$1
exporter=("${@:2}")
work=$(mktemp -d)
pid=

cleanup() {
    if [[ -n $pid ]]; then kill -KILL "$pid" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "scrape-check: $*" >&2
    cat "$work/log" >&2
    exit 1
}

# eventually SECONDS COMMAND… repeats the command until it succeeds.
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 0.1
    done
}

listening() { address=$(grep -oPm1 'msg="Listening on" address=\K\S+' "$work/log"); }
ready() { curl -fsS -m 20 -o /dev/null "http://$address/-/ready" 2>/dev/null; }
ended() { ! kill -0 "$pid" 2>/dev/null; }

"${exporter[@]}" --demo --web.listen-address=127.0.0.1:0 >"$work/log" 2>&1 &
pid=$!
eventually 180 listening || fail "no listening address in the log after 180 s" # beside much else that runs
eventually 180 ready || fail "not ready after 180 s"
sleep 5 # lets the demo's first tasks finish, so that there is something to judge

curl -fsS -m 60 "http://$address/metrics" >"$work/metrics" || fail "the scrape failed"
"$promtool" check metrics <"$work/metrics" || fail "promtool found fault"
said=$("${exporter[@]}" --version) || fail "--version failed"
version=$(sed -nE '1s/^kie_exporter, version (\S+) \(.*/\1/p' <<<"$said")
revision=$(sed -nE '1s/.*, revision: (\S+)\)$/\1/p' <<<"$said")
[[ -n $version && -n $revision ]] || fail "--version says $said"
grep -qF "revision=\"$revision\",tags=" <(grep -F "version=\"$version\"}" "$work/metrics" | grep '^kie_exporter_build_info{') ||
    fail "--version says $version of $revision, kie_exporter_build_info does not"
series=$(grep -c '^kie_' "$work/metrics") || fail "no series of ours in the scrape"

kill -TERM "$pid"
eventually 180 ended || fail "still running 180 s after SIGTERM"
code=0
wait "$pid" || code=$?
pid=
((code == 0)) || fail "exit code $code after SIGTERM"
echo "scrape-check: promtool passed $series series, SIGTERM ended the demo"
