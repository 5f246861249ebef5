// SPDX-License-Identifier: Apache-2.0
// One question to models that are built and priced: which of them is best under these limits, and if none, why not.
#pragma once

#include <optional>
#include <vector>

#include "moecost/design/design.h"

namespace moecost {

/// The constraints of a goal as numbers, and the serving limit that is loosened.
struct DesignLimits {
    double max_loss = 0;
    double budget = 0;
    TokenBound tokens;
    double max_cost = 0;
    ServingLimit loosened = ServingLimit::none;
    std::optional<std::size_t> machine;   // only on this one
};

/// How far a model came before a constraint stopped it.
enum class DesignStage { memory, objectives, loss, tokens, budget, max_cost, done };

struct Outcome {
    DesignStage stage = DesignStage::memory;
    double needed = 0;   // of the constraint that stopped it
    DesignPoint point;   // stage done
};

/// What the goal minimises.
[[nodiscard]] double objective_of(const DesignGoal& goal, const DesignPoint& point);

/// Trains model `index` for the goal and deploys it where it is cheapest.
[[nodiscard]] Outcome outcome_of(const DesignGoal& goal, const LossBasis& basis, const DesignLimits& limits,
                                 const std::vector<DesignModel>& models, std::size_t index);

/// Whether training alone leaves the model within the limits, whatever it costs to serve.
[[nodiscard]] bool trainable(const DesignGoal& goal, const LossBasis& basis, const DesignLimits& limits,
                             const LawPoint& point);

/// Outcomes of all candidates, by model; others keep the stage `memory`.
[[nodiscard]] std::vector<Outcome> outcomes_of(const DesignGoal& goal, const LossBasis& basis,
                                               const DesignLimits& limits,
                                               const std::vector<DesignModel>& models);

/// Lower objective; of equal ones less training; then the earlier model.
[[nodiscard]] bool better(const DesignPoint& a, const DesignPoint& b);
[[nodiscard]] std::optional<DesignPoint> best_of(const std::vector<Outcome>& outcomes);

/// Why no outcome is done: the constraint that stopped those that came farthest, and the least it would take.
[[nodiscard]] Infeasible why_none(const std::vector<Outcome>& outcomes, const DesignLimits& limits,
                                  const DeploymentSpace& serving, const std::vector<DesignModel>& models);

}   // namespace moecost
