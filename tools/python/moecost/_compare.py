# SPDX-License-Identifier: Apache-2.0
"""Several deployments as a table."""
from __future__ import annotations

import pandas as pd

from . import _core


def _row(answer, varied: list[str]) -> dict:
    inputs = answer.inputs()
    row = {key: inputs[key] for key in varied}
    if answer.infeasible is None:
        row.update(answer.figures())
    row["infeasible"] = answer.infeasible
    return row


def compare(**options) -> pd.DataFrame:
    answers, varied = _core.compare(options)
    rows = [_row(answer, varied) for answer in answers]
    keys = varied + [f["key"] for f in _core.figures() if f["key"] not in varied] + ["infeasible"]
    table = pd.DataFrame(rows, columns=keys)
    table.attrs["commands"] = [answer.command for answer in answers]
    table.attrs["notes"] = [answer.notes for answer in answers]
    return table
