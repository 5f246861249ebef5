#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Published training runs beside predictions: run.sh [BUILD], a build folder with the target study_training. Writes
# predicted.csv, the table of README.md and the picture.
set -eu
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
study=${1:-$root/build/release}/tools/study_training
[ -x "$study" ] || { echo "run.sh: $study is missing: cmake --build BUILD --target study_training" >&2; exit 2; }
"$study" "$here/published_runs.csv" "$root" >"$here/predicted.csv"

. "$root/tools/scripts/plot_lib.sh"   # its folder $work as well
{
    echo "| run | format | layout | published, tok/s per GPU | predicted | ratio, left out | MFU | computing | exchange | tensor | bubble | reduction |"
    echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
    awk -F, 'NR > 1 { printf "| %s, %s | %s | %s | %s | %s | %s | %s %% | %s %% | %s %% | %s %% | %s %% | %s %% |\n", $1, $2, $3, $16, $5, $6, $7, $8, $9, $11, $12, $13, $14 }' \
        "$here/predicted.csv"
} >"$work/table"
awk -v file="$work/table" '
    $0 == "<!-- runs -->" { print; while ((getline line < file) > 0) print line; inside = 1; next }
    $0 == "<!-- end -->" { inside = 0 }
    !inside { print }' "$here/README.md" >"$work/page"
cp "$work/page" "$here/README.md"

for format in svg png; do
    begin_plot "$here/predicted.$format" "Published training runs: tokens per second and GPU" >"$work/plot"
    {
        echo "set datafile separator ','; set logscale xy; set xrange [20:60000]; set yrange [20:60000]; set key bottom right"
        echo "set xlabel 'published'; set ylabel 'predicted, by constants fitted to the other runs'"
        printf "plot x with lines lc rgb '#000000' dt 2 title 'equal'"
        i=0
        while IFS=: read -r gpu name; do
            i=$((i + 1))
            printf ", '< grep \",%s,\" %s | grep stated' using 5:(\$5 * \$7) with points ls %d ps 1.3 title '%s'" "$gpu" "$here/predicted.csv" $i "$name"
        done <<GPUS
a100_sxm_80:A100
h100_sxm:H100
h800_sxm:H800
b200_sxm:B200
gb200_nvl72:GB200
gb300_nvl72:GB300
GPUS
        echo
    } >>"$work/plot"
    gnuplot "$work/plot"
    cp "$work/picture" "$here/predicted.$format"
done
