#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 to an answer: installs what is missing, builds the program, and asks what a token of
# Mixtral-8x7B costs on two A100-80GB and on two H100 under a chat workload.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/scripts/packages.sh

build=build/quickstart
step "Packages"
install_packages "${build_packages[@]}"

step "Building the program in $build (a few minutes the first time)"
quietly cmake --preset release -B "$build" -DMOECOST_TESTS=OFF -DMOECOST_BENCH=OFF -DMOECOST_PRECOMPILE=ON
quietly cmake --build "$build" --target moecost_cli

step "Mixtral-8x7B, bf16, tensor parallelism 2: A100-80GB and H100, chat traffic, 64 requests in flight"
# shellcheck disable=SC2054
question=(estimate --model mixtral-8x7b --gpu a100_sxm_80,h100_sxm --tp 2 --weights bf16 --traffic chat
    --concurrency 64)
echo "\$ $build/bin/moecost ${question[*]}"
echo
"$build/bin/moecost" "${question[@]}"
echo
echo "Next: $build/bin/moecost --help"
