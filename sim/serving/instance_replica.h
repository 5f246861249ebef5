// SPDX-License-Identifier: Apache-2.0
// An instance of an engine as one replica of the closed forms.
#pragma once

#include "moecost/serving/closed_loop.h"
#include "moecost/serving/replica.h"

namespace moecost {

/// Steps are those of the whole instance; slots are all that fit (`capacity`); a chunk for every rank and stage.
[[nodiscard]] Replica instance_replica(const ServingInput& in, const LengthLaw& lengths);

/// What the front end and the overlapped scheduler of the engine add to the first token of an ideal scheduler: the
/// constant, and the decode steps beyond the half that an arrival waits anyway.
[[nodiscard]] Seconds front_end(const ServingInput& in, Seconds decode_step);

}   // namespace moecost
