#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every line of golden/commands.txt (name|exit status|arguments) and compares standard output with
# golden/<name>.out. After an intended change: tests/cli/golden.sh build/release/bin/moecost --update
set -eu
export COLUMNS=100
program=$(realpath "$1")
update=${2:-}
cd "$(dirname "$0")"
actual=$(mktemp)
trap 'rm -f "$actual"' EXIT
failures=0
while IFS='|' read -r name status arguments; do
    case $name in '' | '#'*) continue ;; esac
    found=0
    # The arguments of a line are words without quotes.
    # shellcheck disable=SC2086
    "$program" $arguments >"$actual" 2>/dev/null </dev/null || found=$?
    if [ "$found" -ne "$status" ]; then
        echo "$name: exit status $found, expected $status"
        failures=$((failures + 1))
    fi
    if [ "$update" = --update ]; then
        cp "$actual" "golden/$name.out"
    elif ! diff -u "golden/$name.out" "$actual"; then
        echo "$name: output differs from golden/$name.out"
        failures=$((failures + 1))
    fi
done <golden/commands.txt
exit "$((failures > 0))"
