# SPDX-License-Identifier: Apache-2.0
"""What serving costs: the cheapest deployment of thousands of members of five families, by `moecost design` once, and a
smooth reading between them; and the cheapest deployment of the released models themselves, by `moecost sweep`.

Prices are rent per million output tokens, prompts included, at 50 ms per output token, weights in fp8, cache in bf16.
"""
import bisect
import csv
import hashlib
import io
import json
import math
import os
import subprocess
import sys
from collections import defaultdict

from laws import Shape

FORMATS = ["--weights", "fp8", "--kv", "bf16"]
GPUS = ["h200_sxm", "b200_sxm"]
TRAFFIC = {"1k/1k": (1024, 1024), "8k/1k": (8192, 1024)}
INSTANCES = {"1": "1", "8": "2,4,8", "32": "16,32"}   # GPUs of an instance: one GPU, one node, several nodes
SIZES = [1.4e8 * 1.3 ** i for i in range(27)]         # 0.14 to 128 B
EXPERTS = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256]
PARTS = [1, 2, 4, 8, 16]
MOST_EXPERTS = 1024                                   # E G; the most that was released is 768
FAMILIES = {"mixtral-like": ("gqa", 32000, 3.5), "qwen-like": ("gqa", 151936, 3), "deepseek-like": ("mla", 129280, 18 / 7),
            "qwen-next-like": ("hybrid", 151936, 2.75)}


