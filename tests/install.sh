#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a build into a folder of its own and compiles tools/examples/estimate.cpp against it as a user would, with
# find_package(moecost): install.sh BUILD SOURCE CXX
set -euo pipefail
build=$1 source=$2 cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
[ ! -e "$work/prefix/include/base" ] || { echo "headers stand outside include/moecost"; exit 1; }

mkdir "$work/user"
cp "$source/tools/examples/estimate.cpp" "$work/user/"
cat >"$work/user/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(moecost REQUIRED)
add_executable(estimate estimate.cpp)
target_link_libraries(estimate PRIVATE moecost::moecost)
CMAKE
cmake -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_BUILD_TYPE=Debug >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/user/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/user/build/estimate" | tee "$work/answer"
grep -q "tokens/s" "$work/answer"
