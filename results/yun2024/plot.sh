#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pictures in the manner of figures 1 to 6 of Yun et al. 2024, and one of what decides: plot.sh (reads data/, needs gnuplot).
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/../../tools/scripts/plot_lib.sh"
data=$here/data

# frame OUT PANELS TITLE: the style of the house over several panels side by side
frame() {
    case $2 in 1) svg='760,500' png='1140,750' ;; 2) svg='1000,440' png='1300,572' ;; *) svg='1240,420' png='1560,530' ;; esac
    begin_plot "$1" "" | sed "s/size 760,500/size $svg/; s/size 1140,750/size $png/; /^set title/d"
    echo "set datafile separator ','; set multiplot layout 1,$2 title \"$3\" font ',15' noenhanced offset 0,-0.2"
    echo "set title noenhanced font ',13' offset 0,-0.4; set lmargin 10; set rmargin 3; set tmargin 4; set bmargin 4"
}

# by_experts FILE X Y [WITH]: one line for each number of experts; X and Y are gnuplot columns or expressions
by_experts() {
    i=0
    for e in 1 4 8 16 32; do
        i=$((i + 1))
        [ $e -eq 1 ] && name=dense || name="$e experts"
        [ $i -eq 1 ] && printf 'plot ' || printf ', '
        printf "'< grep \"^%s,\" %s' using (%s):(%s) with %s ls %d title '%s'" "$e" "$data/$1" "$2" "$3" "${4:-lines}" $i "$name"
    done
}

# engine_lines FILE BASE COLUMN: x is E; both engines under both laws at 5.15e21 FLOP
engine_lines() {
    i=0
    while IFS=: read -r end name; do
        i=$((i + 1))
        [ $i -eq 1 ] && printf 'plot ' || printf ', '
        printf "'< grep \"^5.15e+21,%s,\" %s' using 3:%s with linespoints ls %d title '%s'" "$2" "$data/$1$end.csv" "$3" $i "$name"
    done <<ENGINES
-2024:engine of early 2024, Y-P
-2024-y-c:engine of early 2024, Y-C
-2026:engine of 2026, Y-P
-2026-y-c:engine of 2026, Y-C
ENGINES
}

experts_axis="set logscale x 2; set xtics (1,2,4,8,16,32); set xlabel 'experts'"
size_axis="set xlabel 'dense-equivalent size (parameters)'; set logscale x"
cost_label="GPU-s per million output tokens"
paper_style="using 1:3:(0):(\$4-\$3) with vectors heads size graph 0.012,90 lc rgb '#000000' lw 2.2 dt 1"

figure1() {
    frame "$1" 2 "Loss by the law Y-P: against experts, and against size at 5.15e21 FLOP"
    echo "set title 'Table 1 of the paper, 20 B tokens (log-log: a power law would be straight)'; $experts_axis; set xrange [0.85:38]"
    echo "set logscale y; set yrange [2.3:3.4]; set ytics (2.4,2.6,2.8,3.0,3.2)"
    echo "set ylabel 'validation loss (nats per token)'; set key top right"
    i=0
    for n in 81395712:81M 184647680:185M 289406976:289M 679477248:679M; do
        i=$((i + 1))
        [ $i -eq 1 ] && printf 'plot ' || printf ', '
        printf "'< grep \"^%s,2e+10,\" %s' using 3:4 with linespoints ls %d title '%s'" "${n%:*}" "$data/loss_by_experts.csv" $i "${n#*:}"
    done
    echo
    echo "unset logscale; $size_axis; set xrange [2.3e8:7e9]; set xtics ('300 M' 3e8,'500 M' 5e8,'1 B' 1e9,'2 B' 2e9,'5 B' 5e9)"
    echo "set yrange [2.03:2.45]; set ytics autofreq; set title 'over-trained models; circles: loss-optimal'; set key top right"
    by_experts over_trained.csv '$3' '$4'
    printf ", '%s' using (\$2 > 0.999 ? \$3 : 1/0):4 with points pt 6 ps 1.4 lw 2 lc rgb '#000000' notitle\n" "$data/over_trained.csv"
}

