#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Regenerates predicted.csv and the table of errors in README.md: run.sh [BUILD], a build folder with the target study_memory.
set -eu
here=$(dirname "$(readlink -f "$0")")
build=${1:-$here/../../build/release}
study=$build/tools/study_memory
[ -x "$study" ] || { echo "run.sh: $study is missing: cmake --build $build --target study_memory" >&2; exit 2; }
"$study" "$here/memory_logs.csv" "$here/predicted.csv" | sed 's/^/    /' >"$here/errors.txt"
awk -v file="$here/errors.txt" '
    $0 == "<!-- errors -->" { print; print ""; while ((getline line < file) > 0) print line; print ""; inside = 1; next }
    $0 == "<!-- end -->" { inside = 0 }
    !inside { print }' "$here/README.md" >"$here/README.md.new"
mv "$here/README.md.new" "$here/README.md"
rm "$here/errors.txt"