class Program:
    """moecost, each question asked once: answers stay in the work folder under a hash of the question and the program."""

    def __init__(self, path, work):
        self.path, self.work = path, work
        os.makedirs(work, exist_ok=True)
        facts = os.stat(path)
        self.mark = f"{facts.st_size} {facts.st_mtime_ns}"
        self.asked = self.kept = 0

    def ask(self, args, stdin_file=None):
        text = " ".join(args) + self.mark + (open(stdin_file).read() if stdin_file else "")
        path = os.path.join(self.work, hashlib.sha256(text.encode()).hexdigest()[:24])
        if os.path.exists(path):
            self.kept += 1
            return open(path).read()
        self.asked += 1
        done = subprocess.run([self.path, *args], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            sys.exit(f"{done.stderr}audit.py: moecost {' '.join(args)}: exit {done.returncode}")
        answer = done.stdout if done.returncode == 0 else ""
        with open(path + ".part", "w") as out:
            out.write(answer)
        os.replace(path + ".part", path)
        return answer

    def params(self, model):
        return json.loads(self.ask(["params", model, "--format", "json"]))

    def attention(self):
        """name of a library model: what its attention is called."""
        listed = json.loads(self.ask(["list", "models", "--format", "json"]))["models"]
        return {m["id"]: m["attention"] for m in listed}


def design(family, gpu, instance, traffic, parts):
    isl, osl = TRAFFIC[traffic]
    experts = [e for e in EXPERTS if e * parts <= MOST_EXPERTS and (e > 1 or parts == 1)]
    return ["design", "--family", family, "--bridge", "tian2025", "--top-k", "1", "--experts", ",".join(map(str, experts)),
            "--granularity", str(parts), "--shared-experts", "0,1" if parts > 1 else "0", "--sizes",
            ",".join(f"{n:.4g}" for n in SIZES), "--refine", "0", "--bootstrap", "0", "--budget", "1e40", "--max-loss", "6",
            "--max-tokens", "unlimited", "--max-tokens-per-parameter", "unlimited", *FORMATS, "--slo-tpot", "50ms",
            "--isl", str(isl), "--osl", str(osl), "--gpu", gpu, "--gpus", INSTANCES[instance], "--format", "csv", "--all",
            "--quiet"]


def smoothed(prices):
    """Members of neighbouring sizes have shapes of their own (heads, layers and widths are whole numbers), which move a price
    by up to a fifth. A choice of size should not be a choice of luck: each price is the value there of a line through it and
    up to two neighbours on each side, near ones counting more."""
    found = {}
    for (*rest, i), _ in prices.items():
        near = [(k, prices[*rest, i + k], 3 - abs(k)) for k in range(-2, 3) if (*rest, i + k) in prices]
        w = sum(x[2] for x in near)
        k0, p0 = sum(k * x for k, _, x in near) / w, sum(p * x for _, p, x in near) / w
        spread = sum(x * (k - k0) ** 2 for k, _, x in near)
        slope = sum(x * (k - k0) * (p - p0) for k, p, x in near) / spread if spread else 0
        found[*rest, i] = p0 - slope * k0
    return found


class Market:
    """Members by family, and ln price by setting (GPU, traffic) and instance."""

    def __init__(self, program, say):
        self.members = {}                    # (family, E, G, S, i): row
        self.price = defaultdict(dict)       # (gpu, traffic, instance): {(family, E, G, S, i): ln price}
        jobs = [(f, g, i, t, p) for f in FAMILIES for g in GPUS for i in INSTANCES for t in TRAFFIC for p in PARTS]
        for at, (family, gpu, instance, traffic, parts) in enumerate(jobs):
            say(f"serving {at + 1}/{len(jobs)}: {family} {gpu} x {INSTANCES[instance]} {traffic} G {parts}")
            answer = program.ask(design(family, gpu, instance, traffic, parts))
            self.take(self.price[gpu, traffic, instance], family, csv.DictReader(io.StringIO(answer)))
        for setting in self.price:
            self.price[setting] = smoothed(self.price[setting])
        self.complete()

    def take(self, prices, family, rows):
        for row in rows:
            i = min(range(len(SIZES)), key=lambda k: abs(math.log(float(row["size"]) / SIZES[k])))
            key = (family, int(row["experts"]), int(row["granularity"]), int(row["shared_experts"]), i)
            self.members.setdefault(key, tuple(float(row[c]) for c in
                                               ("dense_equivalent", "active", "total", "embeddings")))
            prices[key] = math.log(float(row["usd_per_mtok"]))

    def complete(self):
        """Sizes of members that no instance serves: of the same size and parts with fewer experts, the total in proportion."""
        tables = smoothed({key: math.log(row[3]) for key, row in self.members.items()})
        self.members = {key: (*row[:3], math.exp(tables[key])) for key, row in self.members.items()}
        for family in FAMILIES:
            for g in PARTS:
                for s in (0, 1) if g > 1 else (0,):
                    for i in range(len(SIZES)):
                        known = [e for e in EXPERTS if e > 1 and (family, e, g, s, i) in self.members]
                        for e in EXPERTS if known else []:
                            near = min(known, key=lambda x: abs(math.log(x / e)))
                            n, active, total, tables = self.members[family, near, g, s, i]
                            grown = active + (total - active) * (e - 1) / (near - 1)
                            if e > 1:
                                self.members.setdefault((family, e, g, s, i), (n, active, grown, tables))

    @staticmethod
    def between(value, grid):
        """(lower, upper, weight of the upper) in the logarithm; clamped to the grid."""
        value = min(max(value, grid[0]), grid[-1])
        at = min(max(bisect.bisect_right(grid, value) - 1, 0), len(grid) - 2)
        low, high = grid[at], grid[at + 1]
        return low, high, math.log(value / low) / math.log(high / low)

    def corners(self, experts, parts, shared):
        """Grid combinations around (E, G, S) and their weights."""
        if experts <= 1:
            return [((1, 1, 0), 1.0)]
        e0, e1, we = self.between(experts, EXPERTS)
        g0, g1, wg = self.between(parts, PARTS)
        found = []
        for e, x in ((e0, 1 - we), (e1, we)):
            for g, y in ((g0, 1 - wg), (g1, wg)):
                if x * y > 1e-9:
                    key = (1, 1, 0) if e == 1 else (e, g, 1 if shared >= 0.5 and g > 1 else 0)
                    found.append((key, x * y))
        return found

    def read(self, table, family, n, experts, parts, shared, pick):
        i0, i1, w = self.between(n, SIZES)
        i0 = SIZES.index(i0)
        value = 0.0
        for (e, g, s), weight in self.corners(experts, parts, shared):
            for i, x in ((i0, 1 - w), (i0 + 1, w)):
                if x > 1e-9:
                    cell = table.get((family, e, g, s, i))
                    if cell is None:
                        return None
                    value += weight * x * pick(cell)
        return value

    def usd(self, setting, instances, family, n, experts, parts, shared):
        """Least of the instances named; None: fits none of them, or meets the objective on none."""
        found = [self.read(self.price[(*setting, i)], family, n, experts, parts, shared, float) for i in instances]
        found = [math.exp(x) for x in found if x is not None]
        return min(found) if found else None

    def shape(self, family, n, experts, parts, shared):
        def figure(k):
            x = self.read(self.members, family, n, experts, parts, shared, lambda row: math.log(row[k] / row[0]))
            return None if x is None else n * math.exp(x)
        active, total, embeddings = figure(1), figure(2), figure(3)
        if active is None:
            return None
        _, vocabulary, ratio = FAMILIES[family]
        return Shape(experts=experts, parts=parts, shared=shared, active=active, total=total, embeddings=embeddings,
                     vocabulary=vocabulary, fineness=2 * parts / ratio)


GRID = """title = "released models"
constraint = ["tpot <= 0.05"]
columns = ["model", "gpu", "isl", "usd_per_mtok_output_all_in"]
[scenario]
weights = "fp8"
kv = "bf16"
osl = 1024
[[axis]]
key = "model"
values = [%s]
[[axis]]
key = "gpu"
values = ["h200_sxm", "b200_sxm"]
[[axis]]
key = "isl"
values = [1024, 8192]
[[axis]]
keys = ["tp", "pp", "attention_dp", "ep"]
values = [%s]
[[axis]]
key = "concurrency"
log_range = { from = 4, to = 16384, points = 90, round = true }
"""


def layouts():
    """tp, pp, attention_dp and ep of 1 to 32 GPUs; the program leaves out what an engine does not launch."""
    found = []
    for gpus in (1, 2, 4, 8, 16, 32):
        for pp in (1, 2, 4):
            stage = gpus // pp
            found += [(tp, pp, stage // tp, ep) for tp in (1, 2, 4, 8) if tp <= stage for ep in {1, stage}]
    return ", ".join(str([x[k] for x in found]) for k in range(4))


def released_prices(program, models):
    """{(model, (gpu, traffic)): USD} of the released models themselves, cheapest layout and number of requests."""
    best = {}
    for model in models:
        grid = os.path.join(program.work, "grid.toml")
        with open(grid, "w") as out:
            out.write(GRID % (json.dumps(model), layouts()))
        for row in csv.DictReader(io.StringIO(program.ask(["sweep", grid, "--format", "csv", "--quiet"], grid))):
            traffic = next(t for t, (isl, _) in TRAFFIC.items() if isl == int(float(row["isl"])))
            key = (model, (row["gpu"], traffic))
            best[key] = min(best.get(key, math.inf), float(row["usd_per_mtok_output_all_in"]))
    return best
