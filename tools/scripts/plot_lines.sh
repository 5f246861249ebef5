#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lines of y over x as a table has them, one for each value of a third column, each named at its right:
#   plot_lines.sh ROWS.csv OUT.svg X Y GROUP [--where COLUMN=VALUE]... [--log-x] [--log-y] [--title TEXT]
#       [--x-label TEXT] [--y-label TEXT] [--at X:TEXT]... [--room SHARE] [--point COLUMN]
# --at: a vertical mark; --room: share of the width for the names; --point: a column whose value stands at each point.
set -eu
# shellcheck source=tools/scripts/plot_lib.sh
. "$(dirname "$0")/plot_lib.sh"
[ $# -ge 5 ] || die "usage: ROWS.csv OUT.svg X Y GROUP [options]"
rows=$1 out=$2 x=$3 y=$4 group=$5
shift 5
need_rows "$rows"
: >"$work/where"
: >"$work/marks"
log_x=0 log_y=0 title='' x_label=$(label "$x") y_label=$(label "$y") room=0.2 point=''
while [ $# -gt 0 ]; do
    case $1 in
        --where) echo "$(column "$rows" "${2%%=*}") ${2#*=}" >>"$work/where"; shift ;;
        --log-x) log_x=1 ;;
        --log-y) log_y=1 ;;
        --title) title=$2; shift ;;
        --x-label) x_label=$2; shift ;;
        --y-label) y_label=$2; shift ;;
        --at) need_number "${2%%:*}"; echo "$2" >>"$work/marks"; shift ;;
        --room) need_number "$2"; room=$2; shift ;;
        --point) point=$(column "$rows" "$2"); shift ;;
        *) die "unknown option $1" ;;
    esac
    shift
done
xc=$(column "$rows" "$x")
yc=$(column "$rows" "$y")
gc=$(column "$rows" "$group")
# name, x, y, text at the point; names in the order of the table, ascending x
cat_rows "$rows" | tail -n +2 | awk -F, -v OFS='\t' -v x="$xc" -v y="$yc" -v g="$gc" -v t="$point" '
    FILENAME == ARGV[1] { split($0, w, " "); want[++n] = substr($0, length(w[1]) + 2); at[n] = w[1]; next }
    { for (i = 1; i <= n; ++i) if ($at[i] != want[i]) next }
    $x != "" && $y != "" {
        if (!($g in order)) order[$g] = ++groups
        print order[$g], $g, $x, $y, (t ? $t : "")
    }' "$work/where" - | LC_ALL=C sort -t "$(printf '\t')" -s -k1,1g -k3,3g | cut -f2- >"$work/points"
[ -s "$work/points" ] || die "$rows has no such row"
# ends COLUMN: the least and the largest value
ends() { cut -f"$1" "$work/points" | LC_ALL=C sort -g | sed -n '1p;$p' | paste -sd' '; }
right=$(ends 2 | cut -d' ' -f2)

# The range of x, with room for names; ticks at powers of two where the data are such, else at 1, 2, 5, or at powers of
# ten alone.
x_axis() {
    twos=$(cut -f2 "$work/points" | awk '{ p = $1 > 0 ? log($1) / log(2) : 0.5; d = p - int(p + 0.5); if (d * d > 1e-12) no = 1 }
        END { print !no }')
    ends 2 | awk -v logs=$log_x -v room="$room" -v twos="$twos" '{
        low = $1; high = $2; share = room / (1 - room); n = 0
        if (!logs) { printf "set xrange [%.6g:%.6g]\n", low - 0.02 * (high - low), high + (high - low) * share; exit }
        span = log(high / low)
        printf "set logscale x; set xrange [%.6g:%.6g]; set xtics (", low / exp(0.02 * span), high * exp(span * share)
        many = split(twos || (high > 1e5 && span > 5.8) ? "1" : "1 2 5", digit, " ")   # 5.8: two and a half decades
        for (t = 1; t <= high * 1.01; t *= twos ? 2 : 10) for (i = 1; i <= many; ++i) {
            at = t * digit[i]
            if (at < low * 0.99 || at > high * 1.01) continue
            if (at >= 1e5) printf "%s\"%s10^{%d}\" %g", (n++ ? ", " : ""), (digit[i] == 1 ? "" : digit[i] "·"), log(t) / log(10) + 0.5, at
            else printf "%s\"%d\" %g", (n++ ? ", " : ""), at, at
        }
        print ")" }'
}

