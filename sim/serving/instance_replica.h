// SPDX-License-Identifier: Apache-2.0
// An instance of an engine as one replica of the closed forms.
#pragma once

#include "moecost/serving/closed_loop.h"
#include "moecost/serving/replica.h"

namespace moecost {

/// Rules of the engine as the closed forms see them: slots and memory of a rank, a chunk for every rank and stage.
[[nodiscard]] SchedulerRules engine_limits(const ServingInput& in);
/// Steps are those of the whole instance.
[[nodiscard]] Replica instance_replica(const ServingInput& in, const LengthLaw& lengths);

/// What comes on top of the first token of an ideal scheduler at `decodes`: the front end, the decode steps beyond the half
/// that an arrival waits anyway, and what the own prompt takes in chunks of a rank, through all stages and in the engine
/// (`lone`, closed_loop.h) beyond the steps that the replica gives it.
[[nodiscard]] Seconds front_end(const ServingInput& in, const Replica& replica, double decodes);

/// Half of the steps, beyond the one that an arrival waits anyway, between two that carry prompts (attention data parallelism), while anybody decodes; the event
/// simulation has them itself.
[[nodiscard]] Seconds held_back(const ServingInput& in, const Replica& replica, double decodes);

}   // namespace moecost
