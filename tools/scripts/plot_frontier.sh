#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Frontier of a sweep along two columns, one line for each value of a third:
#   plot_frontier.sh ROWS.csv OUT.svg X Y [GROUP] [--min-y] [--log-x] [--log-y] [--title TEXT] [--table TABLE.csv] [--key PLACE]
# Large x is good; large y as well, or with --min-y small y. --table keeps the rows of the frontier.
set -eu
# shellcheck source=tools/scripts/plot_lib.sh
. "$(dirname "$0")/plot_lib.sh"
[ $# -ge 4 ] || die "usage: ROWS.csv OUT.svg X Y [GROUP] [--min-y] [--log-x] [--log-y] [--title TEXT] [--table FILE] [--key PLACE]"
rows=$1 out=$2 x=$3 y=$4
shift 4
need_rows "$rows"
group='' sense=1 logs='' title='' table='' key='top right'
while [ $# -gt 0 ]; do
    case $1 in
        --min-y) sense=-1 ;;
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
# From the best x down: a row stays when its y beats all before it.
cat_rows "$rows" | tail -n +2 | awk -F, -v x="$xc" -v y="$yc" -v g="$gc" -v OFS='\t' \
    '$x != "" && $y != "" { print (g ? $g : "all"), $x, $y, $0 }' |
    LC_ALL=C sort -t "$(printf '\t')" -s -k1,1 -k2,2gr -k3,3"$([ "$sense" = 1 ] && echo gr || echo g)" |
    awk -F '\t' -v s="$sense" -v OFS='\t' '$1 != group { group = $1; first = 1 }
        first || s * $3 > best { first = 0; best = s * $3; print }' >"$work/frontier"
[ -s "$work/frontier" ] || die "$rows has no row with both $x and $y"
if [ -n "$table" ]; then
    { cat_rows "$rows" | sed -n 1p; cut -f4- "$work/frontier"; } >"$table"
fi
{
    begin_plot "$out" "${title:-Frontier}"
    echo "set xlabel $(quoted "$(label "$x")"); set ylabel $(quoted "$(label "$y")")"
    for axis in $logs; do
        echo "set logscale $axis"
        cut -f"$([ "$axis" = x ] && echo 2 || echo 3)" "$work/frontier" | log_range "$axis"
    done
    echo "set key $key"
    [ "$group" ] || echo "unset key"
    printf 'plot '
    cut -f1 "$work/frontier" | uniq | {
        i=0
        while read -r name; do
            i=$((i + 1))
            awk -F '\t' -v n="$name" -v OFS='\t' '$1 == n { print $2, $3 }' "$work/frontier" >"$work/line$i"
            [ $i -eq 1 ] || printf ', '
            printf "%s using 1:2 with linespoints ls %d title %s" "$(quoted "$work/line$i")" "$i" "$(quoted "$name")"
        done
    }
    echo
} >"$work/plot"
draw "$work/plot" "$out"
