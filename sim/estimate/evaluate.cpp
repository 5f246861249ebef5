// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/estimate.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/estimate/pools.h"
#include "moecost/model/cache.h"
#include "moecost/serving/percentiles.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_plans.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

bool within(Seconds value, double limit_s) { return limit_s <= 0 || value.value() <= limit_s; }

/// Shares of the time behind each figure that lie outside the fitted ranges of the kernels.
LogSpread beyond_fit(const Serving& s) {
    const auto share = [](const StepTime& t) { return t.total.value() > 0 ? t.extrapolated / t.total : 0; };
    const double decode = share(s.decode_time), prompt = share(s.prompt_time);
    const double all = decode + s.prefill_share * (prompt - decode);
    return {all, all, prompt};
}

}   // namespace

/// Prices move against throughput.
void add_intervals(const Scenario& scenario, Estimate& e) {
    const ServedClass& served = scenario.pool().served;
    e.spread = widened(served.spread[scenario.traffic.load.index()], served.beyond,
                       e.beyond = beyond_fit(e.serving));
    e.memory_sd = served.memory;
    e.output_tokens_per_s = interval_about(e.serving.output_tokens_per_s.value(), e.spread.throughput);
    e.tpot_s = interval_about(e.serving.tpot.value(), e.spread.tpot);
    e.ttft_s = interval_about(e.serving.ttft.value(), e.spread.ttft);
    e.usd_per_mtok_output = interval_about(e.cost.usd_per_mtok_output, e.spread.throughput);
}

namespace {

/// The part of the traffic that one instance sees, without the name: nothing is allocated.
Traffic of_instance(const Traffic& t, double replicas) {
    Traffic part;
    part.input = t.input;
    part.output = t.output;
    part.prefix_hit_rate = t.prefix_hit_rate;
    part.equal_lengths = t.equal_lengths;
    part.load = per_instance(t.load, replicas);
    part.shape = t.shape;
    part.resident_input = t.resident_input;
    part.resident_output = t.resident_output;
    return part;
}

/// Amounts of load are told for the whole deployment, as they were asked.
Infeasible of_deployment(Infeasible why, double replicas) {
    if (why.quantity != "arrival rate" && why.quantity != "sequences at once") return why;
    why.needed *= replicas;
    why.available *= replicas;
    return why;
}

/// The times that the objectives are about, and whether they hold.
std::optional<Infeasible> judge(const EngineInstance& instance, const Traffic& traffic, const Slo& slo,
                                Estimate& e) {
    e.ttft_of_slo = e.serving.ttft;
    e.tpot_of_slo = e.serving.tpot;
    if (slo.of_percentiles()) {
        const auto latency = serving_latency(instance, traffic, lengths_of(traffic), traffic.load, e.serving);
        if (!latency) return latency.error();
        e.latency = *latency;
        if (slo.ttft_level > 0) e.ttft_of_slo = latency->ttft.quantile(slo.ttft_level);
        if (slo.tpot_level > 0) e.tpot_of_slo = latency->tpot.quantile(slo.tpot_level);
    }
    e.meets_slo = within(e.ttft_of_slo, slo.ttft_s) && within(e.tpot_of_slo, slo.tpot_s);
    return std::nullopt;
}

/// Requests of an instance at once: those its load states, else those that run.
double sequences_at_once(const Traffic& t, const Serving& serving) {
    const bool stated = !std::holds_alternative<OpenLoop>(t.load);
    const double size = stated ? size_of(t.load).value_or(0) : 0;
    return std::max(1.0, std::ceil(size > 0 ? size : serving.running));
}

}   // namespace

CostInput cost_input(const Scenario& s) {
    const Pool& p = s.pool();
    CostInput c;
    c.gpus = p.layout.gpus();
    c.usd_per_gpu_hour = p.price.usd_per_gpu_hour;
    c.blend_input_parts = s.blend_input_parts;
    c.cache_bytes_per_token =
        kv_bytes_per_token(s.architecture, p.precision.kv_cache, p.layout.tp) / p.layout.pp;
    c.gpu = &p.cluster.gpu;
    c.power = s.power;
    return c;
}

