// SPDX-License-Identifier: Apache-2.0
// What a plan assumes beyond the laws: hwmodels/planning.toml.
#pragma once

#include "moecost/base/data.h"

namespace moecost {

struct PlanningAssumptions {
    double max_load = 1;   // of the capacity of an instance
};
/// InputError names the file and the key that is wrong.
[[nodiscard]] PlanningAssumptions load_planning_assumptions(const DataStore& data);

}   // namespace moecost
