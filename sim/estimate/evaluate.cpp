// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/estimate.h"

#include "moecost/model/cache.h"
#include "moecost/ops/launchable.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {
namespace {

bool within(Seconds value, double limit_s) { return limit_s <= 0 || value.value() <= limit_s; }

Interval around(double value, const Residual& residual) {
    return residual.known() ? Interval{value * residual.p10, value * residual.p90} : Interval{};
}

/// Prices move against throughput.
Interval price_around(double value, const Residual& residual) {
    return residual.known() ? Interval{value / residual.p90, value / residual.p10} : Interval{};
}

/// Residuals were taken on calibrated accelerators under a closed loop: they say nothing about anything else.
void add_intervals(const Scenario& scenario, Estimate& e) {
    if (scenario.profile.basis == Provenance::datasheet || scenario.traffic.load != LoadKind::closed_loop)
        return;
    const ServingConstants& s = scenario.profile.serving;
    e.output_tokens_per_s = around(e.serving.output_tokens_per_s.value(), s.throughput_residual);
    e.tpot_s = around(e.serving.tpot.value(), s.tpot_residual);
    e.ttft_s = around(e.serving.ttft.value(), s.ttft_residual);
    e.usd_per_mtok_output = price_around(e.cost.usd_per_mtok_output, s.throughput_residual);
}

}   // namespace

void Scenario::refresh() { weights = weight_bytes(architecture, precision); }

Expected<Estimate> evaluate(const Scenario& scenario) {
    if (const auto problem = layout_problem(scenario.architecture, scenario.layout)) return *problem;
    if (const auto problem =
            launch_problem(scenario.rules, scenario.architecture, scenario.precision, scenario.layout,
                           scenario.cluster.gpu, {0, scenario.engine.draft_tokens}))
        return infeasible_of(*problem);
    const Expected<MemoryPlan> memory =
        plan_memory(scenario.architecture, scenario.precision, scenario.weights, scenario.layout,
                    scenario.cluster, scenario.engine, scenario.traffic);
    if (!memory) return memory.error();
    const CalibratedHardware machine =
        calibrated_hardware(scenario.cluster, scenario.profile, scenario.precision);
    StepTimer timer(scenario.architecture, scenario.precision, scenario.layout, machine);
    const Expected<Serving> serving =
        serve(timer, scenario.profile.serving, scenario.engine, scenario.layout, *memory, scenario.traffic);
    if (!serving) return serving.error();

    CostInput prices;
    prices.gpus = scenario.layout.gpus();
    prices.usd_per_gpu_hour = scenario.price.usd_per_gpu_hour;
    prices.blend_input_parts = scenario.blend_input_parts;
    prices.cache_bytes_per_token =
        kv_bytes_per_token(scenario.architecture, scenario.precision.kv_cache, scenario.layout.tp) /
        scenario.layout.pp;
    prices.gpu = &scenario.cluster.gpu;

    Estimate estimate;
    estimate.serving = *serving;
    estimate.memory = *memory;
    estimate.cost = cost_of(*serving, scenario.traffic, prices);
    estimate.provenance = serving->provenance;
    estimate.meets_slo =
        within(serving->ttft, scenario.slo.ttft_s) && within(serving->tpot, scenario.slo.tpot_s);
    add_intervals(scenario, estimate);
    return estimate;
}

StepReport explain(const Scenario& scenario, const Serving& serving) {
    const CalibratedHardware machine =
        calibrated_hardware(scenario.cluster, scenario.profile, scenario.precision);
    StepTimer timer(scenario.architecture, scenario.precision, scenario.layout, machine);
    StepReport report;
    if (serving.decode_step.decode_sequences > 0) report.decode = timer.explain(serving.decode_step);
    if (serving.prompt_step.prefill_tokens > 0) report.prompt = timer.explain(serving.prompt_step);
    return report;
}

}   // namespace moecost
