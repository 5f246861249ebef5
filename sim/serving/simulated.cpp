// SPDX-License-Identifier: Apache-2.0
// A load of an instance on the event simulator.
#include <algorithm>

#include "moecost/serving/instance_replica.h"
#include "moecost/serving/percentiles.h"
#include "moecost/serving/phases.h"

namespace moecost {
namespace {

/// Sequences that decode beside a first token, by the closed form; 1 where it has none.
double usual_decodes(const ServingInput& in, const Load& load) {
    const auto* rate = std::get_if<OpenLoop>(&load);
    const Expected<Serving> means =
        rate != nullptr ? at_rate(in, PerSecond{rate->rate}, rate->burstiness) : Infeasible{};
    if (means) return std::max(means->decoding, 1.0);
    const auto* loop = std::get_if<ClosedLoop>(&load);
    return loop != nullptr ? std::max(std::min(loop->concurrency, in.capacity), 1.0) : 1;
}

}   // namespace

bool ends_by_itself(const Load& load) {
    const auto* queue = std::get_if<Offline>(&load);
    return std::holds_alternative<Replay>(load) || std::holds_alternative<Burst>(load) ||
           (queue != nullptr && queue->requests > 0);
}

bool comes_and_goes(const Load& load) {
    return !std::holds_alternative<StaticBatch>(load) && !std::holds_alternative<PrefillOnly>(load) &&
           !std::holds_alternative<DecodeOnly>(load);
}

SimulationSettings simulation_settings(const Load& load, const SimulatedLoad& options) {
    SimulationSettings s;
    s.slo = options.slo;
    s.timeline_points = options.timeline_points;
    s.progress = options.progress;
    if (ends_by_itself(load)) return s;
    s.requests = options.requests;
    s.warm_up = options.requests / 4;
    return s;
}

Expected<Simulation> simulated(const EngineInstance& i, const Traffic& traffic, const Lengths& lengths,
                               const Load& load, const SimulatedLoad& options) {
    if (!comes_and_goes(load))
        return Infeasible{"this load has no requests that come and go: nothing to simulate", "", "", 0, 0};
    const SchedulerRules rules = scheduler_rules(i.settings, i.layout, i.memory, traffic);
    const LengthLaw law = length_law(lengths, traffic.prefix_hit_rate);
    StepTable steps(step_function(i.timer, i.constants, i.settings, i.layout, traffic), law.context,
                    law.attended / law.prompt);
    SimulationSettings settings = simulation_settings(load, options);
    const ServingInput in = serving_input(i.timer, i.constants, i.settings, i.layout, i.memory, traffic);
    settings.front_end = front_end(in, instance_replica(in, law), usual_decodes(in, load)).value();
    RequestSource source = request_source(load, lengths, traffic.prefix_hit_rate, options.seed);
    if (options.trace) source.next = options.trace;
    return simulate(rules, steps, std::move(source), settings);
}

}   // namespace moecost
