#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How well an accelerator is predicted from the kernels of another one of its generation, without a served point of its own: four
# that have both are named anew, with the other as their relative, and the published rows of each are predicted so.
# usage: twins.sh MOECOST TABLE     TABLE: served points
set -eu
moecost=$1
table=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in accelerators clusters prices; do mkdir -p "$work/hwmodels/$folder"; done

twin() {
    sed -e "s/^relative = .*/relative = \"$2\"/" -e 's/^aliases = .*/aliases = []/' \
        "$root/hwmodels/accelerators/$1.toml" >"$work/hwmodels/accelerators/twin_$1.toml"
    sed "s/$1/twin_$1/g" "$root/hwmodels/clusters/hgx_${1%%_*}.toml" >"$work/hwmodels/clusters/twin_$1.toml"
    sed "s/$1/twin_$1/g" "$root/hwmodels/prices/$1.toml" >"$work/hwmodels/prices/twin_$1.toml"
}
twin h200_sxm h100_sxm
twin h100_sxm h200_sxm
twin b200_sxm b300_sxm
twin b300_sxm b200_sxm
sed -E 's/,(h200|h100|b200|b300)-sxm,/,twin_\1_sxm,/' "$table" >"$work/table.csv"
"$moecost" validate "$work/table.csv" --only scenario=closed_loop --only max_gpus=8 \
    --only gpu=twin_h200_sxm,twin_h100_sxm,twin_b200_sxm,twin_b300_sxm --data-dir "$work" --rows "$work/rows.csv" >/dev/null
for by in scenario gpu gpu,engine; do
    awk -v by="$by" -f "$root/results/accuracy/tables.awk" "$work/rows.csv"
    echo
done