figure2() {
    frame "$1" 2 "Eq. 5 and 6 on up to 8 x A100-40GB: cost of a size, and the largest size for a cost"
    echo "set title 'kinks: the next doubling of the GPUs'; $size_axis; set logscale y; set xrange [9e7:2.2e10]; set yrange [15:4000]"
    echo "set ytics (20,50,100,200,500,1000,2000)"
    echo "set xtics ('100 M' 1e8,'300 M' 3e8,'1 B' 1e9,'3 B' 3e9,'10 B' 1e10); set ylabel '$cost_label'; set key bottom right"
    by_experts cost_by_size.csv '$2' '$3'
    echo
    echo "set title 'largest dense-equivalent size'; set xlabel '$cost_label'; set xrange [20:2000]"
    echo "set xtics (20,50,100,200,500,1000,2000); set ylabel 'dense-equivalent size (parameters)'"
    echo "set yrange [4e7:2.5e10]; set ytics ('100 M' 1e8,'300 M' 3e8,'1 B' 1e9,'3 B' 3e9,'10 B' 1e10)"
    by_experts size_by_cost.csv '$2' '$3'
    echo
}

# over_dense END: serving cost of loss-optimal models over that of the dense one of the same budget
over_dense() {
    awk -F, -v OFS=, 'NR > 1 { if ($1 == 1) dense[$2] = $5; else if ($2 in dense) print $1, $2, $5 / dense[$2] }' \
        "$data/loss_optimal$1.csv"
}

# best_experts END: against the cost of loss-optimal models, which number of experts has the least loss
figure3() {
    frame "$1" 3 "Loss-optimal models of 1e20 to 1e22 FLOP (law Y-P): which engine serves them decides"
    for end in -2024 -2026; do
        echo "set title 'engine of ${end#-}: loss against serving cost'; set logscale x; set xlabel '$cost_label'; set xrange [60:2000]"
        echo "set xtics (100,200,500,1000); set yrange [2.0:2.62]; set ylabel 'validation loss (nats per token)'; set key top right"
        by_experts loss_optimal$end.csv '$5' '$4'
        echo
    done
    echo "set title 'cost over that of the dense model of the budget'; set xlabel 'training budget (FLOP)'; set xrange [8e19:1.3e22]"
    echo "set xtics ('1e20' 1e20,'1e21' 1e21,'1e22' 1e22); set ylabel 'serving cost / dense'; set logscale y; set yrange [0.4:40]"
    echo "set ytics (0.5,1,2,5,10,20); set key top left"
    i=0
    for end in -2024 -2026; do
        over_dense $end >"$work/over$end.csv"
        for e in 8 32; do
            i=$((i + 1))
            [ $i -eq 1 ] && printf 'plot ' || printf ', '
            printf "'< grep \"^%s,\" %s' using 2:3 with lines ls %d title '%s experts, %s'" $e "$work/over$end.csv" $i $e "${end#-}"
        done
    done
    echo
}

figure4() {
    frame "$1" 1 "Over-trained models of one budget, 5.15e21 FLOP: loss against serving cost"
    echo "set title 'from 8 % of the loss-optimal size (left ends) to it (circles)'; set logscale x; set xlabel '$cost_label'"
    echo "set xrange [35:620]; set xtics (50,100,200,500); set yrange [2.03:2.38]; set ylabel 'validation loss (nats per token)'"
    echo "set key top right"
    by_experts over_trained.csv '$5' '$4'
    # P40, P41: what the paper recommends, 30 % of the loss-optimal size with 32 experts and 16 % with 16.
    awk -F, '$1 == 32 && $2 > 0.29 && $2 < 0.31 || $1 == 16 && $2 > 0.155 && $2 < 0.165' "$data/over_trained.csv" >"$work/advice.csv"
    printf ", '%s' using 5:4 with points pt 7 ps 1.3 lc rgb '#000000' title 'paper (P40, P41)'" "$work/advice.csv"
    printf ", '%s' using (\$2 > 0.999 ? \$5 : 1/0):4 with points pt 6 ps 1.4 lw 2 lc rgb '#000000' notitle\n" "$data/over_trained.csv"
}

