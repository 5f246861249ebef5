# SPDX-License-Identifier: Apache-2.0
"""Prints __init__.pyi, from the tables of options and figures: python3 -m moecost._stubs"""
from __future__ import annotations

from . import _core
from ._signatures import help_of, name_of, type_of

HEAD = '''# SPDX-License-Identifier: Apache-2.0
# Written by moecost._stubs from the tables of inputs and figures.
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from .errors import Error as Error, Infeasible as Infeasible, InputError as InputError, MachineError as MachineError

__version__: str
'''

TAIL = '''
def sweep(grid: Any = None, *, axes: Mapping[str, Any] | None = None, filter: Sequence[str] | str | None = None,
          constraint: Sequence[str] | str | None = None, columns: Sequence[str] | None = None,
          frontier: Mapping[str, Sequence[str]] | None = None, keep_infeasible: bool = False, threads: int = 0,
          data_dir: str = "", **inputs: Any) -> pd.DataFrame: ...
def listing(what: str, *operands: str) -> pd.DataFrame: ...
def params(*models: str, **options: Any) -> pd.DataFrame: ...
def run(command: str, *operands: Any, **options: Any) -> dict[str, Any]: ...
'''


def function(name: str, command: str, returns: str, lists: bool) -> str:
    lines = [f"def {name}(*,"]
    lines += [f"    {name_of(o)}: {type_of(o, lists)} | None = None,  # {help_of(o)}" for o in _core.options(command)]
    return "\n".join(lines + ["    data_dir: str | None = None,", f") -> {returns}: ..."])


def figure(row: dict) -> str:
    kind = {"text": "str | None", "flag": "bool"}.get(row["kind"], "float")
    text = f"    @property\n    def {row['key']}(self) -> {kind}: ...  # {row['help']}, of one {row['scope']}"
    return text if not row["alias"] else f"{text}\n    @property\n    def {row['alias']}(self) -> {kind}: ..."


ESTIMATE = '''
class Estimate:
    infeasible: str | None
    notes: list[str]
    command: str
    def figures(self) -> dict[str, Any]: ...
    def inputs(self) -> dict[str, Any]: ...
    def interval(self, figure: str) -> tuple[float, float] | None: ...
    def text(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
'''


def main() -> None:
    print(HEAD + ESTIMATE + "\n".join(figure(row) for row in _core.figures()))
    print()
    print(function("estimate", "estimate", "Estimate", False))
    for name, command in (("compare", "estimate"), ("plan", "plan"), ("design", "design")):
        print(function(name, command, "pd.DataFrame", True))
    print(TAIL, end="")


if __name__ == "__main__":
    main()
