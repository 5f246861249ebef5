#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prefill and decode apart against published runs: two_pools.sh BUILD TABLE.csv... fits hwmodels/pools.toml anew (printed to
# pools.toml in the scratch folder), prints errors by kind and with one kind of GPU left out, and draws two_pools.svg.
set -eu
build=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --build "$build" --target study_two_pools moecost_cli
"$build/tools/study_two_pools" "$@" > "$scratch/pools.toml"
cat "$scratch/pools.toml"
"$build/bin/moecost" validate "$@" --only pools=two --rows "$scratch/rows.csv"
sh "$here/draw_two_pools.sh" "$scratch/rows.csv" "$here/two_pools.svg"
