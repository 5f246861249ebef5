// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/serving.h"

#include "moecost/serving/phases.h"
#include "moecost/serving/scheduler.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

/// Each kind of load by its law.
struct Dispatch {
    const ServingInput& in;
    Expected<Serving> operator()(const ClosedLoop& l) const {
        return closed_loop(in, l.concurrency, l.requests);
    }
    Expected<Serving> operator()(const OpenLoop& l) const {
        return at_rate(in, PerSecond{l.rate}, l.burstiness);
    }
    Expected<Serving> operator()(const Offline& l) const { return offline(in, l.requests); }
    Expected<Serving> operator()(const Burst& l) const { return burst(in, l.requests); }
    Expected<Serving> operator()(const PrefillOnly&) const { return prefill_only(in); }
    Expected<Serving> operator()(const DecodeOnly& l) const {
        if (l.requests > in.capacity) {
            return Infeasible{"more sequences than run at once, by memory or by slots", "sequences at once",
                              "sequences", l.requests, in.capacity};
        }
        return decode_only(in, l.requests);
    }
    Expected<Serving> operator()(const Replay& l) const {
        if (l.rate > 0) return at_rate(in, PerSecond{l.rate}, l.burstiness);
        return Infeasible{"a trace has no steady state: it is simulated", {}, {}, 0, 0};
    }
    Expected<Serving> operator()(const StaticBatch& l) const {
        if (l.requests > in.capacity) {
            return Infeasible{"the static batch does not fit beside the weights", "sequences at once",
                              "sequences", l.requests, in.capacity};
        }
        return static_batch(in, l.requests);
    }
};

}   // namespace

ServingInput serving_input(StepTimer& timer, const ServingConstants& scalars, const EngineSettings& engine,
                           const Layout& layout, const MemoryPlan& memory, const Traffic& traffic) {
    return {timer,
            scalars,
            engine,
            layout,
            traffic,
            memory.max_concurrency,
            cache_tokens(engine, memory, traffic)};
}

Expected<Serving> serve(StepTimer& timer, const ServingConstants& scalars, const EngineSettings& engine,
                        const Layout& layout, const MemoryPlan& memory, const Traffic& traffic) {
    const ServingInput input = serving_input(timer, scalars, engine, layout, memory, traffic);
    Expected<Serving> result = std::visit(Dispatch{input}, traffic.load);
    if (!result) return result;
    const double tokens_out = std::holds_alternative<PrefillOnly>(traffic.load) ? 0 : traffic.output;
    const double tokens_in = std::holds_alternative<DecodeOnly>(traffic.load) ? 0 : traffic.input;
    result->output_tokens_per_s = TokensPerSecond{result->requests_per_s.value() * tokens_out};
    result->input_tokens_per_s = TokensPerSecond{result->requests_per_s.value() * tokens_in};
    return result;
}

}   // namespace moecost