marks() {
    i=0
    while IFS=: read -r at text; do
        i=$((i + 1))
        echo "set arrow from first $at, graph 0 to first $at, graph 1 nohead lc rgb '#9a9a9a' lw 1.4 dt (2,4)"
        echo "set label $(quoted "$text") at first $at, graph $(awk -v i=$i 'BEGIN { print 0.99 - 0.05 * i }')" \
            "offset character 0.6,0 tc rgb '#6a6a6a' font ',12'"
    done <"$work/marks"
}

# Names at the height of the ends of their lines, moved apart to 4.5 % of the height.
names() {
    { ends 3; awk -F '\t' -v OFS='\t' '$1 != name { if (i++) print y, i - 1; name = $1 } { y = $3 } END { print y, i }' \
        "$work/points" | LC_ALL=C sort -g; } |
        awk -v logs=$log_y -v file="$work/names" -v right="$right" '
        function place(v) { return logs ? log(v / low) / log(high / low) : (v - low) / (high - low) }
        BEGIN { while ((getline line < file) > 0) { gsub(/\047/, "\047\047", line); name[++n] = line } }
        NR == 1 {
            d = 0.05 * ($2 - $1)
            low = logs ? $1 / 1.25 : $1 - d
            high = logs ? $2 * 1.25 : $2 + d
            next
        }
        { y[++m] = place($1); id[m] = $2 }
        END {
            for (round = 0; round < 400; ++round) {
                for (i = 2; i <= m; ++i) {
                    push = (0.045 - (y[i] - y[i - 1])) / 2
                    if (push > 0) { y[i] += push; y[i - 1] -= push }
                }
                if (y[1] < 0.02) y[1] = 0.02
                if (y[m] > 0.98) y[m] = 0.98
            }
            if (!logs) printf "set yrange [%.8g:%.8g]\n", low, high
            for (i = 1; i <= m; ++i)
                printf "set label \047%s\047 at first %.8g, graph %.4f offset character 1.1,0 tc ls %d font \",13\" noenhanced\n",
                    name[id[i]], right, y[i], id[i]
        }'
}

cut -f1 "$work/points" | uniq >"$work/names"
{
    begin_plot "$out" "$title"
    echo "unset key; set xlabel $(quoted "$x_label"); set ylabel $(quoted "$y_label")"
    [ $log_y = 0 ] || { echo "set logscale y"; cut -f3 "$work/points" | log_range y fine; }
    x_axis
    marks
    names
    printf 'plot '
    i=0
    while IFS= read -r name; do
        i=$((i + 1))
        awk -F '\t' -v n="$name" -v OFS='\t' '$1 == n { print $2, $3, $4 }' "$work/points" >"$work/line$i"
        [ $i -eq 1 ] || printf ', '
        printf "%s using 1:2 with linespoints ls %d title %s" "$(quoted "$work/line$i")" "$i" "$(quoted "$name")"
        # Above one line, below the next.
        [ -z "$point" ] || printf ", %s using 1:2:3 with labels offset 0,%s font ',10' tc ls %d title %s" \
            "$(quoted "$work/line$i")" "$([ $((i % 2)) = 1 ] && echo 0.8 || echo -0.9)" "$i" "$(quoted "$name at its points")"
    done <"$work/names"
    echo
} >"$work/plot"
draw "$work/plot" "$out"
