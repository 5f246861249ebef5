#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The audit: audit.py MOECOST WORK [JOBS]. Writes audit.csv (model, law, freed choice), standins.csv (a row per model) and
check.csv (rivals as `moecost design` has them) beside it; every question's answer is kept in WORK, so a stopped run goes
on where it ended."""
import csv
import hashlib
import io
import json
import math
import multiprocessing
import os
import pathlib
import statistics
import sys
import time

import market
import models
import rivals
from laws import Law

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
LAWS = ["ludziejewski2025", "ludziejewski2025+tian2025", "besiroglu2024+tian2025", "hoffmann2022+tian2025",
        "sardana2024+tian2025", "abnar2025", "zhao2025"]
EVERY = "accepted by every law"
SETTINGS = [("b200_sxm", "1k/1k"), ("b200_sxm", "8k/1k"), ("h200_sxm", "1k/1k"), ("h200_sxm", "8k/1k")]
MAIN = SETTINGS[0]
FREED = ["tokens", "experts", "parts", "architecture", "all"]
ROUTED = [f for f in market.FAMILIES if f != "mixtral-like"]   # one family of each kind of attention


def say(text, start=time.time()):
    print(f"{time.time() - start:4.0f} s  {text}", file=sys.stderr, flush=True)


def families_of(model):
    """Families of the model's kind of attention. Grouped attention has two, a shallow and a deep one; where nothing is known
    of layers, those of before 2025 were shallow, as Mixtral, and later ones deep, as Qwen3."""
    kind = models.kind_of(model.attention)
    if kind != "gqa":
        return ["deepseek-like" if kind == "mla" else "qwen-next-like"]
    if model.kv_bytes:
        return ["mixtral-like", "qwen-like"]
    return ["mixtral-like" if model.released < "2025" else "qwen-like"]


def standing_in(search, model, real):
    """The stand-in whose prices are nearest to those of the released model."""
    def miss(s):
        found = [abs(math.log(search.own_price(x, s) / real[model.model, x])) for x in SETTINGS
                 if (model.model, x) in real and search.own_price(x, s)]
        return sum(found) / len(found) if found else 0
    return min((rivals.stand_in(search.market, model, family) for family in families_of(model)), key=miss)


def short(x):
    return "" if x is None else f"{x:.4g}"


def line(s, law, freed, main, usd, ratios, extra=None):
    e, g, parts = main[2] if main else ("", "", "")
    row = {"model": s.model.name, "released": s.model.released, "law": law, "freed": freed,
           "N": short(main[1]) if main else "", "E": short(e) if main else "", "G": short(g) if main else "",
           "S": short(parts) if main else "", "D": ""}
    for setting, price, ratio in zip(SETTINGS, usd, ratios):
        tag = f"{setting[0][:4]}_{setting[1].replace('/', '_')}"
        row[f"usd_{tag}"], row[f"ratio_{tag}"] = short(price), short(ratio)
    row |= {"flop_share": "", "outside": "", "loss": "", "break_even_nats": ""} | (extra or {})
    return row


def outside_text(far):
    return " ".join(f"{axis} {times:.2g}x" if times < 100 else f"{axis} {times:.0f}x" for axis, times in
                    sorted(far.items(), key=lambda x: -x[1]))


def priced(search, s, bounds, instances=tuple(market.INSTANCES)):
    """Cheapest rival of each setting: the main one, the prices, and their ratios to the stand-in."""
    found = [search.cheapest(setting, s, bounds, instances) for setting in SETTINGS]
    own = [search.own_price(setting, s) for setting in SETTINGS]
    return (found[0], [f[0] if f else None for f in found],
            [f[0] / o if f and o else None for f, o in zip(found, own)])


def law_rows(search, s, law, memory):
    d0, flop = s.model.tokens, 6 * law.used(s.shape) * s.model.tokens
    stand = line(s, law.name, "none", (0, s.n, s.own), [search.own_price(x, s) for x in SETTINGS], [1] * 4)
    stand |= {"D": short(d0), "outside": outside_text(law.outside(s.shape, d0)),
              "flop_share": short(search.least_flop_share(law, s)), "loss": f"{law.loss(s.shape, d0):.6f}"}
    rows = [stand]
    bounds = {}
    for freed in FREED:
        bounds[freed] = search.bounds_of(law, s, freed, memory)
        if freed == "parts" and not law.sees_parts:
            continue
        rows.append(rival_row(search, s, law, freed, *priced(search, s, bounds[freed]), flop))
    for freed, instances in (("all on one GPU", ("1",)), ("all in one node", ("1", "8"))):
        rows.append(rival_row(search, s, law, freed, *priced(search, s, bounds["all"], instances), flop))
    for family in ROUTED:
        kind = market.FAMILIES[family][0]
        if kind == market.FAMILIES[s.family][0]:
            continue
        found = [search.attention(law, setting, s, family) for setting in SETTINGS]
        rows.append(line(s, law.name, f"attention {kind}", (0, s.n, s.own) if found[0] else None, [None] * 4,
                         [f[0] if f else None for f in found], {"break_even_nats": f"{found[0][1]:.6f}" if found[0] else ""}))
    return rows


def rival_row(search, s, law, freed, main, usd, ratios, flop):
    row = line(s, law.name, freed, main, usd, ratios)
    if main:
        shape = search.market.shape(s.family, main[1], *main[2])
        own = main[2] == s.own and abs(main[1] / s.n - 1) < 1e-9
        free = freed.startswith(("tokens", "all")) and not own
        d = search.tokens(law, shape, flop, 0 if free else s.model.tokens, max(rivals.MOST_TOKENS, s.model.tokens))
        d = d or s.model.tokens
        row |= {"D": short(d), "flop_share": short(6 * law.used(shape) * d / flop),
                "outside": outside_text(law.outside(shape, d)), "loss": f"{law.loss(shape, d):.6f}"}
    return row


def audit(search, s):
    memories = {law.name: {} for law in search.laws}
    rows = [row for law in search.laws for row in law_rows(search, s, law, memories[law.name])]
    for freed, free in (("architecture", False), ("all", True)):
        main, usd, ratios = priced(search, s, search.accepted_by_all(s, free, memories))
        row = line(s, EVERY, freed, main, usd, ratios)
        if main:
            law, shape = search.laws[0], search.market.shape(s.family, main[1], *main[2])
            flop = 6 * law.used(s.shape) * s.model.tokens
            row["D"] = short(min(flop / (6 * law.used(shape)), max(rivals.MOST_TOKENS, s.model.tokens)) if free
                             else s.model.tokens)
        rows.append(row)
    return rows


def one(search, s, work, key):
    path = os.path.join(work, "row-" + hashlib.sha256((key + repr(s)).encode()).hexdigest()[:24])
    if not os.path.exists(path):
        with open(path + ".part", "w") as out:
            json.dump(audit(search, s), out)
        os.replace(path + ".part", path)
    with open(path) as kept:
        return json.load(kept)


def write(name, rows):
    path = HERE / name
    with open(f"{path}.part", "w", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    os.replace(f"{path}.part", path)


def described(search, s, real):
    """A row of standins.csv: what stands for the model, and how well."""
    m = s.model
    row = {"model": m.name, "released": m.released, "attention": m.attention, "family": s.family,
           "total": short(m.total), "active": short(m.active), "tokens": short(m.tokens),
           "tokens_per_active": short(m.per_parameter), "N": short(s.n), "E": short(s.experts), "G": short(s.parts),
           "S": short(s.shared), "E_from": "size" if s.by_size else "experts",
           "total_of_standin": short(s.shape.total / m.body_total)}
    for setting in SETTINGS:
        tag = f"{setting[0][:4]}_{setting[1].replace('/', '_')}"
        own, released = search.own_price(setting, s), real.get((m.model, setting))
        row[f"usd_{tag}"], row[f"released_usd_{tag}"] = short(own), short(released)
        row[f"over_released_{tag}"] = short(own / released if own and released else None)
    return row


def checked(program, law, row, family):
    """One rival as `moecost design` has it: tokens and price over ours."""
    name, _, bridge = law.partition("+")
    args = ["design", "--family", family, "--law", name, "--top-k", "1", "--experts", row["E"], "--granularity", row["G"],
            "--shared-experts", row["S"], "--sizes", row["N"], "--refine", "0", "--bootstrap", "0", "--budget", "1e40",
            "--target-loss", row["loss"], "--max-tokens", "unlimited", "--max-tokens-per-parameter", "unlimited",
            *market.FORMATS, "--slo-tpot", "50ms", "--isl", "1024", "--osl", "1024", "--gpu", MAIN[0], "--gpus",
            "1,2,4,8,16,32", "--format", "csv", "--all", "--quiet"] + (["--bridge", bridge] if bridge else [])
    found = list(csv.DictReader(io.StringIO(program.ask(args))))
    if not found:
        return None
    tokens, usd = float(found[0]["tokens"]), float(found[0]["usd_per_mtok"])
    return {"model": row["model"], "law": law, "E": row["E"], "G": row["G"], "S": row["S"], "N": row["N"],
            "tokens_over_ours": f"{tokens / float(row['D']):.3f}", "usd_over_ours": f"{usd / float(row['usd_b200_1k_1k']):.3f}"}


def check(program, rows, families):
    """Every model's cheapest rival by one of the laws that the program takes for it, in turn."""
    takes = [law for law in LAWS if "+" in law or law == "zhao2025"]
    wanted = {name: takes[i % len(takes)] for i, name in enumerate(families)}
    found = []
    for row in rows:
        if row["freed"] != "all" or row["law"] != wanted[row["model"]] or not row["N"]:
            continue
        if all(float(row[k]) == int(float(row[k])) for k in "EGS"):
            found.append(checked(program, row["law"], row, families[row["model"]]))
    return [row for row in found if row]


