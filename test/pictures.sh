#!/usr/bin/env bash
# usage: pictures.sh PROMETHEUS EXPORTER FOLDER
# Puts pictures of the overview, dark and light, into a folder. It runs the exporter's demo and a Prometheus as in the compose setup for
# MINUTES (15), and draws the rows from the tiles to the first graphs with Grafana's own components, which come from the npm registry.
set -euo pipefail

prometheus=$(realpath "$1")
exporter=$(realpath "$2")
folder=$(realpath "$3")
minutes=${MINUTES:-15}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
pids=()

cleanup() {
    if ((${#pids[@]})); then
        kill "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

# address LOG PATTERN waits for an address in a program's output and prints it.
address() {
    local deadline=$((SECONDS + 20))
    until grep -oPm1 "$2" "$1"; do
        if ((SECONDS >= deadline)); then
            cat "$1" >&2
            return 1
        fi
        sleep 0.1
    done
}
readonly listening='msg="Listening on".* address=\K\S+'

drawing=$root/.cache/pictures
mkdir -p "$drawing"
cp "$root"/internal/tools/pictures/*.{json,js,jsx,html} "$drawing"
if ! cmp -s "$drawing/package-lock.json" "$drawing/node_modules/.locked"; then
    npm ci --prefix "$drawing" --ignore-scripts --no-audit --no-fund
    cp "$drawing/package-lock.json" "$drawing/node_modules/.locked"
fi
cd "$drawing"
node build.js

"$exporter" --demo --web.listen-address=127.0.0.1:0 >"$work/demo.log" 2>&1 &
pids+=($!)
demo=$(address "$work/demo.log" "$listening")
cp -r "$root/alerts" "$work"
sed -e "s/kie_exporter:10059/$demo/" -e '/^alerting:/,/^$/d' "$root/deploy/compose/prometheus.yml" >"$work/prometheus.yml"
"$prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:0 >"$work/prometheus.log" 2>&1 &
pids+=($!)
stored=$(address "$work/prometheus.log" "$listening")
node serve.js "$root/dashboards" >"$work/serve.log" &
pids+=($!)
served=$(address "$work/serve.log" '.+')

echo "pictures: waiting $minutes minutes, until the graphs are full"
sleep "${minutes}m"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
rows=29 # of the grid: the tiles, the table of models and the first graphs
for theme in dark light; do
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --enable-logging=stderr --virtual-time-budget=20000 \
        --window-size="1600,$((rows * 38 + 8))" --screenshot="$work/$theme.png" \
        "http://$served/index.html?dashboard=kie-overview&theme=$theme&width=1600&rows=$rows&seconds=$((minutes * 60 - 60))&prometheus=$stored" >"$work/browser.log" 2>&1
    if grep -E 'CONSOLE.*(Error|error)' "$work/browser.log"; then exit 1; fi
done
go -C "$root/internal/tools" run ./pictures "$work/dark.png" "$work/light.png"
for theme in dark light; do mv "$work/$theme.png" "$folder/overview-$theme.png"; done
