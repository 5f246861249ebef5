// SPDX-License-Identifier: Apache-2.0
// Loads without a steady mixture: static batch, burst, offline queue, a single phase.
#pragma once

#include "moecost/serving/closed_loop.h"

namespace moecost {

/// All prompts first, chunk after chunk, then O - 1 steps at the mean context:
///   prefill = pre sum of chunk steps;  E2E = prefill + (O - 1) t_d;  TTFT = prefill (all first tokens together).
[[nodiscard]] Serving static_batch(const ServingInput& in, double requests);
/// n requests at once on an idle server: the first wave prefills one chunk after another (mean TTFT about half of
/// it), the rest waits for slots, a request of the k-th wave for k waves; throughput is n requests over the whole time.
[[nodiscard]] Serving burst(const ServingInput& in, double requests);
/// All slots busy until the queue of `requests` is empty: whole waves of the cycle of the slots, and the end of a run of spread
/// lengths (drain.h); of lengths that differ in no known way, min(w - 1, 1) drain_occupancy of one wave more.
/// requests = 0 is an endless queue. Equal lengths that start together stay in step: room for I + O of each.
[[nodiscard]] Serving offline(const ServingInput& in, double requests);
/// Prompts only, every step a full chunk.
[[nodiscard]] Serving prefill_only(const ServingInput& in);
/// `requests` sequences decoding at the mean context, no prompts.
[[nodiscard]] Serving decode_only(const ServingInput& in, double requests);
/// Requests arrive at a rate, Poisson or as bursty: the closed form of open_loop.h at the means of the traffic, with the
/// front end of the engine on top of TTFT; ttft_queue is the wait for a slot or memory. Infeasible when the rate
/// exceeds what all slots deliver.
[[nodiscard]] Expected<Serving> at_rate(const ServingInput& in, PerSecond rate, double burstiness = 1);

}   // namespace moecost
