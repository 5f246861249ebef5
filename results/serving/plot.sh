#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Errors of the closed forms over the load, from cases.csv: plot.sh (needs gnuplot).
set -eu
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/scripts/plot_lib.sh
. "$here/../../tools/scripts/plot_lib.sh"
cases=$here/cases.csv
need_rows "$cases"

# panel COLUMN TITLE: one figure; full circles where the form says that it holds, crosses elsewhere
panel() {
    echo "set title '$2'"
    echo "plot 0.1 with filledcurves y1=-0.1 lc rgb '#eeeeee' notitle, 0 with lines lc rgb '#888888' notitle, \\"
    echo "  '< grep ^rate, $cases' using 3:(\$4==1 ? \$$(column "$cases" "$1") : 1/0) with points pt 7 ps 0.45 lc rgb '#1f4e79' title 'form holds', \\"
    echo "  '< grep ^rate, $cases' using 3:(\$4==0 ? \$$(column "$cases" "$1") : 1/0) with points pt 2 ps 0.6 lc rgb '#c55a11' title 'simulated instead'"
}

for form in svg png; do
    out=$here/forms.$form
    {
        case $form in svg) echo "set terminal svg size 1000,720 font 'Helvetica,13' background 'white'" ;;
            *) echo "set terminal pngcairo size 1300,936 font 'Helvetica,13'" ;; esac
        echo "set output '$work/picture'; set datafile separator ','"
        echo "set multiplot layout 2,2 title 'Closed form against event simulation, 330 random cases: relative error over the load' font ',15'"
        echo "set xrange [0.08:0.97]; set yrange [-0.6:0.6]; set xlabel 'load over capacity'; set ylabel 'form / simulation - 1'"
        echo "set key bottom left samplen 1; set grid ytics lc rgb '#dddddd'; set format y '%+.1f'"
        panel 'TPOT' 'mean time per output token'
        echo 'unset key'
        panel 'TTFT' 'mean time to first token'
        panel 'TPOT p99' 'time per output token, 99th percentile'
        panel 'TTFT p99' 'time to first token, 99th percentile'
        echo 'unset multiplot'
    } >"$work/plot"
    draw "$work/plot" "$out"
done
