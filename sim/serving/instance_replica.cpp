// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/instance_replica.h"

#include <algorithm>
#include <cmath>

namespace moecost {

SchedulerRules engine_limits(const ServingInput& in) {
    SchedulerRules r;
    r.batching = in.engine.batching;
    r.chunk_tokens = in.engine.chunk_tokens * in.layout.attention_dp * in.layout.pp;
    r.cache_tokens = in.cache_tokens;
    const bool binds = std::isfinite(r.cache_tokens);
    r.max_sequences = binds ? std::floor(in.engine.max_sequences) : in.capacity / in.layout.attention_dp;
    r.cache = in.engine.output_reserve >= 1 ? CachePolicy::reserve : CachePolicy::grow;
    r.promised = promised_share(in.engine);
    r.queries = 1 + in.engine.draft_tokens;
    r.tokens_per_step = in.engine.tokens_per_step();
    r.ranks = in.layout.attention_dp;
    return r;
}

Replica instance_replica(const ServingInput& in, const LengthLaw& law) {
    Replica r;
    r.step = step_function(in.timer, in.scalars, in.engine, in.layout, in.traffic);
    r.lengths = law;
    r.rules = engine_limits(in);
    prepare(r);
    return r;
}

namespace {

/// The steps that the replica gives a lone prompt of mean length: chunks of all stages, of the ranks that work on it.
double steps_of_replica(const Replica& r, double decodes) {
    const double chunk = chunk_in_use(r, 0);
    const double whole = std::floor(r.lengths.prompt / chunk);
    const double rest = r.lengths.prompt - whole * chunk;
    return (whole > 0 ? whole * r.prompt_seconds(decodes, chunk) : 0) +
           (rest > 0 ? r.prompt_seconds(decodes, rest) : 0);
}

}   // namespace

Seconds front_end(const ServingInput& in, const Replica& r, double decodes) {
    const double steps = in.scalars.first_token_steps + in.engine.admission_steps;
    const double own = in.scalars.lone * lone_prompt(in, decodes).value();
    const double beyond = std::max(own - steps_of_replica(r, decodes), 0.0);
    return in.scalars.first_token + Seconds{in.traffic.restore_s} +
           Seconds{steps * r.decode_seconds(decodes) + beyond};
}

Seconds held_back(const ServingInput& in, const Replica& r, double decodes) {
    if (in.layout.attention_dp < 2 || in.engine.prompt_interval <= 1) return {};
    return Seconds{(in.engine.prompt_interval - 1) / 2 * (1 - std::exp(-decodes)) *
                   r.decode_seconds(decodes)};
}

}   // namespace moecost
