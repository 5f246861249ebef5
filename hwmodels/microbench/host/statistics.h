// SPDX-License-Identifier: Apache-2.0
// From samples to a row: quantiles, the relative interquartile range, and which samples a throttled clock spoils.
#pragma once

#include <vector>

#include "host/bench.h"

namespace microbench {

/// Quantile 0 <= q <= 1 of ascending values by linear interpolation between order statistics (type 7 of Hyndman and
/// Fan 1996): position q (n - 1). At least one value.
[[nodiscard]] double quantile(const std::vector<double>& ascending, double q);

struct Summary {
    int samples = 0;
    double median_us = 0;
    double p10_us = 0;
    double p90_us = 0;
    double relative_iqr = 0;   // (third quartile - first) / median
    double sm_mhz = 0;         // median; 0: not known
    double power_w = 0;
};

/// Of at least one sample.
[[nodiscard]] Summary summarise(const std::vector<Sample>& samples);

/// Samples whose clock is not below `share` of the fastest decile of clocks; all of them where clocks are not known.
/// A chip that has just left idle, or that brakes for heat now and then, is slower than it will be in steady load;
/// one that runs slower throughout (power limit of large GEMMs) keeps all its samples, because that is its speed.
[[nodiscard]] std::vector<Sample> without_throttled(const std::vector<Sample>& samples, double share = 0.9);

}   // namespace microbench
