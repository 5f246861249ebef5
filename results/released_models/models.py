# SPDX-License-Identifier: Apache-2.0
"""Released mixtures in the conventions of the loss laws: which can be audited, and what N, E, G, S and D they have.

G = top_k + S parts make a full-size expert, S the shared width in parts; E = experts/G full-size experts of which a token
uses one; N = parameters that a token uses, without embeddings. Where experts are not in every layer (or share it with a
dense branch) E of a layer would overstate the model: `convert` says so and `market.py` takes E from the total.
"""
import csv
import tomllib
from dataclasses import dataclass

HYBRID = ("mamba", "delta", "lightning", "kda", "linear")
LATENT = ("mla", "compressed", "latent")


@dataclass
class Released:
    name: str
    released: str
    total: float         # with embeddings, by the maker
    active: float
    tokens: float
    experts: int
    top_k: int
    shared: float        # in parts
    body: float          # N
    body_total: float
    kv_bytes: float      # of a token, bf16, unbounded; 0: not known
    attention: str
    model: str           # of the library; "": not in it
    note: str

    @property
    def parts(self):
        return self.top_k + self.shared

    @property
    def full_experts(self):
        return self.experts / self.parts

    @property
    def per_parameter(self):
        return self.tokens / self.body


def auditable(row):
    return (all(key in row for key in ("total", "active", "experts", "top_k", "tokens"))
            and row.get("start", "scratch") == "scratch")


def shared_parts(row, model):
    """Width of the shared experts in routed ones, from the model's own file or from the row."""
    for ffn in model.get("ffn", []):
        if ffn["kind"] == "moe":
            width = ffn.get("shared_expert_width") or ffn["expert_width"]
            return ffn.get("shared_width", 0) / width
    return row.get("shared_width", 0) / row["expert_width"] if "expert_width" in row else 0


def convert(row, model=None, exact=None, attention=""):
    """row of released_mixtures.toml; model: its model file; exact: what `moecost params` counts."""
    if exact:
        parts = exact["components"]
        tables = parts["embeddings"] + parts["head"]
        body = exact["active"]["count_active_incl_embeddings"] - tables
        body_total = exact["total"] - tables - exact.get("towers", 0)
    else:   # makers count embeddings in; both tables where their size is known
        tables = 2 * row.get("vocabulary", 0) * row.get("hidden", 0)
        if tables > 0.25 * row["active"]:   # a tied table, or one left out of the active ones
            tables /= 2
        body, body_total = row["active"] - tables, row["total"] - tables
    return Released(name=row["name"], released=row["released"], total=row["total"], active=row["active"],
                    tokens=row["tokens"], experts=row["experts"], top_k=row["top_k"],
                    shared=shared_parts(row, model or {}), body=body, body_total=body_total,
                    kv_bytes=exact["kv_bytes_per_token_unbounded"] if exact else 0, attention=attention,
                    model=row.get("model", ""), note=row.get("note", ""))


def kind_of(attention):
    """gqa, mla or hybrid: the stand-in's mixer."""
    text = attention.lower()
    if any(word in text for word in HYBRID):
        return "hybrid"
    return "mla" if any(word in text for word in LATENT) else "gqa"


def read(repository, program):
    """All rows that can be audited, oldest first. program.params(NAME), program.attention(): what moecost knows."""
    rows = tomllib.loads((repository / "workloads/released_mixtures.toml").read_text())["run"]
    stated = {r["name"]: r["attention"]
              for r in csv.DictReader(open(repository / "results/released_models/attention.csv"))}
    known = program.attention()
    found = []
    for row in filter(auditable, rows):
        name = row.get("model")
        model, exact = {}, None
        if name in known:
            exact = program.params(name)
            model = tomllib.loads((repository / f"workloads/models/{name}.toml").read_text())
        found.append(convert(row, model, exact, known.get(name) or stated.get(row["name"], "")))
    return sorted(found, key=lambda m: m.released)
