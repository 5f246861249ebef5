// SPDX-License-Identifier: Apache-2.0
#include "host/statistics.h"

#include <algorithm>
#include <cmath>

namespace microbench {
namespace {

template <class Member>
std::vector<double> sorted(const std::vector<Sample>& samples, Member member) {
    std::vector<double> values;
    values.reserve(samples.size());
    for (const Sample& s : samples) values.push_back(s.*member);
    // Clocks and powers that are not known are all zero.
    if (!std::is_sorted(values.begin(), values.end())) std::sort(values.begin(), values.end());
    return values;
}

}   // namespace

double quantile(const std::vector<double>& ascending, double q) {
    const double position = q * static_cast<double>(ascending.size() - 1);
    const auto low = static_cast<std::size_t>(position);
    const std::size_t high = std::min(low + 1, ascending.size() - 1);
    return std::lerp(ascending[low], ascending[high], position - static_cast<double>(low));
}

Summary summarise(const std::vector<Sample>& samples) {
    const std::vector<double> times = sorted(samples, &Sample::time_us);
    Summary s;
    s.samples = static_cast<int>(samples.size());
    s.median_us = quantile(times, 0.5);
    s.p10_us = quantile(times, 0.1);
    s.p90_us = quantile(times, 0.9);
    if (s.median_us > 0) s.relative_iqr = (quantile(times, 0.75) - quantile(times, 0.25)) / s.median_us;
    s.sm_mhz = quantile(sorted(samples, &Sample::sm_mhz), 0.5);
    s.power_w = quantile(sorted(samples, &Sample::power_w), 0.5);
    return s;
}

std::vector<Sample> without_throttled(const std::vector<Sample>& samples, double share) {
    if (samples.empty()) return samples;
    const double least = share * quantile(sorted(samples, &Sample::sm_mhz), 0.9);
    std::vector<Sample> kept;
    for (const Sample& s : samples) {
        if (s.sm_mhz >= least) kept.push_back(s);
    }
    return kept;
}

}   // namespace microbench
