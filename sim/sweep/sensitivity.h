// SPDX-License-Identifier: Apache-2.0
// How an answer moves with each input that is not known exactly: one at a time, from the low to the high end of its
// stated uncertainty (uncertainty.toml), ranked by effect; and its elasticity d ln(answer)/d ln(input).
#pragma once

#include <string>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/estimate/figures.h"

namespace moecost {

struct InputEffect {
    std::string key;
    std::string label;
    std::string source;      // where the uncertainty is stated
    double low_factor = 1;   // of the input
    double high_factor = 1;
    double low_answer = 0;   // at these; not-a-number: it cannot run there
    double high_answer = 0;
    double elasticity = 0;   // by central differences of 1 %
    /// Largest relative change of the answer, infinite where it cannot run.
    [[nodiscard]] double effect(double answer) const;
};

struct Tornado {
    std::string target;
    double answer = 0;
    std::vector<InputEffect> inputs;   // largest effect first; inputs without any are left out
    Interval residual{};               // p10 to p90 of the answer on served points, everything together
};

/// InputError when the scenario is infeasible or the target is no result.
[[nodiscard]] Tornado tornado(const DataStore& data, const Scenario& scenario, std::string_view target);

}   // namespace moecost
