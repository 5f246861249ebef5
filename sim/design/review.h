// SPDX-License-Identifier: Apache-2.0
// What a design tells besides its winner: the best of each number of experts and accelerator, the frontier, the ends
// of lists it stands at, and how certain it is.
#pragma once

#include "moecost/design/solve.h"

namespace moecost {

/// Fills by_experts, by_machine, base, frontier, edges and wins of an answer whose models and winner stand.
void review(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
            std::optional<std::size_t> base, DesignAnswer& answer);

/// Members on the frontier of loss, training and serving cost: every candidate trained on budgets from the whole one
/// (or four times what the winner takes) down to a hundredth, and on the tokens that reach the loss asked for. They
/// hold every constraint of the goal. More than `most` are thinned evenly along the loss, both ends kept.
void add_frontier(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
                  DesignAnswer& answer, std::size_t most);

/// Solves again under every draw of the law (draws_of), the loss of `equal_to` included. No refinement:
/// the models are those that the search built.
void add_wins(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
              DesignAnswer& answer);

}   // namespace moecost
