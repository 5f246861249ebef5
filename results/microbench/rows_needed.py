#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many rows does a fit need, and in which order should they be measured?

Takes a folder of kernel timing tables, keeps one series of each table, and fits it on N of its training rows: the first N in
the order of hwmodels/microbench/host/plan.h (corners, then ever finer) or N by chance. Judged on all held-out rows.
usage: rows_needed.py MOECOST FOLDER GPU ENGINE [ENGINE of MLA tables] >table.md
"""
import csv
import gzip
import io
import math
import os
import random
import subprocess
import sys
import tempfile

COUNTS = [50, 100, 200, 400, None]
CHANCES = 5
MOST = 4000  # rows looked at, by chance, where there are more


def number(row, key):
    return float(row.get(key) or 0)


# table: shape, texts that make a series, hash of the held-out fifth (as sim/calibrate/kernel_form.h)
TABLES = {
    "gemm": (["n", "k", "m"], {"dtype": "bfloat16"}, lambda r: 100003 * number(r, "n") + number(r, "k")),
    "moe": (["hidden", "inter", "top_k", "experts", "tp", "ep", "tokens"], {"dtype": "bfloat16", "distribution": "balanced"},
            lambda r: 7 * number(r, "hidden") + 13 * number(r, "tokens") + 31 * number(r, "ep") + 17 * number(r, "tp")),
    "attention_decode": (["q_heads", "kv_heads", "head_dim", "window", "batch", "context"], {"kv_dtype": "bfloat16"},
                         lambda r: 7 * number(r, "q_heads") + 3 * number(r, "kv_heads") + 5 * number(r, "batch") + number(r, "context")),
    "attention_prefill": (["q_heads", "kv_heads", "head_dim", "window", "batch", "isl"], {"dtype": "bfloat16", "kv_dtype": "bfloat16", "prefix": "0"},
                          lambda r: 7 * number(r, "q_heads") + 3 * number(r, "kv_heads") + 5 * number(r, "batch") + number(r, "isl")),
    "mla_decode": (["heads", "batch", "context"], {"kv_dtype": "bfloat16", "scope": "kernel"},
                   lambda r: 7 * number(r, "heads") + 5 * number(r, "batch") + number(r, "context")),
    "mla_prefill": (["heads", "batch", "isl"], {"kv_dtype": "bfloat16", "scope": "kernel", "prefix": "0"},
                    lambda r: 7 * number(r, "heads") + 5 * number(r, "batch") + number(r, "isl")),
}


def series(folder, table, gpu, engine):
    """Header and rows of the kernel with most rows."""
    with gzip.open(os.path.join(folder, table + ".csv.gz"), "rt") as f:
        reader = csv.DictReader(f)
        wanted = {"gpu": gpu, "engine": engine, **TABLES[table][1]}
        rows = [r for r in reader if all((r.get(k) or "0") == v for k, v in wanted.items())]
    by_kernel = {}
    for r in rows:
        by_kernel.setdefault(r.get("kernel", ""), []).append(r)
    return reader.fieldnames, max(by_kernel.values(), key=len) if by_kernel else []


def spread(rows, shape, count):
    points = [[math.log1p(number(r, c)) for c in shape] for r in rows]
    for j in range(len(shape)):
        low, high = min(p[j] for p in points), max(p[j] for p in points)
        for p in points:
            p[j] = (p[j] - low) / (high - low) if high > low else 0
    nearest = [math.inf] * len(rows)
    order, at = [], 0
    while len(order) < min(count, len(rows)):
        order.append(at)
        here = points[at]
        nearest = [min(d, sum((a - b) ** 2 for a, b in zip(p, here))) for d, p in zip(nearest, points)]
        nearest[at] = -1
        at = max(range(len(rows)), key=nearest.__getitem__)
    return [rows[i] for i in order]


def median_error(program, table, header, rows, gpu, engine):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, table + ".csv"), "w", newline="") as f:
            writer = csv.DictWriter(f, header)
            writer.writeheader()
            writer.writerows(rows)
        # The name by which the catalogue knows the accelerator is found from the rows.
        run = subprocess.run([program, "calibrate", "--kernels", folder, "--gpu", "auto", "--engine", engine,
                              "--format", "csv", "--quiet"], capture_output=True, text=True, check=True)  # of one series: one line
        fits = list(csv.DictReader(io.StringIO(run.stdout)))
        return 100 * float(fits[0]["median_error"]) if fits else math.nan


def main():
    program, folder, gpu, engine = sys.argv[1:5]
    mla_engine = sys.argv[5] if len(sys.argv) > 5 else engine
    print("| table | order | " + " | ".join(f"{n} rows" if n else "all" for n in COUNTS) + " |")
    print("|---|---|" + "---|" * len(COUNTS))
    for table, (shape, _, held_hash) in TABLES.items():
        who = mla_engine if table.startswith("mla") else engine
        header, rows = series(folder, table, gpu, who)
        chance = random.Random(1)
        held = [r for r in rows if held_hash(r) % 5 == 0]
        training = [r for r in rows if held_hash(r) % 5 != 0]
        some = chance.sample(training, min(MOST, len(training)))
        some.sort(key=lambda r: [number(r, c) for c in shape])
        ordered = spread(some, shape, max(n for n in COUNTS if n))
        errors = {"planned": [], "by chance": []}
        for n in COUNTS:
            if n is None or n >= len(training):
                whole = median_error(program, table, header, training + held, gpu, who) if n is None else math.nan
                errors["planned"].append([whole])
                errors["by chance"].append([whole])
                continue
            errors["planned"].append([median_error(program, table, header, ordered[:n] + held, gpu, who)])
            errors["by chance"].append([median_error(program, table, header, chance.sample(training, n) + held, gpu, who)
                                        for _ in range(CHANCES)])
        for order, cells in errors.items():
            shown = ["-" if math.isnan(c[0]) else f"{c[0]:.1f}" if len(c) == 1 else f"{min(c):.1f} to {max(c):.1f}" for c in cells]
            print(f"| {table} ({who}, {len(training)} rows) | {order} | " + " | ".join(shown) + " |", flush=True)


main()
