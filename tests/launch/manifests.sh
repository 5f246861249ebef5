#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every YAML that launch writes is read by a parser that is not ours (python3-yaml), which finds the words of the
# command in it. Skipped (77) without the parser. Usage: manifests.sh PROGRAM
set -eu
program=$1
python3 -c 'import yaml' 2>/dev/null || { echo "python3-yaml is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for engine in vllm sglang trtllm; do
    layout="--model deepseek-v3 --gpu h200_sxm --engine $engine --attention-dp 8 --ep 8 --draft-tokens 1"
    # shellcheck disable=SC2086
    "$program" launch $layout --format json --output "$work/$engine.json"
    for form in kubernetes compose llm-d dynamo; do
        # shellcheck disable=SC2086
        "$program" launch $layout --as "$form" --output "$work/$engine-$form.yaml" || [ $? -eq 3 ]
    done
done
"$program" launch --model deepseek-v3 --gpu h200_sxm --tp 16 --as kubernetes --output "$work/vllm-nodes.yaml"
python3 - "$work" <<'PYTHON'
import glob, json, sys, yaml
read = 0
for path in sorted(glob.glob(sys.argv[1] + "/*.yaml")):
    text = open(path).read()
    if text.startswith("infeasible"):
        continue
    documents = [d for d in yaml.safe_load_all(text) if d]
    assert documents, path
    assert all(isinstance(d, dict) for d in documents), path
    flat = json.dumps(documents)
    assert "deepseek-ai/DeepSeek-V3" in flat, path
    read += 1
for path in glob.glob(sys.argv[1] + "/*.json"):
    answer = json.load(open(path))
    if "settings" in answer:
        settings = yaml.safe_load(answer["settings"])
        assert settings["tensor_parallel_size"] == 8 and settings["enable_attention_dp"] is True, settings
        assert settings["speculative_config"]["num_nextn_predict_layers"] == 1, settings
        read += 1
assert read >= 9, read
print(read, "files read")
PYTHON
