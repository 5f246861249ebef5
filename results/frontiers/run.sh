#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Regenerates every folder beside it: run.sh [MOECOST]. Rows go to a scratch folder; the frontier, a small table, stays.
set -eu
moecost=${1:-moecost}
here=$(dirname "$(readlink -f "$0")")
scripts=$here/../../tools/scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# picture FOLDER SCRIPT X Y GROUP TITLE [options]: sweep, table and both pictures
picture() {
    folder=$1 script=$2 x=$3 y=$4 group=$5 title=$6
    shift 6
    "$moecost" sweep "$here/$folder/grid.toml" -o "$work/$folder.csv" --quiet
    for format in svg png; do
        "$scripts/$script" "$work/$folder.csv" "$here/$folder/$folder.$format" "$x" "$y" "$group" --title "$title" \
            --table "$here/$folder/frontier.csv" "$@"
    done
}

picture layouts plot_frontier.sh tokens_per_s_per_user output_tokens_per_s_per_gpu gpu \
    "DeepSeek-R1 in fp8, 1k in, 1k out: best layouts of 8 and 16 GPUs" --log-y
picture experts plot_best.sh experts usd_per_mtok_output gpu \
    "Qwen3-30B-A3B shape, 3 B active: cost of the number of experts" --log-x --log-y --key "top left"
picture formats plot_best.sh concurrency usd_per_mtok_output weights \
    "DeepSeek-R1 on B200: cheapest layout in fp8 and in nvfp4" --log-x --log-y
picture context plot_best.sh isl usd_per_mtok_output model \
    "Decoding on 8 x H200 at 50 ms per token or less: cost of context" --log-x --log-y --key "top left"
"$scripts/plot_heat.sh" "$work/experts.csv" "$here/experts/heat.svg" experts concurrency usd_per_mtok_output --log-z \
    --title "Qwen3-30B-A3B shape: cheapest of three GPUs, by experts and concurrency"
"$scripts/plot_heat.sh" "$work/experts.csv" "$here/experts/heat.png" experts concurrency usd_per_mtok_output --log-z \
    --title "Qwen3-30B-A3B shape: cheapest of three GPUs, by experts and concurrency"
