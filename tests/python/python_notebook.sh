#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every cell of the notebook; a cell that fails fails the test, and so does one without its picture.
#   python_notebook.sh PYTHON BUILD SOURCE [HTML to keep]
set -euo pipefail
python=$1 build=$2 source=$3 keep=${4:-}
for module in pandas nbconvert ipykernel matplotlib; do
    "$python" -c "import $module" 2>/dev/null || { echo "skipped: python3-$module is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A kernel of this very interpreter, whatever others are registered.
mkdir -p "$work/kernels/moecost"
cat >"$work/kernels/moecost/kernel.json" <<JSON
{"argv": ["$python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "moecost",
 "language": "python", "env": {"PYTHONPATH": "$build/python", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}}
JSON
export JUPYTER_PATH=$work HOME=$work IPYTHONDIR=$work/ipython JUPYTER_RUNTIME_DIR=$work/runtime
"$python" -m nbconvert --to notebook --execute --ExecutePreprocessor.kernel_name=moecost \
    --ExecutePreprocessor.timeout=600 --output "$work/done.ipynb" "$source/tools/python/notebooks/questions.ipynb" \
    >"$work/log" 2>&1 || { tail -n 40 "$work/log"; exit 1; }
if [ -n "$keep" ]; then
    "$python" -m nbconvert --to html --output "$(realpath "$keep")" "$work/done.ipynb" >"$work/log" 2>&1
fi
"$python" - "$work/done.ipynb" <<'PYTHON'
import json
import sys
cells = [c for c in json.load(open(sys.argv[1]))["cells"] if c["cell_type"] == "code"]
pictures = sum("image/png" in o.get("data", {}) for c in cells for o in c["outputs"])
print(f"{len(cells)} cells ran, {pictures} pictures")
sys.exit(pictures < 4)
PYTHON
