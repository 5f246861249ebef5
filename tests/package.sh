#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packs a build into Debian packages, unpacks them as dpkg does and uses what is there: the program, its manual and
# completion, and the library by find_package(moecost).     package.sh BUILD SOURCE CXX
set -euo pipefail
build=$1 source=$2 cxx=$3
for tool in dpkg-deb dpkg-shlibdeps file cpack; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$source/tools/packaging/package.sh" "$build" "$work/packages"
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$work/root"; done

usr=$work/root/usr
"$usr/bin/moecost" estimate --model mixtral-8x7b --gpu h100 --tp 2 --quiet | grep 'tok/s' >/dev/null
for page in man1/moecost.1 man1/moecost-estimate.1 man7/moecost-reading.7; do
    gzip -dc "$usr/share/man/$page.gz" | grep '^\.TH MOECOST' >/dev/null
done
grep -q moecost "$usr/share/bash-completion/completions/moecost"

mkdir "$work/user"
cp "$usr/share/doc/libmoecost-dev/examples/estimate.cpp" "$work/user/"
cat >"$work/user/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(moecost 0.1 REQUIRED)
add_executable(estimate estimate.cpp)
target_link_libraries(estimate PRIVATE moecost::moecost)
CMAKE
cmake -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$usr" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_BUILD_TYPE=Debug >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
grep -q "^moecost_DIR:PATH=$usr/" "$work/user/build/CMakeCache.txt" || { echo "another moecost was found"; exit 1; }
cmake --build "$work/user/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/user/build/estimate" | grep 'tokens/s' >/dev/null
echo "packages work"
