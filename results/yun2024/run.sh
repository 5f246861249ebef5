#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Regenerates data, pictures and the tables of README.md: run.sh [BUILD], a build folder with the target study_yun2024.
set -eu
here=$(dirname "$(readlink -f "$0")")
build=${1:-$here/../../build/release}
study=$build/tools/study_yun2024
[ -x "$study" ] || { echo "run.sh: $study is missing: cmake --build $build --target study_yun2024" >&2; exit 2; }
mkdir -p "$here/data"
rm -f "$here"/data/*.csv   # what the study no longer writes must not stay
"$study" "$here/data"

# splice PAGE NAME: what stands between the marks <!-- NAME --> and <!-- end --> of the page becomes data/NAME.md
splice() {
    awk -v name="$2" -v file="$here/data/$2.md" '
        $0 == "<!-- " name " -->" { print; while ((getline line < file) > 0) print line; inside = 1; next }
        $0 == "<!-- end -->" { inside = 0 }
        !inside { print }' "$here/$1" >"$here/$1.new"
    mv "$here/$1.new" "$here/$1"
    rm "$here/data/$2.md"
}
for table in headlines tally cases; do splice README.md "$table"; done
for table in claims rules by_serving by_law; do splice claims.md "$table"; done
sh "$here/plot.sh"
