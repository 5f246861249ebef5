#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that is checked before a change goes in: an optimised build with all tests, then the unit tests and the
# bad-input tests once more under address and undefined-behaviour sanitizers with warnings as errors. The form and lint of
# every source are checked after the release build (tools/scripts/style.sh).
# tools/test.sh release, or tools/test.sh dev, runs one of the two passes. The release pass also compiles the CUDA
# microbenchmarks for one architecture where nvcc is found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/scripts/packages.sh

passes=("$@")
[ ${#passes[@]} -gt 0 ] || passes=(release dev)

step "Packages"
install_packages "${build_packages[@]}" "${test_packages[@]}" "${style_packages[@]}" "${python_packages[@]}" \
    "${notebook_packages[@]}" "${packaging_packages[@]}" lintian

for pass in "${passes[@]}"; do
    build=build/test-$pass
    bench=OFF
    [ "$pass" != release ] || bench=ON
    step "Preset $pass: configure and build in $build"
    quietly cmake --preset "$pass" -B "$build" -DMOECOST_TESTS=ON -DMOECOST_BENCH="$bench"
    quietly cmake --build "$build"
    if [ "$pass" = release ]; then
        step "Form and lint"
        tools/scripts/style.sh "$build"
    fi
    step "Preset $pass: tests"
    ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)"
done
if ! command -v nvcc >/dev/null && [ ! -x /usr/local/cuda/bin/nvcc ]; then
    step "Skipped: no nvcc on PATH or in /usr/local/cuda/bin, so the CUDA microbenchmarks were not compiled"
fi
step "All passes succeeded: ${passes[*]}"
