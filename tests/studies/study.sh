#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# study.sh STUDY_YUN2024: the study runs, has a verdict for each of the 44 claims, and they are those of results/yun2024.
set -eu
study=$1
results=$(dirname "$(readlink -f "$0")")/../../results/yun2024
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$study" "$work"

# id and verdict; quoted fields may hold commas
verdicts() {
    sed 's/"[^"]*"/quoted/g' "$1" | awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == "verdict") v = i; next }
                                             { print $1, $v }'
}
verdicts "$work/claims.csv" >"$work/new"
[ "$(grep -cE '^P[0-9]{2} (reproduced|reproduced on the engine of its day|same direction; other size|contradicted|cannot be tested)$' "$work/new")" = 44 ] || {
    echo "not 44 claims with a verdict:" >&2
    cat "$work/new" >&2
    exit 1
}
verdicts "$results/data/claims.csv" >"$work/old"
diff "$work/old" "$work/new" >&2 || {
    echo "verdicts differ from results/yun2024: run results/yun2024/run.sh and read its findings again" >&2
    exit 1
}
for file in "$results"/data/*.csv; do
    name=$(basename "$file")
    [ "$(wc -l <"$file")" = "$(wc -l <"$work/$name")" ] || { echo "$name: other rows than in results/yun2024" >&2; exit 1; }
done
