#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The best y of a sweep at each x, one line for each value of a third column:
#   plot_best.sh ROWS.csv OUT.svg X Y [GROUP] [--max] [--log-x] [--log-y] [--title TEXT] [--table TABLE.csv] [--key PLACE]
# Small y is good, or with --max large y. --table keeps the rows that the picture shows.
set -eu
# shellcheck source=tools/scripts/plot_lib.sh
. "$(dirname "$0")/plot_lib.sh"
[ $# -ge 4 ] || die "usage: ROWS.csv OUT.svg X Y [GROUP] [--max] [--log-x] [--log-y] [--title TEXT] [--table FILE] [--key PLACE]"
rows=$1 out=$2 x=$3 y=$4
shift 4
need_rows "$rows"
group='' sense=g logs='' title='' table='' key='top right'
while [ $# -gt 0 ]; do
    case $1 in
        --max) sense=gr ;;
        --log-x) logs="$logs x" ;;
        --log-y) logs="$logs y" ;;
        --title) title=$2; shift ;;
        --table) table=$2; shift ;;
        --key) need_place "$2"; key=$2; shift ;;
        -*) die "unknown option $1" ;;
        *) group=$1 ;;
    esac
    shift
done
xc=$(column "$rows" "$x")
yc=$(column "$rows" "$y")
gc=0
[ -z "$group" ] || gc=$(column "$rows" "$group")
cat_rows "$rows" | tail -n +2 | awk -F, -v x="$xc" -v y="$yc" -v g="$gc" -v OFS='\t' \
    '$x != "" && $y != "" { print (g ? $g : "all"), $x, $y, $0 }' |
    LC_ALL=C sort -t "$(printf '\t')" -s -k1,1 -k2,2g -k3,3"$sense" |
    awk -F '\t' '{ key = $1 FS $2 } key != last { last = key; print }' >"$work/best"
[ -s "$work/best" ] || die "$rows has no row with both $x and $y"
if [ -n "$table" ]; then
    { cat_rows "$rows" | sed -n 1p; cut -f4- "$work/best"; } >"$table"
fi
{
    begin_plot "$out" "${title:-Best of a sweep}"
    echo "set xlabel $(quoted "$(label "$x")"); set ylabel $(quoted "$(label "$y")")"
    case $logs in *x*)
        # Ticks at the powers of two that the data span.
        echo "set logscale x 2"
        cut -f2 "$work/best" | LC_ALL=C sort -g | sed -n '1p;$p' | paste -sd' ' | awk '{
            printf "set xtics ("
            step = ($2 / $1 > 2000) ? 4 : 2
            for (t = 1; t <= $2; t *= step) if (t >= $1 * 0.99) {
                name = t >= 1024 && t % 1024 == 0 && $1 >= 512 ? t / 1024 "k" : t
                printf "%s\"%s\" %d", (n++ ? ", " : ""), name, t
            }
            print ")" }' ;;
    esac
    case $logs in *y*)
        echo "set logscale y"
        cut -f3 "$work/best" | log_range y ;;
    esac
    echo "set offsets graph 0.02, graph 0.02, 0, 0"
    echo "set key $key"
    [ "$group" ] || echo "unset key"
    printf 'plot '
    cut -f1 "$work/best" | uniq | {
        i=0
        while read -r name; do
            i=$((i + 1))
            awk -F '\t' -v n="$name" -v OFS='\t' '$1 == n { print $2, $3 }' "$work/best" >"$work/line$i"
            [ $i -eq 1 ] || printf ', '
            printf "%s using 1:2 with linespoints ls %d title %s" "$(quoted "$work/line$i")" "$i" "$(quoted "$name")"
        done
    }
    echo
} >"$work/plot"
draw "$work/plot" "$out"
