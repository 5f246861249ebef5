#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests the planner page where it was built (tools/web/build.sh build/web): planner.sh FOLDER MOECOST [PICTURES]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
page=$1/planner.html
[ -e "$page" ] || { echo "skipped: $page is not built (tools/web/build.sh $1)"; exit 77; }
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || { echo "skipped: chromium is not installed"; exit 77; }
exec node "$here/planner.mjs" "$page" "$(realpath "$2")" "$(realpath "$1")" "$browser" ${3:+"$(realpath "$3")"}
