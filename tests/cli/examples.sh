#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every example that a help page shows runs as it stands, and so does what an answer suggests next on a terminal.
#   examples.sh MOECOST SOURCE [MICROBENCH_HOST]
set -euo pipefail
moecost=$(realpath "$1") source=$2 microbench=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir bin
ln -s "$moecost" bin/moecost
PATH=$work/bin:$PATH
export COLUMNS=100

# What the examples name: runs, kernel timings, the parts of a sweep.
cp "$source/tests/cli/data/runs.csv" runs.csv
for part in 1 2; do
    moecost sweep "$source/tests/cli/data/grid.toml" -o "part-$part.csv" --shard "$part/2" --quiet
done
[ -z "$microbench" ] || "$microbench" --synthetic h100_sxm-vllm --quick --out out >/dev/null

run=0 skipped=0
while read -r command; do
    while read -r example; do
        if [[ $example == "moecost calibrate"* && -z $microbench ]]; then
            skipped=$((skipped + 1))
            continue
        fi
        [ -n "$(command -v man)" ] || example=${example%%| man*}
        if ! bash -c "$example" </dev/null >out.txt 2>err.txt; then
            echo "FAILED: $example"
            cat err.txt
            exit 1
        fi
        run=$((run + 1))
    done < <(moecost "$command" --help | sed -n '/^Example/,$s/^  //p')
done < <(moecost --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ "$run" -ge 14 ] || { echo "FAILED: only $run examples were found"; exit 1; }

# A terminal hears what to do next; a pipe, --quiet and JSON do not.
suggested() { script -qec "moecost $1" /dev/null </dev/null | tr -d '\r' | sed -n 's/^next: //p' || true; }
if command -v script >/dev/null; then
    question="estimate --model deepseek-r1 --gpu h200 --tp 8 --concurrency 8"
    for asked in "$question" "$question --slo-tpot 1ms" "plan --model gpt-oss-120b --gpu h200 --rate 5 --instance-gpus 1"; do
        next=$(suggested "$asked")
        [ -n "$next" ] || { echo "FAILED: nothing is suggested after: $asked"; exit 1; }
        status=0
        bash -c "$next" </dev/null >out.txt 2>err.txt || status=$?
        # What was planned for may turn out not to be possible: that is an answer too.
        [ "$status" -eq 0 ] || { [ "$status" -eq 3 ] && [[ $next == *"moecost plan"* ]]; } ||
            { echo "FAILED: $next"; cat err.txt; exit 1; }
    done
    for asked in "$question --quiet" "$question --format json" "$question --format csv" "$question -o answer.txt"; do
        [ -z "$(suggested "$asked")" ] || { echo "FAILED: something is suggested after: $asked"; exit 1; }
    done
    # shellcheck disable=SC2086
    if moecost $question 2>&1 | grep '^next:' >/dev/null; then
        echo "FAILED: a pipe hears a suggestion"
        exit 1
    fi
else
    echo "skipped: script is not installed, so no terminal can be played"
fi
echo "$run examples ran, $skipped skipped"
