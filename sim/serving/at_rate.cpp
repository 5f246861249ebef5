// SPDX-License-Identifier: Apache-2.0
// Means of requests that arrive at a rate.
#include <algorithm>

#include "moecost/serving/instance_replica.h"
#include "moecost/serving/open_loop.h"
#include "moecost/serving/phases.h"
#include "moecost/timing/step_timer.h"
#include "moecost/traffic/length_presets.h"

namespace moecost {
namespace {

StepShape decode_shape(const ServingInput& in, double sequences) {
    StepShape s;
    s.decode_sequences = sequences;
    s.decode_context = sequences > 0 ? in.traffic.mean_context() : 0;
    s.queries = 1 + in.engine.draft_tokens;
    return s;
}

/// The steps that the answer is made of, for the breakdown.
void add_steps(const ServingInput& in, const LoadedRound& round, Serving& s) {
    s.decode_step = decode_shape(in, std::max(s.decoding, 1.0));
    s.decode_time = decode_time(in, s.decode_step);
    const bool mixed = in.engine.batching == Batching::chunked_prefill;
    s.prompt_step = decode_shape(in, mixed ? s.decode_step.decode_sequences : 0);
    s.prompt_step.prefill_tokens = round.tokens;
    s.prompt_step.prompt = in.traffic.computed_input();
    s.prompt_step.prior = in.traffic.input - s.prompt_step.prompt;
    s.prompt_step.prompt_ranks =
        prompt_ranks(round.tokens, s.prompt_step.prompt, in.engine.chunk_tokens, in.layout.attention_dp);
    s.prompt_time = in.timer.time(s.prompt_step);
    s.prefill_steps_share = std::min(round.share, 1.0);
    s.provenance = weaker(s.decode_time.provenance, s.prompt_time.provenance);
}

}   // namespace

Expected<Serving> at_rate(const ServingInput& in, PerSecond rate, double burstiness) {
    const Lengths lengths = lengths_of(in.traffic);
    const LengthLaw law = length_law(lengths, in.traffic.prefix_hit_rate);
    const Replica replica = instance_replica(in, law);
    const OpenLoopAnswer o = open_loop(replica, rate.value(), burstiness, false);
    if (!o.stable) {
        return Infeasible{"the offered load exceeds the capacity", "arrival rate", "requests/s", rate.value(),
                          std::min(o.capacity, rate.value())};
    }
    Serving s;
    s.ttft_queue = Seconds{o.waits * o.slot_wait};
    s.ttft = Seconds{o.ttft} + front_end(in, replica, o.decodes) + held_back(in, replica, o.decodes);
    s.tpot = in.traffic.output > 1 ? Seconds{o.tpot} : Seconds{0};
    s.e2e = s.ttft + std::max(in.traffic.output - 1, 0.0) * s.tpot;
    s.requests_per_s = rate;
    const double in_system = rate.value() * (s.e2e - s.ttft_queue).value();
    s.busy_share = std::min(in_system, 1.0);
    s.running = std::min(in_system, in.capacity);
    s.decoding = std::min(o.decodes, s.running);
    s.prefill_share = std::min(rate.value() * o.round.prompt_cost / std::max(s.busy_share, 1e-300), 1.0);
    s.doubt = doubt(replica, o, rate.value(), quantile(lengths.output, 0.5));
    add_steps(in, o.round, s);
    return s;
}

}   // namespace moecost
