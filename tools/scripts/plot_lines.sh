#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lines of y over x as a table has them, one for each value of a third column, each named at its end:
#   plot_lines.sh ROWS.csv OUT.svg X Y GROUP [--where COLUMN=VALUE]... [--log-x] [--log-y] [--title TEXT]
#       [--x-label TEXT] [--y-label TEXT] [--per COLUMN] [--times NUMBER] [--dashed-from X] [--at X:TEXT]... [--room SHARE]
#       [--point COLUMN] [--key PLACE]
# --per divides y by another column, --times multiplies it; --dashed-from: thin beyond X; --at: a vertical mark;
# --room: free share at the right for names; --point: a column whose value stands at each point; --key: a legend
# instead of names.
set -eu
. "$(dirname "$0")/plot_lib.sh"
[ $# -ge 5 ] || die "usage: ROWS.csv OUT.svg X Y GROUP [options]"
rows=$1 out=$2 x=$3 y=$4 group=$5
shift 5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/where"
: >"$work/marks"
log_x=0 log_y=0 title='' x_label=$(label "$x") y_label=$(label "$y") per='' times=1 dashed='' room=0.2 point='' key=''
while [ $# -gt 0 ]; do
    case $1 in
        --where) echo "$(column "$rows" "${2%%=*}") ${2#*=}" >>"$work/where"; shift ;;
        --log-x) log_x=1 ;;
        --log-y) log_y=1 ;;
        --title) title=$2; shift ;;
        --x-label) x_label=$2; shift ;;
        --y-label) y_label=$2; shift ;;
        --per) per=$2; shift ;;
        --times) times=$2; shift ;;
        --dashed-from) dashed=$2; shift ;;
        --at) echo "$2" >>"$work/marks"; shift ;;
        --room) room=$2; shift ;;
        --point) point=$2; shift ;;
        --key) key=$2; shift ;;
        *) die "unknown option $1" ;;
    esac
    shift
done
number_of() { [ -z "$1" ] && echo 0 || column "$rows" "$1"; }
# name, x, y, text of the point; in the order of the table's groups, ascending x
cat_rows "$rows" | tail -n +2 | awk -F, -v OFS='\t' -v x="$(column "$rows" "$x")" -v y="$(column "$rows" "$y")" \
    -v g="$(column "$rows" "$group")" -v p="$(number_of "$per")" -v t="$(number_of "$point")" -v times="$times" '
    FILENAME == ARGV[1] { split($0, w, " "); want[++n] = substr($0, length(w[1]) + 2); at[n] = w[1]; next }
    { for (i = 1; i <= n; ++i) if ($at[i] != want[i]) next }
    $x != "" && $y != "" {
        if (!($g in order)) order[$g] = ++groups
        v = $y * times
        if (p) v /= $p
        print order[$g], $g, $x, v, (t ? $t : "")
    }' "$work/where" - | LC_ALL=C sort -t "$(printf '\t')" -s -k1,1g -k3,3g | cut -f2- >"$work/points"