def main():
    program = market.Program(sys.argv[1], sys.argv[2])
    jobs = int(sys.argv[3]) if len(sys.argv) > 3 else os.cpu_count()
    shop = market.Market(program, say)
    laws = [Law(REPOSITORY / "workloads/laws", name) for name in LAWS]
    search = rivals.Search(shop, laws)
    released = models.read(REPOSITORY, program)
    say(f"{len(shop.members)} members priced; {len(released)} models")
    real = market.released_prices(program, sorted({m.model for m in released if m.kv_bytes}))
    stands = [standing_in(search, m, real) for m in released]
    write("standins.csv", [described(search, s, real) for s in stands])
    key = program.mark + "".join((HERE / f).read_text() for f in ("laws.py", "market.py", "models.py", "rivals.py", "audit.py"))
    rows = []
    with multiprocessing.Pool(jobs) as pool:
        waiting = [(s, pool.apply_async(one, (search, s, sys.argv[2], key))) for s in stands] if jobs > 1 else []
        for at, s in enumerate(stands):
            rows += waiting[at][1].get() if jobs > 1 else one(search, s, sys.argv[2], key)
            say(f"rivals {at + 1}/{len(stands)}: {s.model.name}")
    write("audit.csv", rows)
    compared = check(program, rows, {s.model.name: s.family for s in stands})
    write("check.csv", compared)
    for figure in ("tokens_over_ours", "usd_over_ours"):
        off = [abs(math.log(float(row[figure]))) for row in compared]
        say(f"check: {figure} median {math.expm1(statistics.median(off)):.1%} off, at most {math.expm1(max(off)):.1%}")


if __name__ == "__main__":
    main()
