#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables that `moecost design` prints as JSON alone: tables.py iso|experts NAME=VALUE;... < design.json

iso: the iso-loss curve, one row for each budget; experts: the best of each number of experts with its training price.
"""
import json
import sys


def figures(point):
    if not point:
        return [""] * 6
    active = point["active"] + point["embeddings"]
    return [point["experts"], f'{active:.4g}', f'{point["total"] + point["embeddings"]:.4g}', f'{point["tokens"]:.4g}',
            f'{point["training_usd"]:.4g}', f'{point["usd_per_mtok"]:.4g}']


def main():
    what, names = sys.argv[1:3]
    pairs = [part.split("=", 1) for part in names.split(";")]
    answer = json.load(sys.stdin)
    keys = [key for key, _ in pairs]
    values = [value for _, value in pairs]
    columns = ["experts", "active", "total", "tokens", "training_usd", "usd_per_mtok"]
    if what == "iso":
        print(",".join(keys + ["training_flop"] + ["dense_" + c for c in columns[1:]] + ["moe_" + c for c in columns]
                       + ["moe_over_dense"]))
        for rung in answer["iso_loss"]:
            dense, moe = rung.get("dense"), rung.get("moe")
            ratio = f'{moe["usd_per_mtok"] / dense["usd_per_mtok"]:.3f}' if dense and moe else ""
            print(",".join(map(str, values + [f'{rung["training_flop_allowed"]:.4g}'] + figures(dense)[1:] + figures(moe)
                               + [ratio])))
        return
    print(",".join(keys + columns + ["training_flop", "usd_per_1e21_flop", "training_tokens_per_s_gpu"]))
    for point in answer["by_experts"]:
        rate = point.get("training_tokens_per_s_gpu") or 0
        print(",".join(map(str, values + figures(point) + [
            f'{point["training_flop"]:.4g}', f'{point["training_usd"] / point["training_flop"] * 1e21:.4g}', f'{rate:.4g}'])))


main()
