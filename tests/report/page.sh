#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of `moecost report` in a browser: results of every kind, drawn wide, on a phone, dark and printed, without a
# word in the console and without a request. Skipped (77) where the program has no page or chromium or node is missing.
# Usage: page.sh PROGRAM [FOLDER for screenshots]
set -eu
program=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$program" estimate --model gpt-oss-120b --gpu b200_sxm,h200_sxm --tp 2 --rate 6 --isl 1000 --osl 300 \
    --slo-ttft p95:1s --slo-tpot 20ms --format json -o estimate.json || [ $? -eq 3 ]
if ! "$program" report estimate.json -o estimate.html 2>err; then
    cat err
    grep -q "no page" err && { echo "skipped: this build has no page"; exit 77; }
    exit 1
fi
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || { echo "skipped: chromium is not installed"; exit 77; }
command -v node >/dev/null || { echo "skipped: node is not installed"; exit 77; }

# A model whose name would be a script, if anything read it as markup.
name='</script><script>alert(1)</script><img src=x onerror=alert(2)>'
"$program" params mixtral-8x7b --toml >model.toml
sed -i "s|^name = .*|name = \"$name\"|" model.toml
"$program" estimate --model ./model.toml --gpu h100_sxm --tp 2 --concurrency 32 --format json -o hostile.json
"$program" report hostile.json --title "$name & 'so' \"on\"" -o hostile.html
# The page holds its two scripts and the data, and nothing more opens one.
[ "$(grep -o '<script' hostile.html | wc -l)" -eq 2 ] || { echo "FAILED: a name opened a script"; exit 1; }
[ "$(wc -c <hostile.html)" -lt 2000000 ] || { echo "FAILED: the page is larger than 2 MB"; exit 1; }

"$program" plan --model mixtral-8x7b --gpu h100,h200,mi300x --instance-gpus 1,2,4 --rate 20 --isl 2000 --osl 300 --launch \
    --slo-ttft p95:500ms --slo-tpot 30ms --api-price-out 1 --api-price-in 0.2 --frontier frontier.csv --format json -o plan.json
"$program" plan --model mixtral-8x7b --gpu h100 --instance-gpus 2 --rate 20 --isl 2000 --osl 300 --max-gpus 4 \
    --format json -o budget.json 2>/dev/null || [ $? -eq 3 ]
printf '[scenario]\nmodel = "mixtral-8x7b"\ngpu = "h100_sxm"\nisl = 1000\nosl = 300\n[[axis]]\nkey = "tp"\nvalues = [2, 4]\n' >grid.toml
printf '[[axis]]\nkey = "concurrency"\nvalues = [1, 4, 16, 64]\n' >>grid.toml
"$program" sweep grid.toml --quiet -o rows.jsonl
"$program" sweep grid.toml --quiet -o rows.csv
"$program" validate --only gpu=h200_sxm --format json -o validate.json
"$program" diff gpu=h100_sxm,tp=4 gpu=b200_sxm,tp=2 --model mixtral-8x7b --rate 4 --format json -o diff.json
"$program" design --budget 1e21 --equal-to 1 --gpu h100 --gpus 1 --experts 1,8 --sizes 0.25B..4B --size-points 3 --quiet \
    --concurrency 64,512 --refine 1 --format json -o design.json 2>/dev/null
"$program" report plan.json -o plan.html
"$program" report budget.json estimate.json design.json validate.json diff.json frontier.csv rows.jsonl rows.csv -o all.html

set -- "$browser" --wide hostile.html --each plan.html all.html ${2:+--shots "$2"}
node "$here/browser.mjs" "$@"
