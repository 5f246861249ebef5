// SPDX-License-Identifier: Apache-2.0
// The models of a design: combinations of the lists, members of the family built for sizes, loss-optimal members.
#pragma once

#include "moecost/design/design.h"

namespace moecost {

/// Every combination of the lists that can exist: k <= E, shared experts <= k G - 1; E = 1 is dense, once.
[[nodiscard]] std::vector<DesignCombination> combinations_of(const DesignSpace& space,
                                                             const std::vector<int>& experts);

/// The member nearest to the size, and how the law sees it.
[[nodiscard]] Expected<DesignModel> build_model(const DesignSpace& space,
                                                const DesignCombination& combination, double size);

/// A trained model before it is priced to serve.
struct Trained {
    DesignModel model;
    double tokens = 0;
    double loss = 0;
};
/// budget/(6 used), within the bound.
[[nodiscard]] double affordable_tokens(double budget, const TokenBound& bound, const LawPoint& point);
/// The member of a combination with the least loss on the tokens it can afford, to 0.1 % in size.
[[nodiscard]] Expected<Trained> loss_optimal_model(const DesignSpace& space,
                                                   const DesignCombination& combination, double budget,
                                                   const TokenBound& bound);
/// The member that reaches `target` with the least training compute.
[[nodiscard]] Expected<Trained> cheapest_trained(const DesignSpace& space,
                                                 const DesignCombination& combination, double target);

}   // namespace moecost
