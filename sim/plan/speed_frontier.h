// SPDX-License-Identifier: Apache-2.0
// Tokens/s per GPU against tokens/s per user: what no other layout, format or concurrency of the same kind of machine beats
// in both.
#pragma once

#include <vector>

#include "moecost/plan/plan.h"

namespace moecost {

/// Output tokens/s of a closed loop, divided by how much slower its machine is sized.
struct SpeedPoint {
    std::size_t variant = 0;
    Layout layout;
    double requests = 0;   // in flight on one instance
    double per_gpu = 0;
    double per_user = 0;   // 1/TPOT
    double ttft_s = 0;
    double usd_per_mtok = 0;   // rent over output tokens; 0: no price is known
    bool beats_all = false;    // on the frontier of all kinds together too
};
/// By kind, then by tokens/s per user. Loads are powers of two up to what fits.
[[nodiscard]] std::vector<SpeedPoint> speed_frontier(const PlanSpace& space,
                                                     const CandidateLoop& loop = in_order);

}   // namespace moecost
