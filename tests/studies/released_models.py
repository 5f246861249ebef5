# SPDX-License-Identifier: Apache-2.0
"""Released mixtures in the conventions of the laws: figures by hand from the published config.json files, and laws against
`moecost law`. released_models.py SOURCE MOECOST"""
import pathlib
import subprocess
import sys
import tempfile

source = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(source / "results/released_models"))
import market
import models
from laws import Law, Shape

failures = 0


def near(what, found, expected, within):
    global failures
    if not abs(found - expected) <= within * abs(expected):
        failures += 1
        print(f"FAILED: {what}: {found:.6g} where {expected:.6g} was expected")


with tempfile.TemporaryDirectory() as work:
    found = {m.name: m for m in models.read(source, market.Program(sys.argv[2], work))}

# DeepSeek-V3: 61 layers of 7168, MLA of 187.1 M; 3 dense of 18432, 58 of 9 x 2048: both 3 x 7168 x 18432 used. 8 routed of
# 256 and one shared: 9 parts, 256/9 experts. N = 61 (187.1 M + 396.4 M) + routers 58 x 1.8 M = 35.7 B.
v3 = found["DeepSeek-V3"]
near("N of DeepSeek-V3", v3.body, 61 * (187.1e6 + 3 * 7168 * 18432) + 58 * 256 * 7168, 2e-3)
near("E of DeepSeek-V3", v3.full_experts, 256 / 9, 1e-9)
near("G of DeepSeek-V3", v3.parts, 9, 1e-9)
near("S of DeepSeek-V3", v3.shared, 1, 1e-9)
near("tokens per parameter of DeepSeek-V3", v3.per_parameter, 14.8e12 / 35.7e9, 5e-3)
# Qwen3-235B: 94 layers of 4096: queries and output 2 x 4096 x 64 x 128, keys and values 2 x 4096 x 4 x 128; 8 of 128
# experts of 1536, none shared.
q3 = found["Qwen3-235B-A22B"]
near("N of Qwen3-235B", q3.body, 94 * (2 * 4096 * 8192 + 2 * 4096 * 512 + 3 * 4096 * 8 * 1536 + 128 * 4096), 2e-3)
near("total of Qwen3-235B", q3.body_total, 94 * (2 * 4096 * 8192 + 2 * 4096 * 512 + 3 * 4096 * 128 * 1536), 2e-3)
near("E of Qwen3-235B", q3.full_experts, 16, 1e-9)
near("G of Qwen3-235B", q3.parts, 8, 1e-9)
near("S of Qwen3-235B", q3.shared, 0, 0)
if not (models.kind_of(v3.attention), models.kind_of(q3.attention)) == ("mla", "gqa"):
    failures += 1
    print(f"FAILED: attention is {v3.attention} and {q3.attention}")
if len(found) < 50:
    failures += 1
    print(f"FAILED: {len(found)} models where at least 50 were expected")


def program_loss(name, n, d, *more):
    args = ["law", name, "--n", str(n), "--d", str(d), *more, "--format", "csv", "--draws", "1", "--quiet"]
    lines = subprocess.run([sys.argv[2], *args], capture_output=True, text=True, check=True).stdout.splitlines()
    return float(dict(zip(lines[0].split(","), lines[1].split(",")))["loss"])


laws = source / "workloads/laws"
shape = Shape(experts=16, parts=4, shared=1, active=2e9, total=2e10, embeddings=0, vocabulary=1, fineness=2)
near("loss by Joint MoE", Law(laws, "ludziejewski2025").loss(shape, 1e12),
     program_loss("ludziejewski2025", 2e9, 1e12, "--experts", "16"), 1e-9)
near("loss by Abnar", Law(laws, "abnar2025").loss(shape, 1e12), program_loss("abnar2025", 2e10, 1e12, "--active", "0.0625"), 1e-9)
near("loss by Zhao", Law(laws, "zhao2025").loss(shape, 1e12),
     program_loss("zhao2025", 2e10, 1e12, "--active", "0.1", "--granularity", "4", "--shared", "0.25"), 1e-9)
# The worked example of the bridge: 3.1 % active, G 12, 1e22 FLOP: 7.2449 (tests/law).
bridged = Law(laws, "besiroglu2024+tian2025")
small = Shape(experts=32, parts=12, shared=0, active=1e9, total=2e10, embeddings=0, vocabulary=1, fineness=12)
near("leverage by Tian", bridged.leverage(small, 1e22 / 6e9), 7.24, 2e-2)
print("all passed" if failures == 0 else f"{failures} failed")
sys.exit(failures)
