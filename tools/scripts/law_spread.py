#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives a published law the spread that its source does not print: law_spread.py MOECOST LAW.toml [RUNS.csv].

Runs are drawn inside the ranges of the law, as many and as noisy as its source says (table below); the form is refitted to
them with `moecost fit`, noise drawn again each time, and the refitted coefficients become the table [fit] of the file. It is a
stated assumption: what such runs would leave undecided, had they been spread evenly. With RUNS.csv the rows of real runs are
resampled instead.
"""
import math
import random
import subprocess
import sys
import tempfile
import tomllib

# Runs and relative noise of the loss: as the sources say, else assumed.
RUNS = {
    "ludziejewski2025": (280, 0.005, "over 280 runs (stated); noise of 0.5 % (assumed)"),
    "hoffmann2022": (400, 0.0075, "over 400 runs (stated); noise of 0.75 %, that of the points of Besiroglu et al."),
    "abnar2025": (200, 0.009, "200 runs (assumed); noise of 0.9 %, its MSE of 0.00056"),
    "zhao2025": (446, 0.005, "446 runs (stated); noise of 0.5 % (assumed)"),
    "krajewski2024": (100, 0.006, "100 runs (assumed); noise of 0.6 %, its RMSE of 0.015 nats"),
    "sardana2024": (47, 0.005, "47 runs (stated); noise of 0.5 % (assumed)"),
    "muennighoff2023": (180, 0.0075, "180 runs (assumed); noise of 0.75 % (assumed)"),
    "yun2024_yp": (284, 0.0075, "284 rows as fitted; noise of 0.75 %, its RMSLE"),
    "yun2024_yc": (284, 0.0096, "284 rows as fitted; noise of 0.96 %, its RMSLE"),
    "kaplan2020": (100, 0.01, "100 runs (assumed); noise of 1 % (assumed)"),
}
SAMPLES = 60


def drawn(rng, interval, least):
    low, high = interval
    return math.exp(rng.uniform(math.log(max(low, least)), math.log(high)))


def rows_of(law, name):
    """The settings of the runs and their losses without noise."""
    count = RUNS[name][0]
    rng = random.Random(1)
    ranges = law["range"]
    rows = []
    while len(rows) < count:
        row = {"N": drawn(rng, ranges["N"], 5e7), "D": drawn(rng, ranges["D"], 1e8)}
        if row["D"] / row["N"] < 1:
            continue
        if "E" in ranges:
            row["E"] = 2 ** round(math.log2(drawn(rng, ranges["E"], 1)))
        if "G" in ranges:
            row["G"] = drawn(rng, ranges["G"], 1)
        if "A" in ranges:
            row["A"] = drawn(rng, ranges["A"], 1e-3)
        if "S" in ranges:
            row["S"] = rng.uniform(0, 0.5)
        row["loss"] = loss(law, row)
        rows.append(row)
    return rows


def ehat(experts, start, most):
    return 1 / (1 / (experts - 1 + 1 / (1 / start - 1 / most)) + 1 / most)


def loss(law, r):
    c, form, n, d = law["coefficients"], law["form"], r["N"], r.get("D")
    if form == "chinchilla":
        return c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["beta"]
    if form == "joint-moe":
        e = math.log(ehat(r["E"], c["E_start"], c["E_max"]))
        size = c["a"] * math.exp(c["delta"] * e) * n ** (c["alpha"] + c["gamma"] * e)
        return size + c["b"] * math.exp(c["omega"] * e) * d ** (c["beta"] + c["zeta"] * e) + c["c"]
    if form == "yun":
        e = ehat(r["E"], c["E_start"], c["E_max"])
        sum_ = c["A"] * n ** -c["alpha"] + c["B"] * e ** -c["beta"] + c["C"] * d ** -c["gamma"] + c["F"]
        return sum_ * (n / c["N_ref"]) ** (c["d"] * math.log(e))
    if form == "abnar":
        a = r["A"]
        return (c["a"] * n ** -c["alpha"] + c["b"] * d ** -c["beta"] + c["c"] * a ** -c["lambda"]
                + c["d"] * a ** -c["delta"] * n ** -c["gamma"] + c["e"])
    if form == "krajewski":
        return c["c"] + (c["g"] * r["G"] ** -c["gamma"] + c["a"]) * n ** -c["alpha"] + c["b"] * d ** -c["beta"]
    if form == "zhao":
        g, s, a = r["G"], r["S"], r["A"]
        shape = c["e"] * g + c["f"] / g + c["m"] * s * s + c["n"] * s
        used = (a * n) ** -c["alpha"]
        return (shape * (n ** -c["alpha"] + c["k"] * used + c["h"] * a) + c["a"] * n ** -c["alpha"]
                + c["b"] * d ** -c["beta"] + c["c"] * used + c["eps"])
    if form == "kaplan":
        return ((c["N_c"] / n) ** (c["alpha_N"] / c["alpha_D"]) + c["D_c"] / d) ** c["alpha_D"]
    raise SystemExit(f"{form}: no runs are drawn for this form")


def parameters(names, c):
    """The unbounded parameters of sim/law/parameters.h."""
    values = []
    for name in names:
        if name.startswith("ln -"):
            values.append(math.log(max(-c[name[4:]], 1e-300)))
        elif name.startswith("ln "):
            values.append(math.log(max(c[name[3:]], 1e-300)))   # fits print a vanished term as 0
        elif name.startswith("sqrt("):
            values.append(math.sqrt(c["E_start"] / (c["E_max"] - c["E_start"])))
        else:
            values.append(c[name])
    return values


def fitted(program, law, runs, resamples, folder):
    command = [program, "fit", runs, "--law", law["form"], "--bootstrap", str(resamples), "--folds", "0", "--huber", "0.01",
               "--starts", "16", "-o", folder + "/fit.toml", "--quiet"]
    if law["form"] == "krajewski":
        command += ["--experts", "64", "--active-share", str(law["active_share"])]
    if law["form"] == "yun":
        command += ["--n-ref", str(law["coefficients"]["N_ref"])]
    subprocess.run(command, check=True)
    with open(folder + "/fit.toml", "rb") as file:
        return tomllib.load(file)


def refits(program, law, name, folder):
    rows = rows_of(law, name)
    rng = random.Random(2)
    table = []
    for _ in range(SAMPLES):
        with open(folder + "/runs.csv", "w") as file:
            print(",".join(rows[0]), file=file)
            for row in rows:
                noisy = dict(row, loss=row["loss"] * math.exp(RUNS[name][1] * rng.gauss(0, 1)))
                print(",".join(repr(float(x)) for x in noisy.values()), file=file)
        fit = fitted(program, law, folder + "/runs.csv", 0, folder)
        names = fit["fit"]["parameters"]
        table.append(parameters(names, fit["coefficients"]))
    return names, table


def main():
    program, path = sys.argv[1:3]
    name = path.rsplit("/", 1)[-1].removesuffix(".toml")
    with open(path, "rb") as file:
        law = tomllib.load(file)
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 3:
            fit = fitted(program, law, sys.argv[3], SAMPLES, folder)["fit"]
            names = fit["parameters"]
            table = [fit["samples"][i:i + len(names)] for i in range(0, len(fit["samples"]), len(names))]
            what = f"{SAMPLES} resamples of the points that it was fitted to"
        else:
            names, table = refits(program, law, name, folder)
            what = f"assumed, the source prints none: {SAMPLES} refits to runs drawn from the law; {RUNS[name][2]}"
    with open(path) as file:
        text = file.read()
    text = text[:text.index("\n[fit]")] if "\n[fit]" in text else text.rstrip("\n") + "\n"
    text += "\n[fit]\nparameters = [" + ", ".join(f'"{n}"' for n in names) + "]\n"
    text += f'spread = "{what}"\nsamples = [\n'
    for row in table:
        text += "    " + " ".join(f"{x:.6g}," for x in row) + "\n"
    with open(path, "w") as file:
        file.write(text + "]\n")


main()
