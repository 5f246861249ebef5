// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/instance_replica.h"

namespace moecost {

Replica instance_replica(const ServingInput& in, const LengthLaw& law) {
    Replica r;
    r.step = step_function(in.timer, in.scalars, in.engine, in.layout, in.traffic);
    r.lengths = law;
    r.rules.batching = in.engine.batching;
    r.rules.chunk_tokens = in.engine.chunk_tokens * in.layout.attention_dp * in.layout.pp;
    r.rules.max_sequences = in.capacity;
    r.rules.queries = 1 + in.engine.draft_tokens;
    r.rules.tokens_per_step = in.engine.tokens_per_step();
    prepare(r);
    return r;
}

Seconds front_end(const ServingInput& in, Seconds decode_step) {
    return in.scalars.first_token + (in.scalars.first_token_steps + in.engine.admission_steps) * decode_step;
}

}   // namespace moecost
