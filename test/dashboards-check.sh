#!/usr/bin/env bash
# usage: dashboards-check.sh PROMETHEUS PANELCHECK EXPORTER
# Starts the exporter's demo, an exporter whose API is down and that is a
# replica over Redis, and a Prometheus that scrapes them twice, once for classic and once for native histograms, and
# sees that every query of every dashboard returns data both ways. The rules are
# loaded, evaluated as often as the targets are scraped.
set -euo pipefail

prometheus=$1
panelcheck=$2
exporter=$(realpath "$3")
work=$(mktemp -d)
pids=()

cleanup() {
    if ((${#pids[@]})); then
        kill -KILL "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "dashboards-check: $*" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

# listening LOG waits for the address in a program's log and prints it.
listening() {
    local deadline=$((SECONDS + 180)) # beside much else that runs
    until grep -oPm1 'msg="Listening on".* address=\K\S+' "$1"; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 0.1
    done
}

"$exporter" --demo --web.listen-address=127.0.0.1:0 >"$work/demo.log" 2>&1 &
pids+=($!)
demo=$(listening "$work/demo.log") || fail "the demo does not listen"

# What replicas show needs a Redis server. Who has none, and is not CI, does without.
without=(-without 'kie_exporter_(share|redis|lease)') redis=
if command -v redis-server >/dev/null; then
    without=() redis="$work/redis.sock"
    redis-server --port 0 --unixsocket "$redis" --save '' >"$work/redis.log" 2>&1 &
    pids+=($!)
elif [[ -n ${CI:-} ]]; then
    fail "there is no redis-server"
fi

# The demo takes minutes until a task's query fails; nothing listens on port 1.
# It takes callbacks, which count 0 without any.
head -c 32 /dev/urandom | base64 >"$work/webhook.key"
cat >"$work/down.yml" <<YML
accounts: [{name: down, base_url: "http://127.0.0.1:1", webhook_keys_files: [webhook.key]}]
groups: [{name: down, tasks: [task_1, task_2], webhook: true}]
YML
if [[ -n $redis ]]; then
    echo "storage: {redis: {addresses: [$redis]}}"
    echo 'cluster: {lease: 10s}'
fi >>"$work/down.yml"
KIE_API_KEY=none env -C "$work" "$exporter" --config.file=down.yml --web.listen-address=127.0.0.1:0 \
    --web.webhook-listen-address=127.0.0.1:0 >"$work/down.log" 2>&1 &
pids+=($!)
down=$(listening "$work/down.log") || fail "the exporter does not listen"

mkdir "$work/rules"
for file in alerts/kie_exporter.*.yml; do
    sed 's/^    interval: 2m$/    interval: 2s/' "$file" >"$work/rules/${file##*/}"
done
cat >"$work/prometheus.yml" <<YML
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s, extra_scrape_metrics: true}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: kie
    static_configs: [{targets: ["$demo", "$down"]}]
  - job_name: kie_native
    scrape_native_histograms: true
    static_configs: [{targets: ["$demo", "$down"]}]
YML
"$prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address=127.0.0.1:0 >"$work/prometheus.log" 2>&1 &
pids+=($!)
address=$(listening "$work/prometheus.log") || fail "Prometheus does not listen"

"$panelcheck" -timeout 8m -jobs kie,kie_native "${without[@]}" "http://$address" dashboards || fail "some panels stay empty"
