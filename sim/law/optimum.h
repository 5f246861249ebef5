// SPDX-License-Identifier: Apache-2.0
// Questions a loss law answers: the best (N, D) for a budget, the sizes and tokens that reach a loss, and what
// serving tokens shift. All are roots of exact derivatives, found to rounding error.
#pragma once

#include "moecost/law/law.h"

namespace moecost {

struct Allocation {
    double n = 0;
    double d = 0;
    double loss = 0;
};

/// The loss-optimal allocation of `flop` = 6 N_used D; N and D of the setting are not read.
/// At the optimum d ln L/d ln N = d ln L/d ln D. Needs a law in N and D. Source: Hoffmann et al. 2022, approach 3.
[[nodiscard]] Expected<Allocation> loss_optimal(const Law& law, double flop, Setting setting);
/// The smallest N > 0 with L(N, flop/(6 N_used)) = target, below the loss-optimal size: a model trained on more tokens.
[[nodiscard]] Expected<Allocation> overtrained(const Law& law, double flop, Setting setting, double target);

/// The tokens D with L(N, D) = target; Infeasible at or below the loss for unlimited tokens.
[[nodiscard]] Expected<double> tokens_for_loss(const Law& law, Setting setting, double target);
/// The smallest N with L(N, D) = target; Infeasible when no size up to 1e18 reaches it.
[[nodiscard]] Expected<double> size_for_loss(const Law& law, Setting setting, double target);
/// The D for which N is the loss-optimal size.
[[nodiscard]] Expected<double> tokens_for_optimal_size(const Law& law, Setting setting);

/// N and D that reach `target` with the least 6 N_used D + 2 N_used D_served (Sardana et al. 2024, Eq. 3):
/// d ln D/d ln N along the iso-loss is -(1 + D_served/(3 D)). served_tokens >= 0.
[[nodiscard]] Expected<Allocation> lifetime_optimal(const Law& law, Setting setting, double target,
                                                    double served_tokens);

}   // namespace moecost
