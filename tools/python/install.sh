#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 to an answer in Python: installs what is missing, builds a wheel, puts it into a virtual
# environment in build/python-venv and asks a first question there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tools/scripts/packages.sh

venv=build/python-venv
wheels=build/python-wheel
step "Packages"
install_packages "${build_packages[@]}" "${python_packages[@]}"

step "Building the wheel (a few minutes the first time)"
rm -rf "$wheels"
quietly /usr/bin/python3 -m pip wheel --no-build-isolation --no-deps --no-index -w "$wheels" tools/python

step "Virtual environment in $venv, with pandas and numpy of the system"
[ -x "$venv/bin/python" ] || /usr/bin/python3 -m venv --system-site-packages "$venv"
quietly "$venv/bin/python" -m pip install --no-index --no-deps --force-reinstall "$wheels"/moecost-*.whl

step "A first answer"
question='import moecost; print(moecost.estimate(model="deepseek-r1", gpu="h200", tp=8, rate=5))'
echo ">>> $question"
here=$PWD
(cd / && "$here/$venv/bin/python" -c "$question")
step "Next: $venv/bin/python, or the notebook tools/python/notebooks/questions.ipynb"
