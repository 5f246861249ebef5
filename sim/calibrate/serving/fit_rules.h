// SPDX-License-Identifier: Apache-2.0
// What the fit of the serving constants and the leave-out runs share. Inner header of this folder.
#pragma once

#include <cmath>
#include <utility>

#include "moecost/calibrate/serving/serving_fit.h"

namespace moecost::serving_fit {

inline constexpr double steps_scale = 0.04;        // of the soft-L1 loss
inline constexpr double first_token_scale = 0.1;   // left out, groups are missed by a little less than at 0.3
inline constexpr double derivative_step = 0.03;    // of ln a constant
/// As many points of the typical error as what is known of a constant weighs.
inline constexpr double prior_points = 6, typical_error = 0.1;

/// A run whose first requests wait for compilation says nothing of the first token.
[[nodiscard]] bool tells_first_token(const PreparedPoint& point);

/// Moves a constant by a small step inside its bounds: the new value and the step in ln, or in itself.
inline std::pair<double, double> moved(const Bounds& b, double x) {
    if (b.logarithmic) {
        const double step = x * std::exp(derivative_step) <= b.high ? derivative_step : -derivative_step;
        return {x * std::exp(step), step};
    }
    const double step = 0.02 * (b.high - b.low);
    return x + step <= b.high ? std::pair{x + step, step} : std::pair{x - step, -step};
}

}   // namespace moecost::serving_fit
