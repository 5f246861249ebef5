#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The planner page in one file: build.sh FOLDER writes FOLDER/planner.html. emscripten compiles the library (minutes, the
# first time), npm packages come as the lock file says; a second run needs no network.
#   Debian: emscripten node-acorn libfast-float-dev libfmt-dev libtomlplusplus-dev rapidjson-dev nodejs npm
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: build.sh FOLDER" >&2; exit 2; }
for tool in emcmake ninja node npm; do
    command -v "$tool" >/dev/null || { echo "build.sh: $tool is not installed" >&2; exit 77; }
done
mkdir -p "$1/wasm"
cd "$1"
# The modules of Debian that emcc loads (acorn) stand outside its folder.
export NODE_PATH=/usr/share/nodejs
[ -e wasm/build.ninja ] ||
    emcmake cmake -S "$here/../.." -B wasm -G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG"
ninja -C wasm -j "${JOBS:-1}" planner
if ! cmp -s "$here/package-lock.json" installed.json || [ ! -d node_modules ]; then
    cp "$here/package.json" "$here/package-lock.json" .
    npm ci --ignore-scripts --no-audit --no-fund
    cp package-lock.json installed.json
fi
rm -rf src
cp -r "$here/src" "$here/bundle.mjs" .
cp wasm/planner.js wasm/planner.wasm .
node bundle.mjs
