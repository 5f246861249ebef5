#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes ablations.md: what each law of a served step buys. A law is taken out by a neutral constant in a folder of data files
# that covers those of the program; the other constants stay, or are fitted anew without it.
# usage: ablations.sh MOECOST TABLES [ITERATIONS] >ablations.md    TABLES: those of calibrate --serving-rows, comma separated
set -eu
moecost=$1
tables=$2
iterations=${3:-8}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# usage: neutral KEY=VALUE...: data files with these constants, which are no longer fitted
neutral() {
    rm -rf "$work/data"
    mkdir -p "$work/data/hwmodels/calibrate"
    awk -v all="$*" 'BEGIN { n = split(all, s, " "); for (i = 1; i <= n; ++i) { split(s[i], kv, "="); value[kv[1]] = kv[2] } }
        $2 == "=" && ($1 in value) { $3 = value[$1] } { print }' "$root/hwmodels/serving.toml" >"$work/data/hwmodels/serving.toml"
    awk -v all="$*" 'BEGIN { n = split(all, s, " "); for (i = 1; i <= n; ++i) { split(s[i], kv, "="); gone["\"" kv[1] "\""] = 1 } }
        function flush() { if (block != "" && !(key in gone)) printf "%s", block; block = ""; key = "" }
        /^\[\[/ { flush() } $1 == "key" { key = $3 } { block = block $0 "\n" } END { flush() }' \
        "$root/hwmodels/calibrate/serving.toml" >"$work/data/hwmodels/calibrate/serving.toml"
}
# In one row: errors of the 1,797 closed loops and the offline runs, throughput unless said.
judged() {
    "$moecost" calibrate --serving-rows "$tables" --data-dir "$work/data" --iterations "$1" --quiet --format csv >"$work/judged"
    awk -F, '
        NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
        { what = $0; comma = gsub(/"[^"]*"/, "quoted"); split(what, q, "\""); name = comma ? q[2] : $1
          x[name] = $column["throughput_median"]; t[name] = $column["tpot_median"]; f[name] = $column["ttft_median"] }
        END { printf " %.1f | %.1f | %.1f | %.1f | %.1f |", 100 * x["in sample, constants alone"],
            100 * x["each group left out, constants alone"], 100 * t["in sample, constants alone"],
            100 * f["in sample, constants alone"], 100 * x["offline, in sample"] }' "$work/judged"
}
row() {
    name=$1
    shift
    neutral "$@"
    echo "| $name |$(judged 0)$(judged "$iterations")"
}

cat <<'HEAD'
# What each law buys

Median errors in % of 1,797 closed-loop rows without effects, and of 434 offline rows, with a law taken out: the other constants as
they are, then fitted anew. X: throughput; left out: groups of engine, accelerator and model.

| taken out | X | left out | TPOT | TTFT | offline X | fitted anew: X | left out | TPOT | TTFT | offline X |
|---|---|---|---|---|---|---|---|---|---|---|
HEAD
row "nothing" none=0
row "floors of the served graph above isolated ones" floor_factor=1
row "small kernels between the large ones" small_kernel_us=0
row "host time of a step" host_us=0
row "host time of a sequence, streaming" host_per_sequence_us=0 stream_per_sequence_us=0
row "launches of steps with prompts" prompt_step_us=0 prompt_step_layer_us=0
row "prompt work above its kernels" prefill_factor=1
row "bodies of kernels in the step (GEMM, experts, attention)" gemm_factor=1 expert_factor=1 decode_attention_factor=1
row "quantisation hidden in other kernels" quantise_static=1 quantise_dynamic=1
row "uneven experts" expert_skew=0
row "young models" young_slowdown=0
row "a first token's way: front end, its own prompt, the queue" first_token_ms=0.5 lone=1 queue=0.001 queue_in_step=0.005