Interval interval_about(double value, double log_sd) {
    constexpr double z90 = 1.2815515655446004;   // standard normal quantile at 0.9
    if (!(log_sd > 0) || !(value > 0)) return {};
    const double factor = fast_exp2(z90 * 1.4426950408889634 * log_sd);
    return {value / factor, value * factor};
}

namespace {

/// `equipped` gives what steps of a pool and phase are timed with; it outlives the call.
template <class Equip>
Expected<Estimate> evaluate(const Scenario& scenario, const WeightBytes& weights, Equip&& equipped) {
    const Pool& p = scenario.pool();
    if (scenario.two_pools()) {
        Expected<Estimate> apart = evaluate_pools(scenario, weights);
        if (apart) add_intervals(scenario, *apart);
        return apart;
    }
    if (const auto problem = layout_problem(scenario.architecture, p.layout)) return *problem;
    const double replicas = p.replicas;
    Traffic traffic = of_instance(scenario.traffic, replicas);
    const Expected<MemoryPlan> memory = plan_memory(scenario.architecture, p.precision, weights, p.layout,
                                                    p.cluster, p.settings, traffic, &p.rules);
    if (!memory) return memory.error();
    const Phase phase = phase_of(traffic.load, p.layout);
    const StepPlans::Equipped kept = equipped(p, phase);
    StepTimer timer(scenario.architecture, p.precision, p.layout, *kept.hardware, phase, kept.plan);
    if (std::holds_alternative<Offline>(traffic.load)) timer.without_streaming();
    Expected<Estimate> answer(std::in_place);
    Estimate& estimate = *answer;
    if (scenario.reuse.known()) {
        SettledTraffic settled = with_prefix_hits(scenario.reuse, timer, p.profile.serving, p.settings,
                                                  p.layout, *memory, std::move(traffic));
        traffic = std::move(settled.traffic);
        estimate.hits = settled.hits;
    }
    std::optional<ServingConstants> alone;
    if (phase == Phase::prefill) (alone = p.profile.serving)->prefill_factor = prompts_alone(p);
    const Expected<Serving> serving =
        serve(timer, alone ? *alone : p.profile.serving, p.settings, p.layout, *memory, traffic);
    if (!serving) return of_deployment(serving.error(), replicas);

    estimate.serving = *serving;
    estimate.memory = *memory;
    estimate.cost = cost_of(*serving, traffic, cost_input(scenario));
    estimate.replicas = replicas;
    estimate.provenance = serving->provenance;
    if (const auto why =
            judge({timer, p.profile.serving, p.settings, p.layout, *memory}, traffic, scenario.slo, estimate))
        return of_deployment(*why, replicas);
    add_intervals(scenario, estimate);
    if (scenario.asks_capacity) {
        estimate.capacity = capacity_of(
            {scenario.architecture, p.precision, weights, p.layout, p.cluster, p.settings, &p.rules},
            traffic.input + traffic.output, sequences_at_once(traffic, *serving));
    }
    return answer;
}

}   // namespace

Expected<Estimate> evaluate(const Scenario& scenario) { return evaluate(scenario, weights_of(scenario)); }

Expected<Estimate> evaluate(const Scenario& scenario, const WeightBytes& weights) {
    const Load& load = scenario.traffic.load;
    const bool many_steps = std::holds_alternative<OpenLoop>(load) || std::holds_alternative<Replay>(load) ||
                            scenario.slo.of_percentiles();
    if (many_steps) {
        StepPlans plans(bands_of_one_answer);   // which asks for a hundred steps
        return evaluate(scenario, weights, plans);
    }
    std::optional<CalibratedHardware> fresh;
    return evaluate(scenario, weights, [&](const Pool& p, Phase) {
        return StepPlans::Equipped{{},
                                   &fresh.emplace(calibrated_hardware(p.cluster, p.profile, p.precision))};
    });
}

Expected<Estimate> evaluate(const Scenario& scenario, const WeightBytes& weights, StepPlans& plans) {
    return evaluate(scenario, weights, [&](const Pool& p, Phase phase) {
        return plans.of(p.layout, phase, p.cluster, p.profile, p.precision);
    });
}

}   // namespace moecost
