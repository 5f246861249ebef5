// SPDX-License-Identifier: Apache-2.0
// Grids of sizes for case lists.
#pragma once

#include <cmath>
#include <vector>

namespace microbench {

inline constexpr double kib = 1024;
inline constexpr double mib = 1024 * kib;
inline constexpr double gib = 1024 * mib;

/// low, low * factor, ... up to `high` inclusive.
[[nodiscard]] inline std::vector<double> geometric(double low, double high, double factor) {
    std::vector<double> sizes;
    for (double x = low; x <= high * 1.000001; x *= factor) sizes.push_back(std::round(x));
    return sizes;
}

/// `x` rounded down to a multiple of `step`, at least one step.
[[nodiscard]] inline double whole(double x, double step) {
    return std::max(step, std::floor(x / step) * step);
}

}   // namespace microbench
