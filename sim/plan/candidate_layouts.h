// SPDX-License-Identifier: Apache-2.0
// Which layouts a search looks at, which of them an engine launches, and the loop that a search runs its candidates in.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "moecost/estimate/scenario.h"
#include "moecost/ops/launchable.h"

namespace moecost {

/// Degrees a layout may take; 0: any.
struct FixedDegrees {
    int tp = 0, pp = 0, ep = 0, attention_dp = 0;
};

/// Every (tp, pp, attention dp, ep) with tp x pp x attention_dp among the counts and ep dividing tp x attention_dp, in
/// a fixed order: by GPUs, then by degrees, then by exchange where ep > 1. Whether an architecture can use one:
/// layout_refusal().
[[nodiscard]] std::vector<Layout> layouts_of(std::span<const int> gpus, const FixedDegrees& fixed,
                                             std::span<const ExpertExchange> exchanges);

/// Why a layout does not run: our arithmetic does not hold for it, or the engine does not launch it.
struct LayoutRefusal {
    std::optional<Infeasible> arithmetic;
    std::optional<LaunchProblem> launch;   // refers to the rules of the pool

    /// The rule that is broken, in a few words.
    [[nodiscard]] std::string_view name() const;
    [[nodiscard]] Infeasible why() const;
};
/// Nothing when the pool's engine launches the layout in the pool's formats and settings.
[[nodiscard]] std::optional<LayoutRefusal> layout_refusal(const Architecture& architecture, const Pool& pool,
                                                          const Layout& layout);

/// Runs work(i) for every i below count, in any order and on any thread: this room knows none.
using CandidateLoop = std::function<void(std::size_t count, const std::function<void(std::size_t)>& work)>;
/// One after another.
void in_order(std::size_t count, const std::function<void(std::size_t)>& work);

}   // namespace moecost
