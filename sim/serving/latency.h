// SPDX-License-Identifier: Apache-2.0
// A latency: its mean and its distribution over requests.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "moecost/base/quantity.h"

namespace moecost {

/// Levels at which a distribution is kept; closer in the tail, where objectives are set.
inline constexpr std::array<double, 20> latency_levels = {0.01, 0.05, 0.1,  0.2,  0.3,   0.4,  0.5,
                                                          0.6,  0.7,  0.75, 0.8,  0.85,  0.9,  0.925,
                                                          0.95, 0.97, 0.98, 0.99, 0.995, 0.999};

struct Latency {
    Seconds mean;
    std::array<double, latency_levels.size()> at{};   // seconds at each level, ascending

    /// Time that a share u of the requests does not exceed; linear between levels, flat beyond the outer ones.
    [[nodiscard]] Seconds quantile(double u) const;
    /// Share of the requests that take at most `limit`; 0 and 1 beyond the outer levels.
    [[nodiscard]] double share_within(Seconds limit) const;
    [[nodiscard]] Seconds p50() const { return quantile(0.5); }
    [[nodiscard]] Seconds p90() const { return quantile(0.9); }
    [[nodiscard]] Seconds p95() const { return quantile(0.95); }
    [[nodiscard]] Seconds p99() const { return quantile(0.99); }
    [[nodiscard]] bool operator==(const Latency&) const = default;
};

/// Every request takes the same time.
[[nodiscard]] Latency certain(Seconds value);
/// Every time later by `constant`.
[[nodiscard]] Latency later(Latency latency, Seconds constant);
/// Every time multiplied.
[[nodiscard]] Latency stretched(Latency latency, double factor);

/// Collects times of requests in bounded memory: bins of a thousandth of the time from 1 us to 1e7 s, exact mean.
class LatencySample {
  public:
    LatencySample();
    void add(double seconds);
    [[nodiscard]] Latency latency() const;
    [[nodiscard]] double count() const { return count_; }

  private:
    std::vector<float> bins_;
    double count_ = 0;
    double sum_ = 0;
};

/// A distribution as the sum of parts that spread uniformly over [start, start + width], on an even grid of times: a
/// ramp of the cumulative share is two impulses of its second derivative, so a part costs the same whatever it
/// spans. Parts may be followed by an exponential wait common to all of them.
class UniformMixture {
  public:
    /// Times from `low` to `high`; what lies above is kept at `high`.
    UniformMixture(double low, double high);
    void add(double weight, double start, double width);
    /// The parts so far, each with chance p followed by an exponential time of this mean.
    void then_exponential(double p, double mean);
    /// Adds another mixture on the same grid.
    void add(const UniformMixture& other);
    /// Quantiles and mean of the mixture; weights need not sum to one.
    [[nodiscard]] Latency latency() const;

  private:
    static constexpr std::size_t points = 2048;
    [[nodiscard]] std::vector<double> cumulative() const;
    double low_;
    double step_;
    double sum_ = 0;
    double moment_ = 0;
    std::vector<double> kinks_;     // second differences of the parts added since the last wait
    std::vector<double> settled_;   // cumulative shares of parts with a wait
};

}   // namespace moecost
