#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bundles the page of `moecost report` into one file without references to anything outside: build.sh FOLDER writes
# FOLDER/page.html. Packages come from the npm registry as the lock file says, once; a second run needs no network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: build.sh FOLDER" >&2; exit 2; }
for tool in node npm; do
    command -v "$tool" >/dev/null || { echo "build.sh: $tool is not installed" >&2; exit 1; }
done
mkdir -p "$1"
cd "$1"
if ! cmp -s "$here/package-lock.json" installed.json || [ ! -d node_modules ]; then
    cp "$here/package.json" "$here/package-lock.json" .
    npm ci --ignore-scripts --no-audit --no-fund
    cp package-lock.json installed.json
fi
rm -rf src
cp -r "$here/src" "$here/bundle.mjs" .
node bundle.mjs
