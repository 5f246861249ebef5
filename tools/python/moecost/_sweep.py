# SPDX-License-Identifier: Apache-2.0
"""Grids: points become rows, numbers stay in the arrays that the library filled."""
from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from . import _core
from .errors import Infeasible, InputError


def _is_list(value: Any) -> bool:
    return not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__iter__")


def _plain(value: Any) -> Any:
    """Numbers of numpy as those of Python."""
    return value.item() if hasattr(value, "item") else value


def _axis(key: str, values: Any) -> dict:
    return {"key": key, "values": [_plain(value) for value in values]}


def _grid_of(inputs: dict, axes: Mapping[str, Any], rest: dict) -> dict:
    scenario: dict = {}
    listed: list[dict] = []
    for key, value in inputs.items():
        if value is None:
            continue
        if key == "set" and isinstance(value, Mapping):
            listed += [_axis(f"set.{field}", v) for field, v in value.items() if _is_list(v)]
            edits = {field: str(_plain(v)) for field, v in value.items() if not _is_list(v)}
            if edits:
                scenario["set"] = edits
        elif _is_list(value):
            listed.append(_axis(key, value))
        else:
            scenario[key] = _plain(value)
    listed += [_axis(key, values) for key, values in axes.items()]
    if not listed:
        raise InputError("sweep: no input is a list", "moecost.estimate() answers one question")
    grid = {key: value for key, value in rest.items() if value is not None}
    return {**grid, "scenario": scenario, "axis": listed}


def _text_of(grid: Any) -> tuple[str, str]:
    if isinstance(grid, Mapping):
        return json.dumps(grid), "grid.json"
    path = os.fspath(grid)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(), path
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None


def _nothing(found: dict) -> Infeasible:
    message = f"none of {found['all_points']:,} points can be served"
    for title, counts in (("", found["infeasible"]), ("outside ", found["constrained"])):
        if any(counts.values()):
            what = max(counts, key=counts.get)
            message += f"; {counts[what]:,}: {title}{what}"
    error = Infeasible(message)
    error.answer = {key: value for key, value in found.items() if key not in ("columns", "points")}
    return error


def sweep(grid: Any = None, *, axes: Mapping[str, Any] | None = None, filter: Sequence[str] | str | None = None,
          constraint: Sequence[str] | str | None = None, columns: Sequence[str] | None = None,
          frontier: Mapping[str, Sequence[str]] | None = None, keep_infeasible: bool = False, threads: int = 0,
          data_dir: str = "", **inputs: Any) -> pd.DataFrame:
    """How do the answers move over a grid? One row for each point that can be served, numbered by its index.

    sweep("grid.toml"), or inputs by name: a value holds for all points, a list is an axis, the last one turns fastest.
    set={"experts": [8, 16]} edits the model; axes={"gpu.memory_bandwidth": [...]} takes any key of a grid file.
    filter: conditions on inputs; constraint: conditions on results; frontier: {"maximise": [...], "minimise": [...]}
    adds a column `on_frontier`. columns: any input or figure (the axes and the usual results where not given).
    attrs: points by what became of them (`all_points`, `served`, `infeasible`, `filtered`, `constrained`).
    Infeasible: no point can be served.
    """
    if grid is not None and (inputs or axes):
        raise InputError("sweep: a grid and inputs by name", "one of the two")
    if grid is None:
        as_list = [[x] if isinstance(x, str) else x for x in (filter, constraint)]
        rest = {"filter": as_list[0], "constraint": as_list[1], "columns": columns, "frontier": frontier,
                "keep_infeasible": keep_infeasible}
        grid = _grid_of(inputs, axes or {}, rest)
    found = _core.sweep(*_text_of(grid), threads, data_dir)
    if found["served"] == 0 and len(found["points"]) == 0:
        raise _nothing(found)
    index = pd.Index(found["points"], name="point")
    table = pd.DataFrame(found["columns"], index=index, copy=False)
    if found["frontier"] is not None:
        table["on_frontier"] = index.isin(found["frontier"])
    for key in ("all_points", "served", "infeasible", "filtered", "constrained"):
        table.attrs[key] = found[key]
    return table
