// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/phases.h"

#include "moecost/serving/drain.h"
#include "moecost/timing/step_timer.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

double chunk_of(const ServingInput& in) {
    return in.engine.chunk_tokens * in.layout.attention_dp * in.layout.pp;
}

StepShape decode_shape(const ServingInput& in, double sequences) {
    StepShape s;
    s.decode_sequences = sequences;
    s.decode_context = in.traffic.mean_context();
    s.queries = 1 + in.engine.draft_tokens;
    return s;
}

StepShape prompt_shape(const ServingInput& in, double tokens) {
    StepShape s;
    s.prefill_tokens = tokens;
    s.prompt = in.traffic.computed_input();
    s.prior = in.traffic.input - s.prompt;
    s.passes = std::max(1.0, std::ceil(s.prompt / chunk_of(in)));
    return s;
}

/// Prompts of n sequences, one full chunk per step and a last partial one; `step` receives a full chunk's time. With
/// pipeline stages a chunk enters whenever the first stage is free: the first takes the time of all stages, each
/// further one a stage of it.
Seconds prefill_all(const ServingInput& in, double sequences, Serving& s) {
    const double stages = in.layout.pp;
    const double tokens = sequences * in.traffic.computed_input();
    const double chunk = std::min(tokens, chunk_of(in) / stages);
    const double full = std::floor(tokens / chunk);
    s.prompt_step = prompt_shape(in, chunk * stages);   // a chunk in every stage
    s.prompt_time = in.timer.time(s.prompt_step);
    const double factor = in.scalars.prefill_factor;
    Seconds total = (full + stages - 1) / stages * s.prompt_time.served(factor);
    if (const double rest = tokens - full * chunk; rest >= 1)
        total += in.timer.time(prompt_shape(in, rest * stages)).served(factor) / stages;
    return total;
}

/// One wave of n sequences from empty to done.
struct Wave {
    Seconds prefill;
    Seconds decode;
    [[nodiscard]] Seconds total() const { return prefill + decode; }
};

Wave run_wave(const ServingInput& in, double sequences, Serving& s) {
    Wave w;
    w.prefill = prefill_all(in, sequences, s);
    s.decode_step = decode_shape(in, sequences);
    s.decode_time = decode_time(in, s.decode_step);
    const Seconds token = s.decode_time.total / in.engine.tokens_per_step();
    w.decode = std::max(in.traffic.output - 1, 0.0) * token;
    s.running = s.decoding = sequences;
    s.tpot = in.traffic.output > 1 ? token : Seconds{0};
    s.prefill_share = w.prefill / w.total();
    s.prefill_steps_share = 0;
    s.provenance = weaker(s.decode_time.provenance, s.prompt_time.provenance);
    return w;
}

/// Share of the time of all prompts after which a first token comes, on average: prompts that end in a step have theirs
/// when it ends. Of n prompts of I tokens at C a step the j-th ends in step ceil(j I/C).
double mean_first_share(const ServingInput& in, double requests) {
    const double of_step = in.traffic.computed_input() / chunk_of(in);
    const double steps = std::ceil(requests * of_step - 1e-9);
    double sum = 0;
    for (double j = 1; j <= requests; ++j) sum += std::ceil(j * of_step - 1e-9);
    return requests < 1 || steps < 1 ? 1 : sum / (std::floor(requests) * steps);
}

/// Requests that run at once of so many that start together. Equal answers that grow in step need room for their ends,
/// staggered ones for their middles.
double room_together(const ServingInput& in) {
    if (!in.traffic.equal_lengths || !std::isfinite(in.cache_tokens)) return in.capacity;
    const double whole = in.cache_tokens / (in.traffic.input + in.traffic.output);
    return std::min(in.capacity, std::max(whole, 1.0) * in.layout.attention_dp);
}

}   // namespace

Serving static_batch(const ServingInput& in, double requests) {
    Serving s;
    const Wave w = run_wave(in, requests, s);
    s.ttft = w.prefill + in.scalars.first_token;
    s.e2e = w.total() + in.scalars.first_token;
    s.requests_per_s = PerSecond{requests / s.e2e.value()};
    return s;
}

Serving burst(const ServingInput& in, double requests) {
    const double room = room_together(in);
    if (requests > room) {
        Serving s = offline(in, requests);
        const double waves = requests / room;
        const double whole = std::floor(waves);   // a request of the k-th wave waits for those before it
        s.ttft_queue = (whole * (whole - 1) / 2 + (waves - whole) * whole) / waves * (s.e2e - s.ttft);
        s.ttft += s.ttft_queue;
        s.e2e += s.ttft_queue;
        return s;
    }
    Serving s;
    const Wave w = run_wave(in, requests, s);
    s.ttft = in.scalars.first_token + w.prefill * mean_first_share(in, requests);
    s.e2e = in.scalars.first_token + w.total();
    // The first prompts decode while the last ones still prefill: their tokens wait.
    if (in.traffic.output > 1) s.tpot = (s.e2e - s.ttft) / (in.traffic.output - 1);
    s.requests_per_s = PerSecond{requests / s.e2e.value()};
    return s;
}

Serving offline(const ServingInput& in, double requests) {
    const double room = requests > 0 ? room_together(in) : in.capacity;
    const double slots = requests > 0 ? std::min(requests, room) : room;
    const bool taken_out = room == in.capacity && (requests <= 0 || requests > slots);
    Serving s = closed_loop(in, slots, 0, taken_out);
    if (requests <= 0) return s;
    // Slots refill as they empty until the queue is dry; then the last wave drains at part of the occupancy.
    const double waves = requests / slots;
    const bool spread = in.traffic.shape != nullptr && !in.traffic.equal_lengths;
    const double drained =
        in.traffic.equal_lengths ? 0 : in.scalars.law.drain_occupancy * std::clamp(waves - 1, 0.0, 1.0);
    const Seconds run = spread ? run_with_end(in, requests, slots, s) : (waves + drained) * s.e2e;
    s.requests_per_s = PerSecond{requests / run.value()};
    return s;
}

Serving prefill_only(const ServingInput& in) {
    Serving s;
    s.prompt_step = prompt_shape(in, chunk_of(in));
    s.prompt_time = in.timer.time(s.prompt_step);
    const Seconds step = s.prompt_time.served(in.scalars.prefill_factor);
    const double prompts = chunk_of(in) / in.traffic.computed_input();
    s.requests_per_s = PerSecond{prompts / step.value()};
    s.ttft = s.e2e = max(step, step / prompts) + in.scalars.first_token;
    s.running = std::max(prompts, 1.0);
    s.prefill_share = 1;
    s.prefill_steps_share = 1;
    s.provenance = s.prompt_time.provenance;
    return s;
}

Serving decode_only(const ServingInput& in, double requests) {
    Serving s;
    s.running = s.decoding = std::min(requests, in.capacity);
    s.decode_step = decode_shape(in, s.running);
    s.decode_time = decode_time(in, s.decode_step);
    s.tpot = s.decode_time.total / in.engine.tokens_per_step();
    s.e2e = in.traffic.output * s.tpot;
    s.requests_per_s = PerSecond{s.running / s.e2e.value()};
    s.provenance = s.decode_time.provenance;
    return s;
}

}   // namespace moecost
