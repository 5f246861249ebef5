// SPDX-License-Identifier: Apache-2.0
// The wait for a slot where more requests are in flight than run: a queue of constant length.
#pragma once

#include "moecost/serving/steady_loop.h"

namespace moecost {

/// Variance of the number of ends in a window of t of a renewal process that has run for ever, lives by `law` (t and law in
/// one unit, mean T, squared variation c2):
///   V = t/T + (2/T) sum_k E[(t - S_k)+] - (t/T)^2,  S_k a sum of k lives: k = 1 by the law, k >= 2 as lognormal
/// Lives of equal length: f (1 - f), f the fraction of t/T; exponential ones: t/T.
[[nodiscard]] double renewal_variance(const LengthNodes& law, double t);

/// TTFT of a loop of n = N - R requests more than run, from `own`, that of those that run. A request waits until n answers
/// have left. Lives are S decode steps of each slot and the w steps of its prompt, T on average; every answer brings its
/// prompt (T_p), so only the decode steps in between are uncertain:
///   wait = n T_p + Gamma(mean n/X - n T_p, sd td (T/R) sqrt(R V(n T/R)))
/// Where all go in step a request waits floor(n/R) or one more whole cycles, n/R on average.
[[nodiscard]] Latency behind_queue(const Replica& replica, const SteadyLoop& loop, double requests,
                                   const Latency& own);

}   // namespace moecost
