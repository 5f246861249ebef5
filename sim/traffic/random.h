// SPDX-License-Identifier: Apache-2.0
// Random numbers with an explicit seed: the same seed gives the same numbers on every machine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "moecost/base/numerics.h"

namespace moecost {

/// splitmix64 (Steele, Lea and Flood 2014): a counter passed through a mixing function.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    [[nodiscard]] std::uint64_t bits() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    /// In the open interval (0, 1).
    [[nodiscard]] double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) / 9007199254740992.0; }
    [[nodiscard]] double exponential() { return -std::log(uniform()); }
    [[nodiscard]] double normal() { return normal_quantile(uniform()); }
    /// Gamma of this shape and mean 1 (Marsaglia and Tsang 2000; below shape 1 by u^(1/shape)).
    [[nodiscard]] double gamma(double shape) {
        if (shape < 1) {
            const double boost = std::pow(uniform(), 1 / shape);
            return gamma(shape + 1) * (shape + 1) * boost / shape;
        }
        const double d = shape - 1.0 / 3;
        const double c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal();
            const double v = (1 + c * x) * (1 + c * x) * (1 + c * x);
            if (v > 0 && std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
                return d * v / shape;
        }
    }

  private:
    std::uint64_t state_;
};

/// Gaps between arrivals of mean 1/rate: gamma with this squared coefficient of variation; 1 is Poisson, 0 a clock.
class ArrivalGaps {
  public:
    ArrivalGaps(double rate, double burstiness, std::uint64_t seed)
        : mean_(1 / rate), burstiness_(burstiness), random_(seed) {}
    [[nodiscard]] double next() {
        if (burstiness_ <= 0) return mean_;
        if (burstiness_ == 1) return mean_ * random_.exponential();
        return mean_ * random_.gamma(1 / burstiness_);
    }

  private:
    double mean_;
    double burstiness_;
    Random random_;
};

}   // namespace moecost
