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

/// A lone prompt: its first chunk takes the time of all stages, each further one a stage; the replica spreads it.
double through_stages(const ServingInput& in, const Replica& r, double decodes) {
    const double stages = in.layout.pp;
    if (stages < 2) return 0;
    const double chunk = r.rules.chunk_tokens / stages;
    const double prompt = r.lengths.prompt;
    const double behind = std::max(prompt / chunk - 1, 0.0);
    const double lone = (1 + behind / stages) * r.prompt_seconds(decodes, std::min(prompt, chunk) * stages);
    const double spread = std::max(1.0, prompt / r.rules.chunk_tokens) *
                          r.prompt_seconds(decodes, std::min(prompt, r.rules.chunk_tokens));
    return std::max(lone - spread, 0.0);
}

/// What the own prompt of a first token takes beyond its steps, `lone` of them.
double beyond_own_steps(const ServingInput& in, const Replica& r, double decodes) {
    const double chunk = r.rules.chunk_tokens;
    return (in.scalars.lone - 1) * std::max(1.0, r.lengths.prompt / chunk) *
           r.prompt_seconds(decodes, std::min(r.lengths.prompt, chunk));
}

}   // namespace

Seconds front_end(const ServingInput& in, const Replica& r, double decodes) {
    const double steps = in.scalars.first_token_steps + in.engine.admission_steps;
    return in.scalars.first_token + Seconds{in.traffic.restore_s} +
           Seconds{steps * r.decode_seconds(decodes) + through_stages(in, r, decodes) +
                   beyond_own_steps(in, r, decodes)};
}

}   // namespace moecost
