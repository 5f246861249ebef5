#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes kernels.md: errors of the kernel forms on shapes held out of the fits, for every table of a folder of timings.
# usage: kernels.sh MOECOST FOLDER >kernels.md
set -eu
moecost=$1
folder=$2
cat <<'HEAD'
# Kernel forms against kernel timings

Held-out errors of every (accelerator, engine, kernel) table of the timings of ai-dynamo/aiconfigurator 095f58a
(Apache-2.0, snapshot 2026-08-21), a fifth of the shapes by hash. Written by `kernels.sh build/release/bin/moecost FOLDER`;
one line of it is `moecost calibrate --kernels FOLDER --gpu h200_sxm --engine vllm --format csv`. Values: constants of the
form; `!` marks parameters at a bound, `?` those that the rows decide only together with others.

| accelerator | engine | table | format | kernel | rows | median % | p90 % | bias % | values |
|---|---|---|---|---|---|---|---|---|---|
HEAD
for gpu in h200_sxm h100_sxm b200_sxm b300_sxm gb200_nvl72 gb300_nvl72 a100_sxm_80; do
    for engine in vllm sglang trtllm; do
        "$moecost" calibrate --kernels "$folder" --gpu "$gpu" --engine "$engine" --format csv --quiet |
            awk -F, -v gpu="$gpu" -v engine="$engine" '
                NR > 1 && $3 == engine {
                    n = split($14, words, " ")
                    values = ""
                    for (i = 1; i <= n; ++i) {
                        name = words[i]
                        sub(/=.*/, "", name)
                        values = values (i > 1 ? " " : "") words[i]
                        if (index(" " $12 " ", " " name " ")) values = values "!"
                        if (index(" " $13 " ", " " name " ")) values = values "?"
                    }
                    printf "| %s | %s | %s | %s | %s | %d | %.1f | %.0f | %.1f | %s |\n", gpu, engine, $1, $2, $NF, $5,
                        100 * $7, 100 * $8, 100 * $9, values
                }'
    done
done
