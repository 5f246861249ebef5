#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CUDA program as a project of its own compiles for one architecture and, without a GPU, ends as it should.
#   compiles.sh SOURCE BUILD [ARCHITECTURE]      77: skipped, no nvcc
set -euo pipefail
source_folder=$1
build=$2
architecture=${3:-90a}

nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
if [ ! -x "$nvcc" ]; then
    echo "skipped: no nvcc on PATH or in /usr/local/cuda/bin, so the CUDA microbenchmarks were not compiled"
    exit 77
fi

launcher=()
! command -v ccache >/dev/null || launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S "$source_folder/hwmodels/microbench" -B "$build" -G Ninja -DMOECOST_WERROR=ON "${launcher[@]}" \
    -DCMAKE_CUDA_COMPILER="$nvcc" -DCMAKE_CUDA_ARCHITECTURES="$architecture-real"
cmake --build "$build" -j 2

program=$build/bin/moecost-microbench
"$program" --list --quick | tail -n 1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0
"$program" --filter launch --quick --out "$out" || status=$?
# 0 where there is a GPU, which then measured something; 77 where there is none.
if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
    echo "failed: exit $status instead of 0 (GPU) or 77 (none)"
    exit 1
fi
echo "compiled for sm_$architecture; run: exit $status"
