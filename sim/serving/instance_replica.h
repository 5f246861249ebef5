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
/// that an arrival waits anyway, and with pipeline stages the way of a prompt through all of them, of which the steps of
/// the replica hold one stage.
[[nodiscard]] Seconds front_end(const ServingInput& in, const Replica& replica, double decodes);

}   // namespace moecost
