// SPDX-License-Identifier: Apache-2.0
// A person's own served points on top of what is shipped: the effects they move, and how far predictions were off before and
// are after.
#pragma once

#include <string>
#include <vector>

#include "moecost/calibrate/serving/effect_fit.h"
#include "moecost/measured/predict.h"

namespace moecost {

struct MovedEffect {
    Effect before;   // of a release of the group that nothing is known of: 0 +- sd
    Effect after;
    /// Of the change, in sd of before.
    [[nodiscard]] double spreads() const;
};

struct OwnRuns {
    std::vector<std::string> unusable;   // rows that cannot be used, each with its reason
    std::vector<Prediction> before;      // of the usable rows, with what is shipped
    std::vector<double> after;           // throughput ratios with the moved effects
    std::vector<double>
        left_out;   // the same, each deployment (layout, lengths, release) predicted from the others
    std::vector<MovedEffect> moved;               // those with own points
    double spread_before = 0, spread_after = 0;   // of throughput, of the first row's class
};

/// An effect m and its spread, from n runs of residual y (log time) in curves of spread c, points p, prior 0 +- s:
///   w = sum over curves 1/(c^2 + p^2/n_curve);  m = sum w y/(w + 1/s^2)
///   sd^2 = 1/(w + 1/s^2) + max(mean (y - m)^2 - c^2 - p^2, 0)     what runs keep that contradict m or each other
/// Rows as moecost validate reads them. InputError: fewer than two of them can be used.
[[nodiscard]] OwnRuns own_runs(const DataStore& data, const std::vector<MeasuredPoint>& points);

}   // namespace moecost
