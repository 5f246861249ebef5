# SPDX-License-Identifier: Apache-2.0
"""Loss laws in closed form, with the coefficients of workloads/laws, so that one search can ask all of them thousands of
times. The program is the reference: `audit.py check` compares rivals that were found here with `moecost design`.

A law sees a Shape (what a member of a family is) and tokens D; it gives the loss in nats and the training FLOP 6 A D.
"""
import math
import tomllib
from dataclasses import dataclass


@dataclass
class Shape:
    experts: float       # E, full-size experts; 1 is dense
    parts: float         # G, parts of a full-size expert: a token uses G of E G, shared ones among them
    shared: float        # S, of the G, in parts
    active: float        # body, without embeddings
    total: float
    embeddings: float    # both tables, of the family's vocabulary
    vocabulary: float
    fineness: float      # 2 h over the width of a part: the G of Tian et al.


def saturated(x, x0, start, most):
    return 1 / (1 / (x - x0 + 1 / (1 / start - 1 / most)) + 1 / most)


class Law:
    """One of workloads/laws, alone or with a bridge that prices experts and granularity."""

    def __init__(self, folder, name):
        first, _, bridge = name.partition("+")
        self.name = name
        self.data = tomllib.loads((folder / f"{first}.toml").read_text())
        self.c = self.data["coefficients"]
        self.bridge = tomllib.loads((folder / f"{bridge}.toml").read_text()) if bridge else None
        self.form = self.data["form"]
        self.sees_parts = bool(self.bridge) or self.form == "zhao"
        self.prepare()

    def prepare(self):
        c = self.c
        if self.form == "chinchilla":
            self.dense = lambda n, d: c["E"] + c["A"] * n ** -c["alpha"] + c["B"] * d ** -c["beta"]
        elif self.form == "joint-moe":
            e1 = math.log(saturated(1, 1, c["E_start"], c["E_max"]))
            self.dense = lambda n, d: self.joint(n, d, e1)
        if self.bridge:
            self.b = self.bridge["coefficients"]

    def joint(self, n, d, e):
        c = self.c
        return (c["a"] * math.exp(c["delta"] * e) * n ** (c["alpha"] + c["gamma"] * e)
                + c["b"] * math.exp(c["omega"] * e) * d ** (c["beta"] + c["zeta"] * e) + c["c"])

    def counted(self, shape):
        """Embeddings that the law counts: those of its own vocabulary where it states one."""
        if not self.data["embeddings"]:
            return 0
        own = self.data.get("vocabulary")
        return shape.embeddings * own / shape.vocabulary if own else shape.embeddings

    def used(self, shape):
        """Parameters A of the training compute 6 A D."""
        return shape.active + self.counted(shape)

    def leverage(self, shape, d):
        if shape.experts <= 1:
            return 1
        b = self.b
        a = shape.parts / (shape.experts * shape.parts + shape.shared)
        g = math.log2(shape.fineness)
        power = b["a"] + b["d"] * math.log10(6 * self.used(shape) * d) + b["gamma"] * g * g + b["beta"] * g
        return saturated(a, 0, b["A_start"], b["A_max"]) ** power

    def loss(self, shape, d):
        if self.bridge:
            root = math.sqrt(self.leverage(shape, d))
            return self.dense(self.used(shape) * root, d * root)
        c, emb = self.c, self.counted(shape)
        if self.form == "joint-moe":
            return self.joint(shape.active + emb, d, math.log(saturated(shape.experts, 1, c["E_start"], c["E_max"])))
        n = shape.total + emb
        if self.form == "abnar":
            a = 1 / shape.experts
            return (c["a"] * n ** -c["alpha"] + c["b"] * d ** -c["beta"] + c["c"] * a ** -c["lambda"]
                    + c["d"] * a ** -c["delta"] * n ** -c["gamma"] + c["e"])
        if self.form == "zhao":
            a = (shape.active + emb) / n
            g, s = (shape.parts, shape.shared / shape.parts) if shape.experts > 1 else (1, 0)
            t, u = n ** -c["alpha"], (n * a) ** -c["alpha"]
            mix = c["e"] * g + c["f"] / g + c["m"] * s * s + c["n"] * s
            return mix * (t + c["k"] * u + c["h"] * a) + c["a"] * t + c["b"] * d ** -c["beta"] + c["c"] * u + c["eps"]
        raise ValueError(f"{self.name}: no form {self.form} here")

    def outside(self, shape, d):
        """How many times beyond the runs behind law and bridge, axis by axis, where it is beyond at all."""
        rng = self.data.get("range", {})
        root = math.sqrt(self.leverage(shape, d)) if self.bridge else 1
        n = self.used(shape) if self.bridge or self.data["size"] == "active" else shape.total + self.counted(shape)
        at = {"N": n * root, "D": d * root, "C": 6 * self.used(shape) * d}
        if not self.bridge:
            at |= {"E": shape.experts, "G": shape.parts if shape.experts > 1 else 1}
            at["A"] = (self.used(shape) / n) if self.form == "zhao" else 1 / shape.experts
        judged = [(axis, rng[axis], value) for axis, value in at.items() if axis in rng]
        if self.bridge:
            more = self.bridge["range"]
            share = shape.parts / (shape.experts * shape.parts + shape.shared)
            judged += [("A", more["A"], share), ("G", more["G"], shape.fineness)]
            if "C" not in rng:
                judged.append(("C", more["C"], at["C"]))
        far = {}
        for axis, (low, high), value in judged:
            times = max(value / high, low / value if low > 0 else 0)
            if times > 1 + 1e-9:
                far[axis] = times
        return far
