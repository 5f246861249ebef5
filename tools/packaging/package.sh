#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debian packages of the program and of the library, checked by lintian: package.sh [BUILD] [FOLDER for the packages]
# BUILD (default: build/package) may be a folder that was built before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tools/scripts/packages.sh
build=${1:-build/package}
out=$(realpath -m "${2:-$build/packages}")

if [ ! -e "$build/CMakeCache.txt" ]; then
    step "Packages"
    install_packages "${build_packages[@]}" "${packaging_packages[@]}"
    quietly cmake --preset release -B "$build" -DMOECOST_TESTS=OFF -DMOECOST_BENCH=OFF -DMOECOST_PYTHON=OFF
fi
step "Program, library and manual in $build"
quietly cmake --build "$build" --target moecost_cli moecost_fit moecost_search moecost_core manual

step "Packages in $out"
rm -rf "$out"
quietly cpack --config "$build/CPackConfig.cmake" -B "$out"
rm -rf "$out/_CPack_Packages"
ls "$out"/*.deb

if ! command -v lintian >/dev/null; then
    step "Skipped: lintian is not installed"
    exit 0
fi
step "lintian: no error and no warning"
lintian --allow-root --fail-on error,warning "$out"/*.deb
step "Packages: $out"
