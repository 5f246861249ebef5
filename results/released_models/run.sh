#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Regenerates every table and picture beside it: run.sh [BUILD]. BUILD is the build folder that holds bin/moecost (default:
# the moecost of the PATH). About 300 seconds of CPU; answers stay in WORK (default: released_models in the cache of the
# user), so a stopped run goes on where it ended. JOBS: processes (default: all cores).
set -eu
here=$(dirname "$(readlink -f "$0")")
moecost=$(command -v moecost || true)
[ $# -eq 0 ] || moecost=$(readlink -f "$1")/bin/moecost
[ -x "$moecost" ] || { echo "run.sh: no moecost at '$moecost': give the build folder" >&2; exit 2; }
work=${WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/moecost/released_models}
mkdir -p "$work"
python3 -B "$here/audit.py" "$moecost" "$work" "${JOBS:-$(nproc)}"
python3 -B "$here/report.py"
"$here/plot.sh"
