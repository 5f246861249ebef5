#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measured against predicted tokens/s per GPU of two pools: draw_two_pools.sh ROWS.csv PICTURE.svg
set -eu
gnuplot <<END
set terminal svg size 900,640 font "sans,15" background "white"
set output "$2"
set datafile separator ","
set logscale xy
set xlabel "measured output tokens/s per GPU, prefill and decode GPUs together"
set ylabel "predicted output tokens/s per GPU"
set key outside right top
set xrange [5:20000]
set yrange [5:20000]
set grid
gpu(name) = sprintf("< grep ',%s,' $1", name)
plot x with lines lc rgb "#444444" title "equal", \
  1.2*x with lines dt 2 lc rgb "#999999" title "20 % above", \
  x/1.2 with lines dt 2 lc rgb "#999999" title "20 % below", \
  gpu("h100_sxm") using 14:15 pt 2 ps 0.8 lc rgb "#8c564b" title "H100, workers of 2 nodes", \
  gpu("h200_sxm") using 14:15 pt 4 ps 0.8 lc rgb "#1f77b4" title "H200", \
  gpu("b200_sxm") using 14:15 pt 6 ps 0.8 lc rgb "#2ca02c" title "B200", \
  gpu("gb200_nvl72") using 14:15 pt 7 ps 0.6 lc rgb "#ff7f0e" title "GB200 NVL72", \
  gpu("gb300_nvl72") using 14:15 pt 9 ps 0.8 lc rgb "#d62728" title "GB300 NVL72", \
  gpu("mi355x") using 14:15 pt 1 ps 0.8 lc rgb "#9467bd" title "MI355X, not in the fit"
END
