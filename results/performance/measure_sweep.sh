#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rates, memory, scaling and instruction counts of a sweep: measure_sweep.sh [MOECOST]. Prints the table of sweep.md.
# On a shared machine wall time says little: processor time per point and instructions are what to compare.
set -eu
moecost=${1:-moecost}
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
run() { # run NAME GRID OPTIONS: wall, user + system, rate, peak memory
    name=$1 grid=$2
    shift 2
    rm -f out.*
    /usr/bin/time -o time -f '%e %U %S %M' "$moecost" sweep "$grid" "$@" --quiet
    points=$(sed -n 's/.*"points": \([0-9]*\).*/\1/p' out.csv.manifest.json | head -1)
    awk -v name="$name" -v n="$points" '{ printf "| %s | %d | %.2f | %.2f | %.2f | %.0f | %.1f |\n", name, n, $1, $2 + $3,
        ($2 + $3) / n * 1e6, n / $1, $4 / 1024 }' time
}
# A ninth of the large grid, without and with frontiers.
sed '/^frontier/d; s/from = 128, to = 1152/from = 256, to = 256/' "$here/sweep_10m.toml" >plain.toml
{ echo 'frontier = { minimise = ["usd_per_mtok_total"], maximise = ["tokens_per_s_per_user"] }'; cat plain.toml; } >two.toml
{ echo 'frontier = { minimise = ["usd_per_mtok_total", "ttft", "joules_per_output_token"], maximise = ["tokens_per_s_per_user"] }'
  cat plain.toml; } >four.toml
echo "| run | points | wall s | processor s | us/point | points/s | MiB |"
echo "|---|---|---|---|---|---|---|"
run "CSV, 1 thread" plain.toml -o out.csv --threads 1
run "CSV, 2 threads" plain.toml -o out.csv --threads 2
run "CSV, 1 thread" plain.toml -o out.csv --threads 1
run "CSV, 2 threads" plain.toml -o out.csv --threads 2
run "CSV and frontier of 2 objectives, 2 threads" two.toml -o out.csv --threads 2
run "CSV and frontier of 4 objectives, 2 threads" four.toml -o out.csv --threads 2
run "Mixtral, CSV, 1 thread" "$here/sweep_mixtral.toml" -o out.csv --threads 1
run "Mixtral, CSV, 2 threads" "$here/sweep_mixtral.toml" -o out.csv --threads 2
run "frontier of 2 objectives alone, 2 threads" two.toml -o out.csv --threads 2 --frontier-only
if [ "${2:-}" = all ]; then run "10 million points, CSV and frontier, 2 threads" "$here/sweep_10m.toml" -o out.csv --threads 2; fi
if command -v valgrind >/dev/null; then
    valgrind --tool=callgrind --callgrind-out-file=cg "$moecost" sweep "$here/sweep_callgrind.toml" -o cg.csv --threads 1 \
        --quiet 2>/dev/null
    points=$(sed -n 's/.*"points": \([0-9]*\).*/\1/p' cg.csv.manifest.json | head -1)
    echo
    echo "callgrind, $points points, instructions per point:"
    callgrind_annotate --inclusive=yes cg >profile
    for function in 'BlockWorker::run(' 'moecost::evaluate(' 'BlockWorker::write_row(' 'StepTimer::time(' 'StepPlan::add(' \
        'StepPlan::add_gemms(' 'StepTimer::add_listed('; do
        grep -F "$function" profile | head -1 | sed 's/,//g' |
            awk -v n="$points" -v name="${function%?}" '{ printf "  %-24s %7.0f\n", name, $1 / n }'
    done
fi
