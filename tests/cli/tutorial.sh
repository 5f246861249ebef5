#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every command of the tutorial (tools/README.md) as a reader would and compares what it prints with the text there.
# In blocks that open with ```console, lines with "$ " are commands ("\" at the end goes on), what follows is their output.
# tutorial.sh PROGRAM [--update]: with --update the outputs are written into the tutorial instead.
set -u
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
text=$here/../../tools/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/folder"
ln -s "$program" "$work/bin/moecost"
cd "$work/folder" || exit 1
PATH=$work/bin:$PATH COLUMNS=100 NO_COLOR=1 awk '
    /^```console$/ { inside = 1; print; next }
    /^```$/ && inside { inside = 0; print; next }
    !inside { print; next }
    /^\$ / || more {
        print
        line = $0
        more = sub(/ *\\$/, " ", line)
        command = command (command == "" ? substr(line, 3) : line)
        if (more) next
        ran++
        run = "{ " command " ; } 2>&1 </dev/null"
        while ((run | getline output) > 0) print output
        close(run)
        command = ""
    }
    END { print ran + 0 >"/dev/stderr" }
' "$text" >"$work/new.md" 2>"$work/count" || exit 1
if [ "${2:-}" = "--update" ]; then
    cp "$work/new.md" "$text"
    exit 0
fi
diff -u "$text" "$work/new.md" || { echo "FAILED: the tutorial says something else; tutorial.sh PROGRAM --update"; exit 1; }
[ "$(cat "$work/count")" -ge 8 ] || { echo "FAILED: $(cat "$work/count") commands in the tutorial"; exit 1; }
echo "$(cat "$work/count") commands print what the tutorial says"
