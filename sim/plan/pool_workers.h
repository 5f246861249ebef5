// SPDX-License-Identifier: Apache-2.0
// Instances of one phase, prompts or output, as workers of a pool: what one carries within the objectives.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "moecost/plan/plan.h"

namespace moecost {

/// One layout of one variant as a worker of a phase.
struct PoolWorker {
    std::size_t variant = 0;
    Layout layout;
    double usd = 0;     // per hour
    double holds = 0;   // sequences of a decode worker within the objectives
    double carries =
        0;   // requests/s within the objectives and max_load, of a machine as slow as it is sized
};

struct PhaseWorkers {
    std::vector<PoolWorker> list;   // those that carry something
    double least_s = HUGE_VAL;      // mean of a lone prompt, or of a lone token: the least, met or not
    std::uint64_t steps = 0;        // evaluations of the step law
};

/// Means are judged: a percentile lies above them, so the pair as a whole is judged later.
[[nodiscard]] PhaseWorkers phase_workers(const PlanSpace& space, std::size_t variant,
                                         const std::vector<Layout>& layouts, Phase phase);

}   // namespace moecost
