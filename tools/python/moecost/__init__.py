# SPDX-License-Identifier: Apache-2.0
"""What a token of a Mixture-of-Experts model costs on rented GPUs.

    import moecost
    e = moecost.estimate(model="deepseek-r1", gpu="h200", tp=8, rate=5)
    e.usd_per_mtok_output, e.ttft_s, e.interval("tpot_s"), e.to_dict()
    moecost.compare(model="mixtral-8x7b", gpu=["h100", "h200"], tp=2, concurrency=[1, 8, 64])
    moecost.plan(model="deepseek-r1", gpu="h200", rate=20, isl=3000, osl=800, slo_tpot="40ms")
    moecost.sweep(model="gpt-oss-120b", gpu=["h200", "b200"], tp=[1, 2, 4], concurrency=[1, 16, 256])
    moecost.design(budget=1e23, equal_to=1)

Numbers are those of the command line, to the last digit: both call the same functions.
"""
from __future__ import annotations

from . import _core
from ._core import Estimate
from ._signatures import described
from ._tables import design, listing, params, plan, run
from ._sweep import sweep
from ._compare import compare
from .errors import Error, Infeasible, InputError, MachineError

__version__: str = _core.version
__all__ = ["Error", "Estimate", "Infeasible", "InputError", "MachineError", "compare", "design", "estimate",
           "listing", "params", "plan", "run", "sweep"]


def estimate(**options) -> Estimate:
    return _core.estimate(options)


described(estimate, "estimate", "What does this deployment deliver and cost?")
described(compare, "estimate", "Deployments side by side, one row each: any input may be a list.", lists=True)
described(plan, "plan", "What should I rent for this load, within these objectives? One row for each deployment.",
          lists=True)
described(design, "design", "Which MoE should I train, so that serving at equal loss is cheapest? "
          "One row for each model.", lists=True)
