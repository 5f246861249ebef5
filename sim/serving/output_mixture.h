// SPDX-License-Identifier: Apache-2.0
// A latency as a mixture of lognormal laws, one for each length of output.
#pragma once

#include <vector>

#include "moecost/serving/latency.h"

namespace moecost {

class OutputMixture {
  public:
    void add(double weight, double mean, double variance);
    /// No request takes longer.
    void cap(double seconds) { cap_ = seconds; }
    /// Quantiles: the share within t at points even in ln t, interpolated as the quantile of a normal is linear in it.
    [[nodiscard]] Latency latency() const;

  private:
    struct Part {
        double weight, mean, mu, sigma;
    };
    std::vector<Part> parts_;
    double cap_ = 1e300;
};

}   // namespace moecost
