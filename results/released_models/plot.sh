#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pictures of summary.csv: plot.sh (needs gnuplot).
set -eu
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/scripts/plot_lib.sh
. "$here/../../tools/scripts/plot_lib.sh"
rows=$here/summary.csv
need_rows "$rows"

# columns NAME...: date in years, then those of summary.csv, tabs between; models of one month side by side, in days
columns() {
    awk -F, -v OFS='\t' -v want="$*" '
        NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; n = split(want, name, " "); next }
        {
            split($at["released"], d, "-")
            when = d[1] + (d[2] - 1) / 12 + (d[3] ? d[3] - 1 : 14) / 365
            while (int(when * 100) in taken) when += 0.01
            taken[int(when * 100)]
            if (when < 2024) next
            line = sprintf("%.3f", when)
            for (i = 1; i <= n; ++i) { x = $at[name[i]]; line = line OFS (x == "" ? "NaN" : x) }
            print line
        }' "$rows"
}

# time_axis: years, with half ones between
time_axis() {
    echo "set xrange [2023.95:2026.75]; set xlabel 'released'"
    echo "set xtics ('2024' 2024, '' 2024.5 1, '2025' 2025, '' 2025.5 1, '2026' 2026, '' 2026.5 1)"
}

# named: names above the line of 1, where there is room for one; those first that readers look for
named() {
    columns model all_low | awk -F '\t' '
        BEGIN { n = split("DBRX;DeepSeek-V2;DeepSeek-V3;Hunyuan-Large;Llama 4 Maverick;Qwen3-235B-A22B;Kimi-K2;GLM-4.5;" \
                    "Qwen3-Next-80B-A3B;Ling-1T;GLM-5;DeepSeek-V4-Pro;LongCat-2.0;Nemotron-3-Ultra-550B-A55B;MiMo-V2-Flash", first, ";")
                for (i = 1; i <= n; ++i) rank[first[i]] = i }
        $3 != "NaN" { print ($2 in rank ? rank[$2] : 1000 + NR) "\t" $0 }' | LC_ALL=C sort -g | awk -F '\t' '
        { for (i = 1; i <= n; ++i) if ((x[i] - $2) ^ 2 < 0.036 ^ 2) next
          x[++n] = $2
          printf "set label \"%s\" at %s,1.015 left rotate by 75 font \",10\" tc rgb \"#333333\" noenhanced\n", $3, $2 }'
}

bars="with vectors nohead lc rgb '#8fa8bd' lw 3"

ratio() {
    columns model all_low all_high all_every >"$work/ratio"
    {
        begin_plot "$1" "What each released mixture could have cost to serve: same loss, same training FLOP"
        time_axis
        echo "set yrange [0.1:1.42]; set ylabel \"price of the cheapest rival over the model's own\""
        echo "set ytics (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)"
        echo "set key bottom right opaque box lc rgb '#cfcfcf'"
        named
        echo "plot '$work/ratio' using 1:3:(0):(\$4-\$3) $bars title 'least to most by seven laws', \\"
        echo " '' using 1:5 with points ls 2 lw 1 pt 7 ps 0.9 title 'by the rival that every law accepts'"
    } >"$work/plot"
    draw "$work/plot" "$1"
}

experts() {
    columns E best_E_low best_E_high best_E_median >"$work/experts"
    {
        begin_plot "$1" "Released experts, and what the laws would have served cheapest with the same tokens"
        time_axis
        echo "set logscale y; set yrange [2.5:600]; set ylabel 'full-size experts E of a layer'"
        echo "set ytics (4, 8, 16, 32, 64, 128, 256); set key top right"
        echo "plot '$work/experts' using 1:3:(0):(\$4-\$3) $bars title 'cheapest, least to most by seven laws', \\"
        echo " '' using 1:5 with points lc rgb '#10243e' pt 2 ps 1 lw 2 title 'cheapest by the median law', \\"
        echo " '' using 1:2 with points ls 2 lw 1 pt 7 ps 0.9 title 'released'"
    } >"$work/plot"
    draw "$work/plot" "$1"
}

standins() {
    awk -F, -v OFS='\t' 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; next }
        $at["over_released"] != "" { print $at["usd"] / $at["over_released"], $at["usd"], $at["family"], $at["model"] }' "$rows" >"$work/stand"
    {
        begin_plot "$1" "How well the stand-ins stand in: B200, 1,024 tokens in and out, 50 ms"
        echo "set logscale xy; set xrange [0.03:4]; set yrange [0.03:4]; set key top left"
        echo "set xtics (0.03, 0.1, 0.3, 1, 3); set ytics (0.03, 0.1, 0.3, 1, 3)"
        echo "set xlabel 'the released model (USD per million output tokens)'; set ylabel 'its stand-in (USD per million output tokens)'"
        awk -F '\t' '{ r = $2 / $1; left = r > 1; if (r < 0.6 || r > 1.5)
            printf "set label \"%s\" at %g,%g " (left ? "right offset character -0.8,0.2" : "offset character 0.8,-0.2") " font \",10\" tc rgb \"#444444\" noenhanced\n", $4, $1, $2 }' "$work/stand"
        echo "plot x with lines lc rgb '#888888' lw 1 notitle, x * 1.25 with lines lc rgb '#888888' dt (3,4) title 'a quarter off', x / 1.25 with lines lc rgb '#888888' dt (3,4) notitle, \\"
        n=0
        for kind in mixtral-like:GQA qwen-like:"GQA, deep" deepseek-like:MLA qwen-next-like:hybrid; do
            n=$((n + 1))
            echo " '< grep -P \"\\t${kind%%:*}\\t\" $work/stand' using 1:2 with points ls $n lw 1 ps 1.1 title '${kind#*:} (${kind%%:*})', \\"
        done
        echo " 1/0 notitle"
    } >"$work/plot"
    draw "$work/plot" "$1"
}

for form in svg png; do
    ratio "$here/ratio.$form"
    experts "$here/experts.$form"
    standins "$here/standins.$form"
done
