#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes errors.md: predictions against served points by engine, accelerator, model and scenario, with the coverage of stated
# intervals, and what is missed when groups, models, accelerators and releases are left out of the fit.
# usage: run.sh MOECOST [TABLE...] >errors.md     without tables: the shipped points
set -eu
moecost=$1
shift
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$moecost" validate "$@" --rows "$work/rows.csv" >"$work/text"
echo "# Errors on served points"
echo
echo "Median / mean of |predicted/measured - 1| in %, and the share of rows inside the stated 80 % interval, in %."
for by in scenario engine gpu model engine,gpu scenario,engine known; do
    echo
    echo "## By $by"
    echo
    awk -v by="$by" -f "$here/tables.awk" "$work/rows.csv"
done
[ $# -gt 0 ] || exit 0
tables=$(printf '%s,' "$@")
echo
echo "## Left out of the fit"
echo
echo '```'
"$moecost" calibrate --serving-rows "${tables%,}" --quiet
echo '```'
