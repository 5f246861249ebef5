#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scripts under names and texts that a shell or gnuplot could take for more: scripts.sh SOURCE MOECOST
set -u
source=$1
moecost=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

printf 'gpu,x,y,z\nh 100,1,2,3\nh 100,2,1,4\nit'"'"'s,1,3,5\nit'"'"'s,2,2,6\n' >rows.csv
if command -v gnuplot >/dev/null; then
    title="it's \`touch PWNED\` \"so\" \$(touch PWNED)"
    for out in plain.svg "it's a.svg"; do
        "$source/tools/scripts/plot_best.sh" rows.csv "$out" x y gpu --title "$title" || fail "plot_best $out"
        grep -q "touch PWNED" "$out" || fail "the title is not in $out"
        "$source/tools/scripts/plot_frontier.sh" rows.csv "$out" x y gpu --title "$title" || fail "plot_frontier $out"
        "$source/tools/scripts/plot_heat.sh" rows.csv "$out" x y z --title "$title" || fail "plot_heat $out"
        "$source/tools/scripts/plot_lines.sh" rows.csv "$out" x y gpu --title "$title" --x-label "$title" \
            --at "1:$title" --point z || fail "plot_lines $out"
        [ -s "$out" ] || fail "$out is empty"
    done
    "$source/tools/scripts/plot_best.sh" rows.csv key.svg x y --key 'top `touch PWNED`' 2>err && fail "a place that is none"
    [ -e key.svg ] && fail "a picture that was refused is there"
    "$source/tools/scripts/plot_best.sh" none.csv a.svg x y 2>err && fail "rows that are not there"
    [ "$(wc -l <err)" -eq 1 ] || fail "more than one line for one mistake: $(cat err)"
    "$source/tools/scripts/plot_best.sh" rows.csv a.svg x none 2>err && fail "a column that is not there"
    [ "$(wc -l <err)" -eq 1 ] || fail "more than one line for one mistake: $(cat err)"
    [ -e PWNED ] && fail "a text was run as a command"
else
    echo "skipped: gnuplot is not installed"
fi

mkdir "a folder" results
printf '[scenario]\nmodel = "mixtral-8x7b"\ngpu = "h100_sxm"\nosl = 16\n[[axis]]\nkey = "tp"\nvalues = [2, 4]\n' >"a folder/a grid.toml"
"$moecost" sweep "a folder/a grid.toml" -o whole.csv --quiet || fail "the sweep itself"
if command -v parallel >/dev/null; then
    for out in "$work/results/out.csv" "a folder/an output.csv"; do
        MOECOST=$moecost "$source/tools/cluster/gnu_parallel.sh" "a folder/a grid.toml" "$out" 3 </dev/null 2>err ||
            fail "gnu_parallel.sh to $out: $(cat err)"
        cmp -s "$out" whole.csv || fail "$out differs"
    done
fi
for task in 1 2; do
    SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=2 MOECOST=$moecost GRID="a folder/a grid.toml" \
        OUT="results/two parts.csv" bash "$source/tools/cluster/slurm_array.sbatch" 2>err || fail "task $task: $(cat err)"
done
"$moecost" merge results/shard-1-of-2."two parts.csv" results/shard-2-of-2."two parts.csv" -o joined.csv --quiet || fail merge
cmp -s joined.csv whole.csv || fail "the array differs"
SLURM_ARRAY_TASK_ID=1 GRID=g.toml OUT=o.csv bash "$source/tools/cluster/slurm_array.sbatch" 2>err && fail "no count of tasks"
grep -q "submit with --array" err || fail "no word about --array: $(cat err)"
[ "$failures" -eq 0 ] && echo "all passed"
exit "$failures"
