#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How often intervals of a fit hold the truth: run.sh [BUILD], a build folder with the target study_coverage. Three minutes on one core.
set -eu
here=$(dirname "$(readlink -f "$0")")
study=${1:-$here/../../build/release}/tools/study_coverage
[ -x "$study" ] || { echo "run.sh: $study is missing: cmake --build BUILD --target study_coverage" >&2; exit 2; }
{
    echo "law,coefficient,held,missed,no_interval,one_sided,one_sided_held"
    for law in besiroglu2024 ludziejewski2025 yun2024_yp; do "$study" "$law" 0.9 100 200; done
} >"$here/coverage.csv.new"
mv "$here/coverage.csv.new" "$here/coverage.csv"
