// SPDX-License-Identifier: Apache-2.0
// How far a planned deployment is from missing its objectives, and how likely it meets them.
#pragma once

#include <optional>

#include "moecost/plan/plan.h"
#include "moecost/plan/pools_search.h"

namespace moecost {

struct PlanTrust {
    double largest_size = 0;   // load of one instance within the objectives, below its capacity
    double withstands = 1;     // a machine so many times slower than predicted still carries the load
    double chance = 0;         // that it meets the objectives; not-a-number: no residuals are known
};
/// chance = P(y <= withstands) P(r <= TTFT limit/TTFT): y is predicted over measured throughput, r measured over predicted
/// TTFT, both lognormal with the spread of Estimate::spread under this load, with which estimate prints its intervals;
/// independent. `withstands` looks at TPOT and at the capacity alone: time scales by y.
[[nodiscard]] PlanTrust trust_of(const PlanSpace& space, const Planned& planned);

/// The same of prefill and decode apart; largest_size stays 0.
[[nodiscard]] PlanTrust trust_of(const PlanSpace& space, const PlannedPools& planned);

/// What a machine is sized with, so that the chance of what comes out is at least the one that is demanded: so many times
/// slower than predicted, and a TTFT that is so many times below its limit; both at least 1.
struct ChanceDemand {
    double slower = 1;
    double ttft_room = 1;
};
/// chance = P(y <= slower) P(r <= ttft_room), of which the first is chance^split (all of it without a TTFT objective).
/// 0 < split < 1. `beyond`: shares of the time outside the fitted ranges (Estimate::beyond), with which spreads widen.
/// Nothing: no residuals of this machine are known.
[[nodiscard]] std::optional<ChanceDemand> chance_demand(const Scenario& machine, const LogSpread& beyond,
                                                        double chance, double split);

/// How many times slower than predicted a machine is at the slow end (p10 of throughput) of its interval under this load,
/// where this share of the time lies outside what was fitted; 1 where no spread is known.
[[nodiscard]] double slow_end(const Scenario& machine, double beyond);

/// Shares of the time behind the figures of a deployment outside the fitted ranges, under its load.
[[nodiscard]] LogSpread beyond_of(const PlanSpace& space, const Planned& planned);
[[nodiscard]] LogSpread beyond_of(const PlanSpace& space, const PlannedPools& planned);

/// The share where the kernels of some weights are those of another number format, on the smallest tensor parallelism that
/// holds the model, 64 requests in flight; 0 where all have their own, or the model fits nowhere.
[[nodiscard]] double borrowed_share(const Scenario& formats);

/// P(X <= x) of a lognormal with these 10 % and 90 % quantiles.
[[nodiscard]] double share_below(double x, double p10, double p90);

}   // namespace moecost
