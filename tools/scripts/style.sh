#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Form and lint: clang-format over every C++ and CUDA file, clang-tidy (the checks of .clang-tidy) over every file of sim and
# tools that a build compiles, headers of the project included.
#   tools/scripts/style.sh BUILD [PATHS]     BUILD: a build folder of preset release, built; PATHS: a regular expression
# Tests take as long again and are looked at on demand: style.sh BUILD '^tests/'. A file is looked at again only when it, a
# header it includes or .clang-tidy has changed: BUILD/tidy keeps what passed. Never looked at by clang-tidy: CUDA, MPI and
# hwmodels/microbench, which g++ checks with the warnings of the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${1:?usage: style.sh BUILD [PATHS]}
paths=${2:-^(sim|tools)/}

find sim tools tests hwmodels \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
    xargs -0 clang-format-14 --dry-run --Werror

# Under pipefail a reader that leaves early fails the pipe at random: the writer dies of SIGPIPE if it has not finished.
if grep -rlZ --include='*.sh' '^set -.*pipefail' tests tools results hwmodels |
    xargs -0 grep -nE '^[^#]*[^'\''(]\|[^|'\'']*\b(grep -[a-zA-Z]*q|head)\b'; then
    echo "style: read to the end under pipefail: grep PATTERN >/dev/null, sed -n 1p"
    exit 1
fi

mkdir -p "$build/tidy"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Sources of the project among the compile commands: "file": "/.../sim/base/csv.cpp".
sed -n "s|^ *\"file\": *\"$PWD/||p" "$build/compile_commands.json" | sed 's|".*||' |
    grep -E -- "$paths" | sort -u >"$work/sources" || true

# Each source with the content it depends on, as g++ noted it: "<source> <digest>".
find sim tools tests hwmodels \( -name '*.h' -o -name '*.cpp' \) -exec sha256sum {} + >"$work/digests"
ninja -C "$build" -t deps | awk -v root="$PWD/" -v digests="$work/digests" '
    BEGIN { while ((getline line < digests) > 0) { split(line, f, "  "); sum[f[2]] = f[1] } }
    function flush() { if (source != "") print source, all; source = all = "" }
    /^[^ ].*: #deps/ { flush(); next }
    /^ / {
        path = $1
        sub(/^(.*\/)?include\/moecost\//, "sim/", path)
        sub(/^(\.\.\/)+/, "", path)
        if (index(path, root) == 1) path = substr(path, length(root) + 1)
        if (!(path in sum)) next
        if (source == "") source = path
        all = all substr(sum[path], 1, 16)
    }
    END { flush() }' | sort -u -k1,1 >"$work/deps"

config=$(sha256sum .clang-tidy | cut -c1-16)
while read -r source; do
    key=$( (echo "$config"; grep -F -- "$source " "$work/deps" || sha256sum "$source") | sha256sum | cut -c1-32)
    [ -e "$build/tidy/$key" ] || echo "$source $build/tidy/$key"
done <"$work/sources" >"$work/todo"

echo "clang-tidy: $(wc -l <"$work/todo") of $(wc -l <"$work/sources") files are new or changed"
check() {
    local log
    if log=$(clang-tidy-14 -p "$1" --quiet "$2" 2>/dev/null); then
        touch "$3"
    else
        printf '%s\n' "$log"
        return 1
    fi
}
export -f check
xargs -r -P "$(nproc)" -L 1 bash -c 'check "$0" "$1" "$2"' "$build" <"$work/todo"
