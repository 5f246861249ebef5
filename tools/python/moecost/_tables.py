# SPDX-License-Identifier: Apache-2.0
"""Commands whose JSON becomes a table. The whole document is in `attrs["answer"]` of each."""
from __future__ import annotations

import json

import pandas as pd

from . import _core
from .errors import Infeasible

INFEASIBLE = 3


def run(command: str, *operands, **options) -> dict:
    """Any command of the program: `run("params", "mixtral-8x7b")`. The document that it writes with --format json."""
    status, text, messages = _core.run(command, *operands, **options)
    document = json.loads(text) if text.strip() else {}
    if status != INFEASIBLE:
        return document
    lines = messages.splitlines() or ["infeasible"]
    hints = [line.removeprefix("hint: ") for line in lines[1:] if line.startswith("hint: ")]
    error = Infeasible(lines[0], "; ".join(hints))
    error.answer = document
    raise error


def _table(rows: list[dict], document: dict) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    table.attrs["answer"] = document
    return table


def listing(what: str, *operands) -> pd.DataFrame:
    """What the data files know: `listing("gpus")`, `listing("models")`, `listing("prices", "h100")`, ..."""
    document = run("list", what, *operands)
    rows = next((value for value in document.values() if isinstance(value, list)), [])
    return _table(rows, document)


def params(*models: str, **options) -> pd.DataFrame:
    """How large is this model, exactly? One row for each model."""
    document = run("params", *models, **options)
    return _table(document["models"], document)


GROUPS = ("deployment", "serving", "memory", "cost", "trust")


def _deployment(role: str, found: dict) -> dict:
    row = {"role": role}
    row.update((key, value) for key, value in found.items() if key != "estimate")
    estimate = found["estimate"]
    row.update((key, value) for key, value in estimate["inputs"].items() if not isinstance(value, dict))
    for group in GROUPS:
        row.update(estimate.get(group, {}))
    row["command"] = estimate["command"]
    return row


def _deployments(document: dict) -> list[dict]:
    named = [("answer", document["answer"])]
    named += [("rival", found) for found in document["rivals"]]
    named += [("best_of_accelerator", found) for found in document["best_of_each"]]
    return [_deployment(role, found) for role, found in named if found is not None]


def plan(**options) -> pd.DataFrame:
    document = run("plan", **options)
    return _table(_deployments(document), document)


def _point(role: str, point: dict) -> dict:
    row = {"role": role}
    for key, value in point.items():
        row.update(value if isinstance(value, dict) else {key: value})
    return row


def design(**options) -> pd.DataFrame:
    document = run("design", **options)
    named = [("winner", document["winner"]), ("base", document["base"])]
    for key in ("by_experts", "by_accelerator", "frontier"):
        named += [(key, point) for point in document[key]]
    return _table([_point(role, point) for role, point in named if point is not None], document)
