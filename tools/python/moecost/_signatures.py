# SPDX-License-Identifier: Apache-2.0
"""Signatures and docstrings from the tables of options."""
from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable

from . import _core

TYPES = {"whole": "int", "toggle": "bool", "count": "float | str", "parameters": "float | str", "share": "float | str",
         "tokens": "float | str", "seconds": "float | str", "gigabytes": "float | str", "money": "float | str",
         "objective": "float | str", "edit": "Mapping[str, object] | Sequence[str] | str"}


def type_of(option: dict, lists: bool = False) -> str:
    """The type of a keyword argument, as stubs write it."""
    if not option["argument"] and option["kind"] != "edit":
        return "bool"
    if option["choices"] and option["kind"] == "word":
        words = ", ".join(repr(word) for word in option["choices"].split("|"))
        one = f"Literal[{words}]"
    elif option["kind"]:
        one = TYPES.get(option["kind"], "str")
    else:
        one = "str" if any(word in option["argument"] for word in ("FILE", "NAME", "DIR")) else "float | str"
    return f"{one} | Sequence[{one}]" if lists and option["kind"] != "edit" else one


def name_of(option: dict) -> str:
    """The keyword of an option; a word of Python itself ends in an underscore (as_)."""
    name = option["key"].replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def help_of(option: dict) -> str:
    text = option["help"]
    if option["range"]:
        text += f" [{option['range']}]"
    elif option["choices"] and not option["choices"].startswith("@"):
        text += f" [{option['choices']}]"
    return text


def described(function: Callable, command: str, question: str, lists: bool = False) -> None:
    """Gives a function the signature and the docstring of a command."""
    parameters, lines, group = [], [question], ""
    for option in _core.options(command):
        parameters.append(inspect.Parameter(name_of(option), inspect.Parameter.KEYWORD_ONLY, default=None,
                                            annotation=type_of(option, lists)))
        if option["group"] != group:
            group = option["group"]
            lines += ["", group]
        lines.append(f"    {name_of(option)}: {help_of(option)}")
    parameters.append(inspect.Parameter("data_dir", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="str"))
    function.__signature__ = inspect.Signature(parameters, return_annotation=function.__annotations__["return"])
    function.__doc__ = "\n".join(lines)
