#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Heat map over two axes of a sweep: each cell is the smallest (or with --max the largest) z of its points.
#   plot_heat.sh ROWS.csv OUT.svg X Y Z [--max] [--log-z] [--title TEXT]
# Dark is small, light is large; cells without a feasible point stay white. The scale is one of lightness, so
# that it survives a grey printer; cells carry their number while there are few.
set -eu
# shellcheck source=tools/scripts/plot_lib.sh
. "$(dirname "$0")/plot_lib.sh"
[ $# -ge 5 ] || die "usage: ROWS.csv OUT.svg X Y Z [--max] [--log-z] [--title TEXT]"
rows=$1 out=$2 x=$3 y=$4 z=$5
shift 5
need_rows "$rows"
sense=g log='' title=''
while [ $# -gt 0 ]; do
    case $1 in
        --max) sense=gr ;;
        --log-z) log=1 ;;
        --title) title=$2; shift ;;
        *) die "unknown option $1" ;;
    esac
    shift
done
xc=$(column "$rows" "$x")
yc=$(column "$rows" "$y")
zc=$(column "$rows" "$z")
tab=$(printf '\t')
cat_rows "$rows" | tail -n +2 | awk -F, -v x="$xc" -v y="$yc" -v z="$zc" -v OFS='\t' '$z != "" { print $x, $y, $z }' |
    LC_ALL=C sort -t "$tab" -s -k1,1g -k2,2g -k3,3"$sense" | awk -F '\t' '{ key = $1 FS $2 } key != last { last = key; print }' \
    >"$work/cells"
[ -s "$work/cells" ] || die "$rows has no row with $z"
cut -f1 "$work/cells" | LC_ALL=C sort -gu >"$work/x"
cut -f2 "$work/cells" | LC_ALL=C sort -gu >"$work/y"
nx=$(wc -l <"$work/x") ny=$(wc -l <"$work/y")
# Cells by rank along each axis: values need not be evenly spaced.
awk -F '\t' -v OFS='\t' 'FILENAME == ARGV[1] { i[$1] = FNR - 1; next } FILENAME == ARGV[2] { j[$1] = FNR - 1; next }
    { print i[$1], j[$2], $3 }' "$work/x" "$work/y" "$work/cells" >"$work/ranked"
ticks() { # every so many values, so that at most 16 stand at an axis
    awk -v n="$2" 'BEGIN { step = int((n + 15) / 16) } (NR - 1) % step == 0 { gsub(/\047/, "\047\047"); printf "%s\047%s\047 %d", (c++ ? ", " : ""), $1, NR - 1 }' "$1"
}
{
    begin_plot "$out" "${title:-Heat map}"
    echo "set xlabel $(quoted "$(label "$x")"); set ylabel $(quoted "$(label "$y")")"
    echo "set cblabel $(quoted "$(label "$z")") offset 1.5"
    echo "set xtics ($(ticks "$work/x" "$nx")); set ytics ($(ticks "$work/y" "$ny"))"
    echo "set xrange [-0.5:$nx-0.5]; set yrange [-0.5:$ny-0.5]; unset key; unset grid"
    echo "set palette defined (0 '#10243e', 0.35 '#2a6f7f', 0.7 '#9cc08b', 1 '#fdf3c4'); set cbtics format '%g'"
    [ -z "$log" ] || echo "set logscale cb"
    cut -f3 "$work/ranked" | LC_ALL=C sort -g | sed -n '1p;$p' | paste -sd' ' |
        awk '{ printf "set cbrange [%s:%s]\n", $1, (NF == 2 && $2 != $1 ? $2 : $1 * 1.001) }'
    # gnuplot's image wants every cell: boxes draw the ones there are. They overlap a little: seams would show.
    echo "set style fill solid 1 noborder"
    printf "plot %s using 1:2:(\$1-0.52):(\$1+0.52):(\$2-0.52):(\$2+0.52):3 with boxxyerror lc palette" "$(quoted "$work/ranked")"
    if [ $((nx * ny)) -le 150 ]; then
        middle=$(LC_ALL=C sort -t "$tab" -k3,3g "$work/ranked" | cut -f3 | awk -v l="${log:-0}" \
            'NR == 1 { a = $1 } { b = $1 } END { print l ? exp((log(a) + log(b)) / 2) : (a + b) / 2 }')
        for side in dark light; do
            if [ $side = dark ]; then test="\$3 < $middle" colour='#ffffff'; else test="\$3 >= $middle" colour='#111111'; fi
            printf ", %s using 1:(%s ? \$2 : 1/0):(sprintf('%%.3g', \$3)) with labels font ',10' tc rgb '%s'" \
                "$(quoted "$work/ranked")" "$test" "$colour"
        done
    fi
    echo
} >"$work/plot"
draw "$work/plot" "$out"
