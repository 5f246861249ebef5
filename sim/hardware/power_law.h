// SPDX-License-Identifier: Apache-2.0
// How the power of a GPU follows its work; the law is in cost/power.h.
#pragma once

#include "moecost/base/data.h"

namespace moecost {

/// Shares of TDP above idle (hwmodels/power.toml).
struct PowerLaw {
    double tensor_cores = 1;   // while a kernel is bound by them
    double memory = 1;         // while memory streams at datasheet bandwidth
};
[[nodiscard]] PowerLaw load_power_law(const DataStore& data);

}   // namespace moecost
