// SPDX-License-Identifier: Apache-2.0
// What to rent where prefill and decode run apart: the cheapest pool of each phase that carries the load within the
// objectives. A prefill worker is judged by its prompts alone and a decode worker by its steps, so the two choices are
// independent but for engine and format of the cache, which both share; GPUs may differ.
#pragma once

#include <cstdint>

#include "moecost/plan/plan.h"

namespace moecost {

/// Of a pool; more are not searched.
inline constexpr int most_pool_workers = 4096;

/// Equal workers of one phase.
struct PlannedPool {
    std::size_t variant = 0;
    Layout layout;
    int replicas = 0;
    double usd_per_hour = 0;
    [[nodiscard]] int gpus() const { return layout.gpus() * replicas; }
};

struct PlannedPools {
    PlannedPool prefill, decode;
    double usd_per_hour = 0;
    double ttft_s = 0, tpot_s = 0;   // what the objectives are about, as slow as it is sized
    double score = HUGE_VAL;         // dollars per hour, or GPUs where that is the goal
    std::uint64_t candidates = 0, evaluated = 0;
    [[nodiscard]] bool possible() const { return prefill.replicas > 0 && decode.replicas > 0; }
    [[nodiscard]] int gpus() const { return prefill.gpus() + decode.gpus(); }
};

/// Not possible(): no pair, or none within the budget.
/// Prefill: u = the least number with rate s <= max_load whose mean TTFT holds. Decode: v = the least number whose TPOT
/// holds at its share of the rate, below max_load of the slots. A worker slower than predicted counts so. The pair is
/// then evaluated as a whole, and the pool that misses its objective grows until both hold. Requests in flight: the decode
/// pool holds them all within the objective of TPOT, prefill grows until TTFT holds. Goal throughput: pairs within the GPUs
/// of the budget (64 without one) by output tokens/s per GPU. Other goals are answered by cost.
[[nodiscard]] PlannedPools plan_pools(const PlanSpace& space, const CandidateLoop& loop = in_order);

/// What a question without such an answer is told: the best pair beyond the budget (fewest GPUs, or dollars), else that of
/// objectives that are loosened until some pair meets them, from room_over_reached times what lone requests show.
struct NearestPools {
    PlannedPools pair;                     // not possible(): no pair runs
    Slo least{HUGE_VAL, HUGE_VAL, 0, 0};   // mean times of a lone prompt and of a lone token
};
[[nodiscard]] NearestPools nearest_pools(const PlanSpace& space, const CandidateLoop& loop = in_order);

/// The scenario of such a pair.
[[nodiscard]] Scenario scenario_of(const PlanSpace& space, const PlannedPools& pools);

}   // namespace moecost
