# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, with the messages of the command line."""


class Error(Exception):
    """The base of the three below. `message` is one line; `hint` says what to do, or is empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\nhint: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class InputError(Error, ValueError):
    """A mistake of who asks (exit status 2 of the program)."""


class Infeasible(Error):
    """An answer: it cannot run, or nothing meets the objectives (exit status 3)."""

    def __init__(self, message: str, fix: str = "", reason: str = "", quantity: str = "", unit: str = "",
                 needed: float = float("nan"), available: float = float("nan")) -> None:
        super().__init__(message, fix)
        self.reason = reason
        self.quantity = quantity
        self.unit = unit
        self.needed = needed
        self.available = available
        self.answer: dict = {}  # of plan(): the nearest deployment and what was rejected


class MachineError(Error, RuntimeError):
    """The machine failed: a file, a disk, memory (exit status 1)."""
