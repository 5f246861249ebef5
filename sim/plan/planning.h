// SPDX-License-Identifier: Apache-2.0
// What a plan assumes beyond the laws: hwmodels/planning.toml.
#pragma once

#include <string>

#include "moecost/base/data.h"

namespace moecost {

struct PlanningAssumptions {
    double max_load = 1;                // of the capacity of an instance
    double not_calibrated_slower = 1;   // times, of an accelerator without a calibrated profile
    std::string not_calibrated_source;
};
/// InputError names the file and the key that is wrong.
[[nodiscard]] PlanningAssumptions load_planning_assumptions(const DataStore& data);

}   // namespace moecost
