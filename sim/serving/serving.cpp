// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/serving.h"

#include "moecost/serving/phases.h"

namespace moecost {
namespace {

Expected<Serving> dispatch(const ServingInput& in) {
    const double requests = in.traffic.requests;
    switch (in.traffic.load) {
        case LoadKind::closed_loop:
            return closed_loop(in, requests);
        case LoadKind::rate:
            return at_rate(in, PerSecond{requests});
        case LoadKind::offline:
            return offline(in, requests);
        case LoadKind::burst:
            return burst(in, requests);
        case LoadKind::prefill_only:
            return prefill_only(in);
        case LoadKind::decode_only:
            return decode_only(in, requests);
        case LoadKind::static_batch:
            break;
    }
    if (requests > in.capacity) {
        return Infeasible{"the static batch does not fit beside the weights", "sequences at once",
                          "sequences", requests, in.capacity};
    }
    return static_batch(in, requests);
}

}   // namespace

Expected<Serving> serve(StepTimer& timer, const ServingConstants& scalars, const EngineSettings& engine,
                        const Layout& layout, const MemoryPlan& memory, const Traffic& traffic) {
    Expected<Serving> result = dispatch({timer, scalars, engine, layout, traffic, memory.max_concurrency});
    if (!result) return result;
    const double tokens_out = traffic.load == LoadKind::prefill_only ? 0 : traffic.output;
    const double tokens_in = traffic.load == LoadKind::decode_only ? 0 : traffic.input;
    result->output_tokens_per_s = TokensPerSecond{result->requests_per_s.value() * tokens_out};
    result->input_tokens_per_s = TokensPerSecond{result->requests_per_s.value() * tokens_in};
    return result;
}

}   // namespace moecost
