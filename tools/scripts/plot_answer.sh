#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Price against speed for the deployment of the quickstart: Mixtral-8x7B (bf16, TP2) on A100 and H100 over concurrency.
# usage: plot_answer.sh MOECOST_PROGRAM OUTPUT_FOLDER      (needs gnuplot)
set -euo pipefail
program=${1:?usage: plot_answer.sh MOECOST_PROGRAM OUTPUT_FOLDER}
out=${2:?usage: plot_answer.sh MOECOST_PROGRAM OUTPUT_FOLDER}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for gpu in a100_sxm_80 h100_sxm; do
  for n in 1 2 4 8 16 32 64 128 256; do
    "$program" estimate --model mixtral-8x7b --weights bf16 --gpu "$gpu" --tp 2 --traffic chat --concurrency "$n" \
      --format csv --quiet
  done | awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i }
                  $1 != "model" { printf "%s %g %g %g\n", $column["requests"], 1 / $column["tpot_s"],
                                  $column["usd_per_mtok_output"], $column["output_tokens_per_s_per_gpu"] }' > "$work/$gpu.dat"
done

# gnuplot looks for commands in backticks everywhere but between single quotes
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

draw() {
  gnuplot <<GNUPLOT
set terminal $1
set output $(quoted "$out/$2")
set title "Mixtral-8x7B, bf16, 2 GPUs, vLLM, chat traffic (figures at the points: requests in flight)" offset 0,-0.3
set xlabel "speed seen by a user [output tokens/s]"
set ylabel "price of output [USD per million tokens]"
set logscale xy
set xrange [5:200]
set yrange [0.2:25]
set xtics (5, 8, 16, 32, 64, 128)
set ytics (0.2, 0.5, 1, 2, 5, 10, 20)
set grid xtics ytics lc rgb "#dddddd" lw 1
set border lc rgb "#555555"
set key top left Left reverse
plot $(quoted "$work/a100_sxm_80.dat") using 2:3 with linespoints lc rgb "#b35806" dt 2 lw 2 pt 5 ps 0.9 title "A100 80 GB at \$1.79 per GPU-hour", \
     $(quoted "$work/h100_sxm.dat") using 2:3 with linespoints lc rgb "#2b5c8a" dt 1 lw 2 pt 7 ps 0.9 title "H100 at \$3.99 per GPU-hour", \
     $(quoted "$work/a100_sxm_80.dat") using 2:3:1 with labels offset -1.6,0.7 font ",9" tc rgb "#b35806" notitle, \
     $(quoted "$work/h100_sxm.dat") using 2:3:1 with labels offset 2,-0.5 font ",9" tc rgb "#2b5c8a" notitle
GNUPLOT
}
draw 'svg size 760,480 font "Helvetica,13" background rgb "white"' answer.svg
draw 'pngcairo size 760,480 font "Helvetica,11"' answer.png
