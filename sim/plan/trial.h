// SPDX-License-Identifier: Apache-2.0
// One instance under trial: how much of a load it carries within the objectives.
//   size      requests/s of an open loop, requests in flight of a closed one; of one instance
//   slower    a machine y times slower than predicted serves rate r as the predicted one serves y r, in times y times
//             as long (time scales, counts do not)
#pragma once

#include <cstdint>

#include "moecost/estimate/estimate.h"
#include "moecost/timing/step_plans.h"

namespace moecost {

/// The scenario's load is that of the whole deployment; trials set it, the layout and one replica.
struct Trial {
    Scenario scenario;
    WeightBytes weights;
    Slo limits;   // loosened, or those of the scenario
    double slower = 1;
    std::uint64_t evaluated = 0;   // calls of evaluate()
    StepPlans plans{};             // of its steps, in any layout
};
[[nodiscard]] Trial trial_of(const Scenario& scenario, double slower);

/// Whether the load grows by its rate (open loop) rather than by what is in flight.
[[nodiscard]] bool is_rate(const Load& load);

/// What all slots of an instance deliver or hold, and a lone request on it.
struct InstanceLimits {
    double slots = 0;                                          // sequences that run at once
    double capacity = 0;                                       // size at which every slot is busy
    double full_tokens_per_s = 0;                              // output, every slot busy
    double least_joules = 0;                                   // per output token, every slot busy
    double lone_ttft_s = 0, lone_tpot_s = 0, lone_e2e_s = 0;   // means
};
/// Two evaluations of a closed loop. Infeasible: memory.
[[nodiscard]] Expected<InstanceLimits> instance_limits(Trial& trial);

/// The rate that an instance carries with every slot or all its memory busy, as its arrivals see it (open_loop.h): what
/// estimate calls its capacity. About ten steps of a closed loop with their prompts.
[[nodiscard]] double capacity_at_a_rate(Trial& trial);

/// A size that no instance exceeds within the limits: the closed loop whose mean TPOT is the limit and a little more (2 %
/// of a mean, 25 % of a percentile above the median, whose law is another one). 0: not even a lone request is fast
/// enough. About ten evaluations of a closed loop.
[[nodiscard]] double most_within_limits(Trial& trial, const InstanceLimits& limits);

/// An instance that gets this much. Times, energy and rates are those of the machine as predicted: see meets().
[[nodiscard]] Expected<Estimate> at_size(Trial& trial, double size);
/// Whether its times, `slower` times as long, are within the limits.
[[nodiscard]] bool meets(const Trial& trial, const Estimate& estimate);
/// Times of the objectives over their limits, the larger one; 0 without objectives.
[[nodiscard]] double worst_ratio(const Trial& trial, const Estimate& estimate);

/// The largest size below `most` that meets the limits, to 0.1 %; 0: none.
[[nodiscard]] double largest_size(Trial& trial, double most);

}   // namespace moecost
