#!/usr/bin/env bash
# Runs every fuzz target of all modules for the given time, one after another.
set -euo pipefail

fuzztime=$1
targets=0
while IFS=: read -r file name; do
    echo "== $name in ${file%/*}"
    go -C "${file%/*}" test -run '^$' -fuzz "^$name\$" -fuzztime "$fuzztime" .
    targets=$((targets + 1))
done < <(grep -rHo --include='*_test.go' --exclude-dir={.cache,tools} '^func Fuzz[A-Za-z0-9_]*' . | sed 's/func //')
echo "fuzz: $targets targets, $fuzztime each"