figure5() {
    frame "$1" 3 "At the loss of a loss-optimal base of 5.15e21 FLOP (algorithm 1). Black: what the paper prints for 8 and 16 experts"
    echo "$experts_axis; set xrange [3.4:38]; set xtics (4,8,16,32); set key top right"
    echo "set title 'base dense: cost'; set ylabel 'serving cost / that of the base'; set yrange [0:1.15]"
    engine_lines bounded 1 4
    echo ", '-' $paper_style title 'paper (P26)'"
    printf '8,0.3485,0.316,0.381\ne\n'
    echo "set title 'base 4 experts: cost'; set yrange [0:1.15]; set xrange [6.8:38]"
    engine_lines bounded 4 4
    echo ", '-' $paper_style title 'paper (P27, P28)'"
    printf '8,0.4935,0.477,0.510\n16,0.495,0.47,0.52\ne\n'
    echo "set title 'base 4 experts: size'; set ylabel 'N / N of the base'; set yrange [0:0.62]"
    engine_lines bounded 4 5
    echo ", '-' $paper_style title 'paper (P32)'"
    printf '8,0.2305,0.21,0.251\ne\n'
}

figure6() {
    frame "$1" 3 "At the serving cost of a loss-optimal base of 5.15e21 FLOP (algorithm 2). Black: what the paper prints"
    echo "$experts_axis; set xrange [6.8:38]; set xtics (4,8,16,32); set key bottom right"
    echo "set title 'base 4 experts: loss gained'; set ylabel 'loss of the base less ours (nats)'; set yrange [0:0.2]; set key top left"
    engine_lines bounded 4 7
    echo
    echo "set title 'base dense: activated size'; set ylabel 'active size / that of the base'; set yrange [0:1.8]; set xrange [3.4:38]"
    echo "set key top right"
    engine_lines bounded 1 9
    echo ", '-' using 1:2 with points pt 6 ps 1.6 lw 2.2 lc rgb '#000000' title 'paper (P36)'"
    printf '4,1.252\n8,0.841\n32,0.371\ne\n'
    echo "set title 'base 4 experts: size'; set ylabel 'N / N of the base'; set yrange [0:1.5]; set xrange [6.8:38]"
    engine_lines bounded 4 8
    echo ", '-' using 1:2 with points pt 6 ps 1.6 lw 2.2 lc rgb '#000000' title 'paper (P37)'"
    printf '8,0.695\n32,0.307\ne\n'
}

figure7() {
    frame "$1" 1 "What decides: how experts raise the serving cost of a model of 3 B dense-equivalent parameters"
    echo "set title 'cost relative to the dense model'; $experts_axis; set logscale y; set xrange [0.9:36]; set yrange [0.9:14]"
    echo "set ytics (1,2,3,5,10); set ylabel 'serving cost / that of the dense model'; set key top left"
    i=0
    while IFS=: read -r id name; do
        i=$((i + 1))
        [ $i -eq 1 ] && printf 'plot ' || printf ', '
        printf "'< grep \"^%s,\" %s' using 2:3 with linespoints ls %d title '%s'" "$id" "$data/cost_by_experts.csv" $i "$name"
    done <<CASES
kappa-1:in proportion to all parameters
engine-2024:early 2024: each expert on every token
kappa-0.4:kappa = 0.4, from P37
engine-2026:2026: fused experts
full:2026: full model
default:fused, batch by memory alone
CASES
    echo
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for figure in 1 2 3 4 5 6 7; do
    for format in svg png; do
        "figure$figure" "$here/figure$figure.$format" >"$work/figure"
        gnuplot "$work/figure"
        cp "$work/picture" "$here/figure$figure.$format"
    done
done
