#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Regenerates data, pictures and the tables of README.md: run.sh [BUILD], a build folder with the target study_yun2024.
set -eu
here=$(dirname "$(readlink -f "$0")")
build=${1:-$here/../../build/release}
study=$build/tools/study_yun2024
[ -x "$study" ] || { echo "run.sh: $study is missing: cmake --build $build --target study_yun2024" >&2; exit 2; }
mkdir -p "$here/data"
"$study" "$here/data"

# splice NAME: what stands between the marks <!-- NAME --> and <!-- end --> becomes data/NAME.md
splice() {
    awk -v name="$1" -v file="$here/data/$1.md" '
        $0 == "<!-- " name " -->" { print; while ((getline line < file) > 0) print line; inside = 1; next }
        $0 == "<!-- end -->" { inside = 0 }
        !inside { print }' "$here/README.md" >"$here/README.md.new"
    mv "$here/README.md.new" "$here/README.md"
    rm "$here/data/$1.md"
}
for table in claims cases by_serving by_law; do splice "$table"; done
sh "$here/plot.sh"
