#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Closed forms of serving against the event simulation: the table of README.md, cases.csv and the picture.
# Usage: run.sh [build folder]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build/release}
cmake --build "$build" --target study_serving
"$build/tools/study_serving" 330 20000 results/serving/cases.csv
sh results/serving/plot.sh
