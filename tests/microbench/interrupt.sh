#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An interrupted run exits with 130 and leaves whole rows; killed in the middle it leaves a table that the next run
# goes on with; in the end every case is there once.     interrupt.sh PROGRAM
#
# No clock: the program prints a line for each row into a pipe that nobody reads on until the signal is sent. The pipe
# holds fewer lines (64 KiB, some 700) than are left, so the program waits in the middle of its run however slow we are.
set -euo pipefail
program=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkfifo "$out/lines"
command=("$program" --synthetic h100_sxm-vllm --full --noise 0.001 --filter gemm/cublaslt/bfloat16 --out "$out")

interrupted_by() {   # signal, expected status, rows: begins, reads so many rows, sends the signal
    "${command[@]}" >"$out/lines" 2>"$out/log" &
    local pid=$! status=0 line
    exec 3<"$out/lines"
    for _ in $(seq "$3"); do
        read -r line <&3 || break
    done
    kill -s "$1" "$pid" || { echo "failed: the run had ended before $1"; exit 1; }
    cat <&3 >/dev/null   # what it was about to print
    exec 3<&-
    wait "$pid" || status=$?
    if [ "$status" -ne "$2" ]; then
        echo "failed: exit $status after $1, expected $2; last line read: ${line:-none}"
        tail -n 3 "$out/log"
        exit 1
    fi
}

interrupted_by INT 130 5
[ "$(tail -c 1 "$out/gemm.csv" | wc -l)" -eq 1 ] || { echo "failed: the last row is not whole"; exit 1; }
interrupted_by KILL 137 50
printf 'h100-sxm,micro' >>"$out/gemm.csv"   # what a crash may leave
"${command[@]}" >"$out/log" 2>&1
rows=$(($(wc -l <"$out/gemm.csv") - 1))
distinct=$(tail -n +2 "$out/gemm.csv" | cut -d, -f4-8 | sort -u | wc -l)
listed=$("$program" --list --filter gemm/cublaslt/bfloat16 | grep -vc '^#')
echo "$rows rows, $distinct distinct, $listed cases"
[ "$rows" -eq "$listed" ] && [ "$distinct" -eq "$listed" ]
