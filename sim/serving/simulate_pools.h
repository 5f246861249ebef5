// SPDX-License-Identifier: Apache-2.0
// Event simulation of prefill and decode apart: every prompt, every handover and every step of the decode workers.
#pragma once

#include "moecost/serving/simulate.h"
#include "moecost/serving/two_pools.h"

namespace moecost {

/// Prompts wait in one queue. A free prefill worker takes whole prompts, first come first served, until a full step is
/// filled (to half a prompt, at least one); the worker is busy for its tokens' share of full steps, or for a lesser one. A prompt that met an idle
/// worker alone takes the time of a lone one. Its cache then goes over: it waits for the links (per_prompt each, one after
/// another), and for what the handover does not hide. The first token is seen when a decode worker has a slot for it: that
/// with the fewest requests, else the first that frees one. It decodes from the next step of that worker on, for
/// (O - 1)/y steps; steps are timed at the number of sequences and the mean context. `constant` of the handover is
/// added to the first token. Deterministic. In-flight loads: as simulate().
[[nodiscard]] Simulation simulate_pools(const TwoPools& pools, double tokens_per_step, RequestSource source,
                                        const SimulationSettings& settings);

}   // namespace moecost
