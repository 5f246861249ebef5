# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Shared by the plot_*.sh scripts: columns of a sweep by name, labels with units, and lines that differ in grey.

die() {
    echo "$(basename "$0"): $*" >&2
    exit 2
}

# quoted TEXT: as gnuplot reads it, which looks for commands in backticks everywhere but between single quotes
quoted() { printf "'%s'" "$(printf %s "$1" | tr '\n' ' ' | sed "s/'/''/g")"; }

# need_rows FILE, need_place TEXT, need_number TEXT: what goes to gnuplot as it stands
need_rows() { [ -r "$1" ] && [ ! -d "$1" ] || die "$1: no such file"; }
need_place() { case $1 in '' | *[!a-z\ ]*) die "--key '$1': words such as top left" ;; esac; }
need_number() { case $1 in '' | *[!-+0-9.eE]*) die "'$1' is not a number" ;; esac; }

# draw PLOT OUT: the picture under its name, or nothing
draw() {
    gnuplot "$1" || die "gnuplot could not draw $2"
    mv -- "$work/picture" "$2"
}

command -v gnuplot >/dev/null || die "gnuplot is not installed (Debian: gnuplot-nox)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# cat_rows FILE: plain or gzip
cat_rows() {
    case $1 in *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac
}

# column FILE NAME: its number from 1
column() {
    n=$(cat_rows "$1" | sed -n 1p | tr ',' '\n' | grep -nx -- "$2" | cut -d: -f1)
    [ -n "$n" ] || die "$1 has no column '$2'; it has: $(cat_rows "$1" | sed -n 1p)"
    echo "$n"
}

# label NAME: what stands at an axis
label() {
    case $1 in
        tokens_per_s_per_user) echo "output tokens/s per user" ;;
        output_tokens_per_s_per_gpu) echo "output tokens/s per GPU" ;;
        output_tokens_per_s) echo "output tokens/s per instance" ;;
        usd_per_mtok | usd_per_mtok_output) echo "USD per million output tokens" ;;
        usd_per_mtok_input) echo "USD per million input tokens" ;;
        usd_per_mtok_total) echo "USD per million tokens" ;;
        usd_per_mtok_blended) echo "USD per million tokens (blended)" ;;
        joules_per_output_token) echo "energy (J per output token)" ;;
        ttft_s) echo "time to first token (s)" ;;
        tpot_s) echo "time per output token (s)" ;;
        concurrency | requests | decode_only | static_batch) echo "requests in flight per instance" ;;
        isl) echo "prompt or context length (tokens)" ;;
        osl) echo "output length (tokens)" ;;
        experts) echo "experts per layer" ;;
        parameters) echo "parameters" ;;
        tp) echo "tensor parallelism" ;;
        attention_dp) echo "attention data parallelism" ;;
        gpu.memory_bandwidth_tb_s) echo "memory bandwidth (TB/s)" ;;
        gpu.bf16_tflops) echo "dense bf16 peak (TFLOP/s)" ;;
        price) echo "USD per GPU-hour" ;;
        *) echo "$1" | tr '_' ' ' ;;
    esac
}

# begin_plot OUT.svg|OUT.png TITLE: terminal, a picture in the folder $work, frame and line styles; lightness and dashes both tell lines apart.
begin_plot() {
    case $1 in
        *.svg) echo "set terminal svg size 760,500 dynamic font 'DejaVu Sans,13' background '#ffffff'" ;;
        *.png) echo "set terminal pngcairo size 1140,750 font 'DejaVu Sans,14' background '#ffffff'" ;;
        *) die "$1: .svg or .png is needed" ;;
    esac
    cat <<PLOT
set output $(quoted "$work/picture")
set encoding utf8
set title $(quoted "$2") noenhanced font ',15'
set border 3 lc rgb '#444444'
set tics nomirror out scale 0.6 textcolor rgb '#222222'
set grid lc rgb '#cfcfcf' lw 0.8 dt 1
set key noenhanced samplen 3.2 spacing 1.25
set datafile separator '\t'
set style line 1 lc rgb '#10243e' lw 2.6 dt 1 pt 7 ps 0.7
set style line 2 lc rgb '#c4471b' lw 2.6 dt (9,4) pt 5 ps 0.7
set style line 3 lc rgb '#2f8f83' lw 2.6 dt (3,3) pt 9 ps 0.8
set style line 4 lc rgb '#b58a00' lw 2.6 dt (10,3,2,3) pt 13 ps 0.8
set style line 5 lc rgb '#7a4fa3' lw 2.6 dt (6,2,6,6) pt 11 ps 0.8
set style line 6 lc rgb '#808080' lw 2.6 dt (2,6) pt 6 ps 0.8
set style line 7 lc rgb '#b0306a' lw 2.6 dt (12,4,2,4,2,4) pt 4 ps 0.8
PLOT
}

# log_range AXIS [fine] < values: a range that ends at the data, not at a power of ten, with ticks at 1, 2, 5; fine: more
# of them where the range spans less than a factor of twelve.
log_range() {
    LC_ALL=C sort -g | sed -n '1p;$p' | paste -sd' ' | awk -v axis="$1" -v fine="${2:-}" '{
        low = $1 / 1.25; high = (NF == 2 ? $2 : $1) * 1.25
        printf "set %srange [%.6g:%.6g]; set %stics (", axis, low, high, axis
        ticks = split(fine && high / low < 12 ? "1 1.5 2 3 4 5 7" : "1 2 5", tick, " ")
        start = int(log(low) / log(10)) - 1
        for (e = start; e < start + 30; ++e) for (i = 1; i <= ticks; ++i) {
            t = tick[i] * 10 ^ e
            if (t >= low && t <= high) printf "%s\"%.6g\" %.6g", (n++ ? ", " : ""), t, t
        }
        print ")" }'
}
