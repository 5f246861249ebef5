// SPDX-License-Identifier: Apache-2.0
// How far a planned deployment is from missing its objectives, and how likely it meets them.
#pragma once

#include "moecost/plan/plan.h"

namespace moecost {

struct PlanTrust {
    double largest_size = 0;   // load of one instance within the objectives, below its capacity
    double withstands = 1;     // a machine so many times slower than predicted still carries the load
    double chance = 0;         // that it meets the objectives; not-a-number: no residuals are known
};
/// chance = P(y <= withstands) P(r <= TTFT limit/TTFT): y is predicted over measured throughput, r measured over predicted
/// TTFT, both lognormal with the spread of served points of the deployment's class (ServedClass), independent. `withstands` looks at TPOT and at the capacity alone: time scales by y.
[[nodiscard]] PlanTrust trust_of(const PlanSpace& space, const Planned& planned);

/// P(X <= x) of a lognormal with these 10 % and 90 % quantiles.
[[nodiscard]] double share_below(double x, double p10, double p90);

}   // namespace moecost
