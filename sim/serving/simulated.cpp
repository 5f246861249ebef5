// SPDX-License-Identifier: Apache-2.0
// A load of an instance on the event simulator.
#include "moecost/serving/instance_replica.h"
#include "moecost/serving/percentiles.h"

namespace moecost {
namespace {

/// Runs that end by themselves count whole; steady loads count after a fifth of them.
bool is_finite(const Load& load) {
    const auto* queue = std::get_if<Offline>(&load);
    return std::holds_alternative<Replay>(load) || std::holds_alternative<Burst>(load) ||
           (queue != nullptr && queue->requests > 0);
}

}   // namespace

Expected<Simulation> simulated(const EngineInstance& i, const Traffic& traffic, const Lengths& lengths,
                               const Load& load, const SimulatedLoad& options) {
    if (std::holds_alternative<StaticBatch>(load) || std::holds_alternative<PrefillOnly>(load) ||
        std::holds_alternative<DecodeOnly>(load)) {
        return Infeasible{"this load has no requests that come and go: nothing to simulate", "", "", 0, 0};
    }
    const SchedulerRules rules = scheduler_rules(i.settings, i.layout, i.memory, traffic);
    const LengthLaw law = length_law(lengths, traffic.prefix_hit_rate);
    StepTable steps(step_function(i.timer, i.constants, i.settings, i.layout, traffic), law.context,
                    law.attended / law.prompt);
    SimulationSettings settings;
    settings.slo = options.slo;
    settings.timeline_points = options.timeline_points;
    settings.progress = options.progress;
    if (!is_finite(load)) {
        settings.requests = options.requests;
        settings.warm_up = options.requests / 4;
    }
    const ServingInput in{i.timer, i.constants, i.settings, i.layout, traffic, i.memory.max_concurrency};
    settings.front_end = front_end(in, instance_replica(in, law), 1).value();
    RequestSource source = request_source(load, lengths, traffic.prefix_hit_rate, options.seed);
    if (options.trace) source.next = options.trace;
    return simulate(rules, steps, std::move(source), settings);
}

}   // namespace moecost
