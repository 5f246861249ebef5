#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An interrupted run exits with 130 and leaves whole rows; killed in the middle it leaves a table that the next run
# goes on with; in the end every case is there once.     interrupt.sh PROGRAM
set -euo pipefail
program=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
command=("$program" --synthetic h100_sxm-vllm --full --filter gemm/cublaslt/bfloat16 --out "$out")

interrupted_by() {   # signal, expected status: begins, waits for the first rows, sends the signal
    "${command[@]}" >"$out/log" 2>&1 &
    local pid=$! status=0
    for _ in $(seq 200); do
        [ "$(wc -l <"$out/gemm.csv" 2>/dev/null || echo 0)" -lt "$3" ] || break
        sleep 0.05
    done
    kill -s "$1" "$pid" 2>/dev/null || true
    wait "$pid" || status=$?
    if [ "$status" -ne "$2" ]; then
        echo "failed: exit $status after $1, expected $2"
        tail -n 3 "$out/log"
        exit 1
    fi
}

interrupted_by INT 130 5
[ "$(tail -c 1 "$out/gemm.csv" | wc -l)" -eq 1 ] || { echo "failed: the last row is not whole"; exit 1; }
interrupted_by KILL 137 300
printf 'h100-sxm,micro' >>"$out/gemm.csv"   # what a crash may leave
"${command[@]}" >"$out/log" 2>&1
rows=$(($(wc -l <"$out/gemm.csv") - 1))
distinct=$(tail -n +2 "$out/gemm.csv" | cut -d, -f4-8 | sort -u | wc -l)
listed=$("$program" --list --filter gemm/cublaslt/bfloat16 | grep -vc '^#')
echo "$rows rows, $distinct distinct, $listed cases"
[ "$rows" -eq "$listed" ] && [ "$distinct" -eq "$listed" ]
