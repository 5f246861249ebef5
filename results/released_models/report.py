#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables for readers, from audit.csv and standins.csv: summary.csv (a row per model), models.md (the same to read),
by_year.csv and choices.csv (what the findings count)."""
import csv
import math
import os
import pathlib
import re
import statistics
from collections import Counter, defaultdict

HERE = pathlib.Path(__file__).resolve().parent
MAIN = "ratio_b200_1k_1k"
EVERY = "accepted by every law"
CHOICES = ("tokens", "experts", "parts")
NOTHING = 0.95          # ratios above it are within the errors of reading prices between members
OPINIONS = {"ludziejewski2025": "joint", "abnar2025": "abnar", "zhao2025": "zhao"}   # the others share Tian's curve: one opinion
NAMES = {"parts": "G and S", "experts": "E", "tokens": "size against tokens", "none": "none"}


def read(name):
    with open(HERE / name) as file:
        return list(csv.DictReader(file))


def number(row, key=MAIN):
    return float(row[key]) if row and row.get(key) else None


def write(name, rows):
    with open(HERE / f"{name}.part", "w", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    os.replace(HERE / f"{name}.part", HERE / name)


def text(x, form="{:.2f}"):
    return "" if x is None else form.format(x)


def big(x):
    """1.2 T, 340 B, 97"""
    for unit, name in ((1e12, " T"), (1e9, " B"), (1e6, " M")):
        if x >= unit:
            return f"{x / unit:.3g}{name}"
    return f"{x:.3g}"


def farthest(row):
    """How many times outside the runs on the axis that is farthest."""
    return max([float(x) for x in re.findall(r"([\d.e+]+)x", row["outside"])] or [1])


def costliest(laws, at):
    """The choice whose freeing saves most, and how many of four opinions say so: the Joint MoE law, Tian's bridge (four laws,
    their majority), Abnar, Zhao. Several choices where opinions are divided evenly."""
    opinions = defaultdict(Counter)
    for law in laws:
        ratios = {c: number(at.get((law, c))) for c in CHOICES}
        ratios = {c: r for c, r in ratios.items() if r is not None}
        if ratios:
            best = min(ratios, key=ratios.get)
            opinions[OPINIONS.get(law, "bridge")][best if ratios[best] < NOTHING else "none"] += 1
    votes = Counter(votes.most_common(1)[0][0] for votes in opinions.values())
    most = max(votes.values(), default=0)
    return " / ".join(c for c in (*CHOICES, "none") if votes[c] == most and most), most


def spread(laws, at, freed):
    found = [number(at.get((law, freed))) for law in laws]
    found = [x for x in found if x is not None]
    return (min(found), max(found), statistics.median(found)) if found else (None, None, None)


def summed(stand, at, laws):
    low, high, middle = spread(laws, at, "all")
    alow, ahigh, amiddle = spread(laws, at, "architecture")
    choice, votes = costliest(laws, at)
    rival = at.get((EVERY, "all"), {})
    outside = [farthest(at[law, "none"]) for law in laws]
    row = {"model": stand["model"], "released": stand["released"], "attention": stand["attention"], "family": stand["family"],
           "tokens_per_parameter": stand["tokens_per_active"], "N": stand["N"], "E": stand["E"], "G": stand["G"],
           "S": stand["S"], "usd": stand["usd_b200_1k_1k"], "over_released": stand["over_released_b200_1k_1k"],
           "same_tokens_low": text(alow, "{:.3f}"), "same_tokens_median": text(amiddle, "{:.3f}"),
           "same_tokens_high": text(ahigh, "{:.3f}"), "same_tokens_every": at[EVERY, "architecture"][MAIN],
           "all_low": text(low, "{:.3f}"), "all_median": text(middle, "{:.3f}"), "all_high": text(high, "{:.3f}"),
           "all_every": at[EVERY, "all"][MAIN],
           "rival_N": rival.get("N", ""), "rival_E": rival.get("E", ""), "rival_G": rival.get("G", ""),
           "rival_S": rival.get("S", ""), "rival_D": rival.get("D", ""), "costliest": choice, "opinions_of_4": votes}
    best = [number(at.get((law, "experts")), "E") for law in laws]
    row["best_E_low"], row["best_E_high"] = (text(f(x for x in best if x), "{:.4g}") if any(best) else "" for f in (min, max))
    row["best_E_median"] = text(statistics.median(x for x in best if x), "{:.4g}") if any(best) else ""
    fine = [number(at.get((law, "architecture")), "G") for law in laws if ("parts" in [k[1] for k in at if k[0] == law])]
    row["best_G_low"], row["best_G_high"] = (text(f(x for x in fine if x), "{:.4g}") if any(fine) else "" for f in (min, max))
    mla = [at.get((law, "attention mla")) for law in laws]
    row["mla_ratio"] = mla[0][MAIN] if mla[0] else ""
    nats = [float(x["break_even_nats"]) for x in mla if x and x["break_even_nats"]]
    row["mla_nats_low"], row["mla_nats_high"] = (text(f(nats), "{:.3f}") if nats else "" for f in (min, max))
    one, node = (spread(laws, at, f"all {where}")[2] for where in ("on one GPU", "in one node"))
    row |= {"one_gpu_median": text(one, "{:.3f}"), "one_node_median": text(node, "{:.3f}"),
            "outside_least": text(min(outside), "{:.0f}"), "outside_most": text(max(outside), "{:.0f}")}
    shares = [number(at[law, "none"], "flop_share") for law in laws]
    row |= {"least_flop_low": text(min(shares)), "least_flop_high": text(max(shares))}
    return row


def span(r, what):
    if not r[f"{what}_low"]:
        return "not servable"
    every = f", **{float(r[f'{what}_every']):.2f}**" if r[f"{what}_every"] else ""
    return f"{float(r[f'{what}_low']):.2f} to {float(r[f'{what}_high']):.2f}{every}"


def cells(r):
    """What both tables say of a model."""
    rival = (f"{big(float(r['rival_N']))}, E {float(r['rival_E']):.3g} x G {float(r['rival_G']):.3g}, "
             f"{big(float(r['rival_D']))} tokens" if r["rival_N"] and float(r["all_every"]) < NOTHING else "none")
    released = f" ({float(r['over_released']):.2f})" if r["over_released"] else ""
    named = r["costliest"].split(" / ")
    chosen = " / ".join(NAMES[c] for c in named) if len(named) < 3 else "divided"
    return {"released": r["released"][:7], "D/N": f"{float(r['tokens_per_parameter']):,.0f}",
            "E x G, S": f"{float(r['E']):.3g} x {float(r['G']):.3g}, {float(r['S']):.2g}",
            "price": f"${float(r['usd']):.3f}{released}", "same tokens": span(r, "same_tokens"), "any tokens": span(r, "all"),
            "the rival of every law": rival, "cost most": f"{chosen} ({r['opinions_of_4']})",
            "outside the runs": f"{int(r['outside_least']):,} to {int(r['outside_most']):,}x"
                                + ("†" if float(r["outside_least"]) >= 100 else "")}


def table(rows, columns):
    out = ["| model | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for r in rows:
        found = cells(r)
        out.append(f"| {r['model']} | " + " | ".join(found[c] for c in columns) + " |")
    return out


def replace(path, content):
    part = path.with_name(path.name + ".part")
    part.write_text(content)
    os.replace(part, path)


def pages(rows):
    """models.md, and the table of README.md between its marks."""
    head = ["# The audit, model by model", "",
            "Written by `run.sh`; [README.md](README.md) says how to read it. Price: USD per million output tokens of the",
            "stand-in, prompts included, on B200; in brackets over the price of the released model itself. Ratios: price of the",
            "cheapest rival over that of the stand-in, least to most over seven laws, **in bold by the rival that every law accepts**.",
            "Cost most: of four opinions, how many say so. Outside the runs: times beyond the runs of a law on its farthest axis,",
            "least to most over the laws; `†`: by every law more than 100 times.", ""]
    replace(HERE / "models.md", "\n".join(head + table(rows, ("released", "D/N", "E x G, S", "price", "same tokens", "any tokens",
                                                            "the rival of every law", "cost most", "outside the runs"))) + "\n")
    readme = HERE / "README.md"
    if readme.exists():
        before, start, rest = readme.read_text().partition("<!-- table, written by run.sh -->\n")
        _, end, after = rest.partition("<!-- end of table -->")
        short = "\n".join(table(rows, ("released", "D/N", "price", "any tokens", "cost most", "outside the runs")))
        if start and end:
            replace(readme, before + start + short + "\n" + end + after)


def years(rows):
    found = []
    groups = defaultdict(list)
    for r in rows:
        groups[r["released"][:4] if r["released"] >= "2024" else "before 2024"].append(r)
    for year, group in sorted(groups.items(), key=lambda x: x[0].replace("before ", "0")):
        row = {"released": year, "models": len(group)}
        for key in ("tokens_per_parameter", "E", "G", "same_tokens_median", "same_tokens_every", "all_median", "all_every",
                    "all_low", "all_high", "one_node_median", "mla_ratio"):
            values = [float(r[key]) for r in group if r[key]]
            row[key] = text(statistics.median(values), "{:.3g}") if values else ""
        row |= {f"costliest_{c}": sum(r["costliest"] == c for r in group) for c in (*CHOICES, "none")}
        row["divided"] = sum("/" in r["costliest"] for r in group)
        found.append(row)
    return found


def choices(audit, laws):
    """Median ratio of each freed choice by law and setting, and how many models it would have made 5 % cheaper."""
    found = []
    settings = [k for k in audit[0] if k.startswith("ratio_")]
    for law in (*laws, EVERY):
        for freed in dict.fromkeys(r["freed"] for r in audit if r["law"] == law):
            group = [r for r in audit if r["law"] == law and r["freed"] == freed]
            row = {"law": law, "freed": freed}
            for key in settings:
                values = [float(r[key]) for r in group if r[key]]
                row[key] = text(statistics.median(values), "{:.3f}") if values else ""
            values = [float(r[MAIN]) for r in group if r[MAIN]]
            row |= {"models": len(values), "cheaper_by_5_percent": sum(x < NOTHING for x in values)}
            found.append(row)
    return found


def main():
    audit, stands = read("audit.csv"), read("standins.csv")
    at = defaultdict(dict)
    for row in audit:
        at[row["model"]][row["law"], row["freed"]] = row
    laws = [x for x in dict.fromkeys(r["law"] for r in audit) if x != EVERY]
    rows = [summed(s, at[s["model"]], laws) for s in stands]
    write("summary.csv", rows)
    pages(rows)
    write("by_year.csv", years(rows))
    write("choices.csv", choices(audit, laws))
    off = [abs(math.log(float(r["over_released"]))) for r in rows if r["over_released"]]
    print(f"stand-ins: {len(off)} with a released price, median {math.expm1(statistics.median(off)):.0%} off")


if __name__ == "__main__":
    main()
