// SPDX-License-Identifier: Apache-2.0
// The two steps of an estimate operation by operation: where each millisecond goes.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "moecost/estimate/scenario.h"
#include "moecost/serving/serving.h"

namespace moecost {

/// What time is spent on: the bounds of timed.h, and the host.
inline constexpr std::array<std::string_view, 5> bound_names{"compute", "memory", "network", "floor", "host"};
using BoundTimes = std::array<double, bound_names.size()>;   // seconds

/// One forward step: total, by class, by operation, and what bounds it. Each operation counts for its own bound.
struct StepBreakdown {
    StepShape shape;
    StepTime time;
    std::vector<TimedOperation> operations;
    BoundTimes spent{};
    std::array<BoundTimes, op_class_count> spent_by_class{};
};
/// Index into bound_names of what takes longest.
[[nodiscard]] std::size_t largest(const BoundTimes& spent);
[[nodiscard]] double total(const BoundTimes& spent);

/// The step that carries no prompts and the one that does, where the load has them.
struct StepReport {
    std::optional<StepBreakdown> decode;
    std::optional<StepBreakdown> prompt;
};
[[nodiscard]] StepReport explain(const Scenario& scenario, const Serving& serving);

}   // namespace moecost
