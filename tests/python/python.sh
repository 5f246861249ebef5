#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the Python module: python.sh PYTHON BUILD SOURCE
set -eu
"$1" -c 'import pandas' 2>/dev/null || { echo "skipped: python3-pandas is not installed"; exit 77; }
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$2/python MOECOST_PROGRAM=$2/bin/moecost exec "$1" "$3/tests/python/test_moecost.py"