[ -s "$work/points" ] || die "$rows has no such row"
# Powers of two alone?
twos=$(cut -f2 "$work/points" | awk '$1 <= 0 { no = 1; next } { p = log($1) / log(2); if (p - int(p + 0.5) > 1e-9 || int(p + 0.5) - p > 1e-9) no = 1 } END { print !no }')
right=$(cut -f2 "$work/points" | LC_ALL=C sort -g | tail -1)
{
    begin_plot "$out" "$title"
    echo "set xlabel \"$x_label\"; set ylabel \"$y_label\""
    [ $log_y = 0 ] || { echo "set logscale y"; cut -f3 "$work/points" | log_range y; }
    cut -f2 "$work/points" | LC_ALL=C sort -g | sed -n '1p;$p' | paste -sd' ' | awk -v logs=$log_x -v room="$room" -v twos="$twos" '{
        low = $1; high = $2
        if (!logs) { printf "set xrange [%.6g:%.6g]\n", low - 0.02 * (high - low), high + (high - low) * room / (1 - room); exit }
        span = log(high / low)
        printf "set logscale x; set xrange [%.6g:%.6g]; set xtics (", low / exp(0.02 * span), high * exp(span * room / (1 - room))
        # 1, 2, 5 below 1e5; powers of two where the data are such; powers of ten above.
        for (t = 1; t <= high * 1.01; t *= twos ? 2 : 10) for (i = 1; i <= (twos || high > 1e5 ? 1 : 5); i += (i > 1 ? 3 : 1)) {
            at = t * i
            if (at < low * 0.99 || at > high * 1.01) continue
            if (at >= 1e5) printf "%s\"10^{%d}\" %g", (n++ ? ", " : ""), log(t) / log(10) + 0.5, at
            else printf "%s\"%d\" %g", (n++ ? ", " : ""), at, at
        }
        print ")" }'
    i=0
    while IFS=: read -r at text; do
        i=$((i + 1))
        echo "set arrow from first $at, graph 0 to first $at, graph 1 nohead lc rgb '#9a9a9a' lw 1.4 dt (2,4)"
        echo "set label \"$text\" at first $at, graph $(awk -v i=$i 'BEGIN { print 0.99 - 0.05 * i }') offset character 0.6,0 tc rgb '#6a6a6a' font ',12'"
    done <"$work/marks"
    [ -z "$key" ] && echo "unset key" || echo "set key $key"
    printf 'plot '
    i=0
    cut -f1 "$work/points" | awk '!seen[$0]++' >"$work/names"
    while IFS= read -r name; do
        i=$((i + 1))
        awk -F '\t' -v n="$name" -v OFS='\t' '$1 == n { print $2, $3, $4 }' "$work/points" >"$work/line$i"
        [ $i -eq 1 ] || printf ', '
        if [ -n "$dashed" ]; then
            awk -F '\t' -v d="$dashed" '$1 <= d' "$work/line$i" >"$work/in$i"
            awk -F '\t' -v d="$dashed" '$1 >= d' "$work/line$i" >"$work/beyond$i"
            printf "'%s' using 1:2 with linespoints ls %d title '%s', " "$work/in$i" "$i" "$name"
            printf "'%s' using 1:2 with linespoints ls %d lw 1.1 ps 0.45 notitle" "$work/beyond$i" "$i"
        else
            printf "'%s' using 1:2 with linespoints ls %d title '%s'" "$work/line$i" "$i" "$name"
        fi
        [ -z "$point" ] || printf ", '%s' using 1:2:3 with labels offset 0,0.8 font ',10' tc rgb '#555555' notitle" "$work/line$i"
        tail -1 "$work/line$i" | awk -F '\t' -v i=$i -v OFS='\t' '{ print $2, i }' >>"$work/ends"
    done <"$work/names"
    echo
} >"$work/plot.body"
# Names at the ends, moved apart where they would overlap, to 4.5 % of the height.
if [ -z "$key" ]; then
    { cut -f3 "$work/points" | LC_ALL=C sort -g | sed -n '1p;$p' | paste -sd' '; LC_ALL=C sort -g "$work/ends"; } |
        awk -v logs=$log_y -v names="$work/names" -v right="$right" '
        function place(v) { return logs ? log(v / low) / log(high / low) : (v - low) / (high - low) }
        BEGIN { while ((getline line < names) > 0) name[++n] = line }
        NR == 1 { low = $1; high = $2; if (logs) { low /= 1.25; high *= 1.25 } else { d = 0.05 * (high - low); low -= d; high += d }; last = -1; next }
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
                printf "set label \"%s\" at first %.8g, graph %.4f offset character 1.1,0 tc ls %d font \",13\" noenhanced\n", name[id[i]], right, y[i], id[i]
        }' >"$work/labels"
else
    : >"$work/labels"
fi
{ sed '$d' "$work/plot.body"; cat "$work/labels"; sed -n '$p' "$work/plot.body"; } >"$work/plot"
gnuplot "$work/plot"
