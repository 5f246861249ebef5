// SPDX-License-Identifier: Apache-2.0
// What pictures want beside a result: each deployment under other loads, and the roofs of its machine.
#include <algorithm>
#include <cmath>

#include "moecost/base/json_writer.h"
#include "moecost/plan/planning.h"
#include "moecost/plan/trial.h"
#include "report/report.h"

namespace moecost::cli {
namespace {

// Shares of the capacity of an open loop; closed loops take the powers of two up to their slots.
constexpr double shares[] = {0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3,  0.35, 0.4,  0.45, 0.5, 0.55,
                             0.6,  0.65, 0.7, 0.75, 0.8, 0.84, 0.88, 0.91, 0.94, 0.96, 0.98};
struct Level {
    std::string_view name;
    double level;
};
constexpr Level levels[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}};
constexpr double no_limit_s = 1e9;   // an objective that everything meets, so that its time is worked out

void number_or_null(JsonWriter& json, std::string_view key, double value) {
    if (std::isfinite(value))
        json.number(key, value);
    else
        json.null(key);
}

std::vector<double> sizes_of(const Trial& t, const InstanceLimits& limits, double now) {
    std::vector<double> sizes{now};
    if (is_rate(t.scenario.traffic.load)) {
        for (const double share : shares) sizes.push_back(share * limits.capacity);
    } else {
        for (double n = 1; n < limits.slots; n *= 2) sizes.push_back(n);
        sizes.push_back(std::floor(limits.slots));
    }
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

void write_percentiles(JsonWriter& json, Trial& t, double size) {
    const Slo asked = t.scenario.slo;
    for (const Level& l : levels) {
        t.scenario.slo = {no_limit_s, no_limit_s, l.level, l.level};
        const Expected<Estimate> e = at_size(t, size);
        if (!e) continue;
        number_or_null(json, std::string("ttft_").append(l.name), e->ttft_of_slo.value());
        number_or_null(json, std::string("tpot_").append(l.name), e->tpot_of_slo.value());
    }
    t.scenario.slo = asked;
}

void write_point(JsonWriter& json, Trial& t, const EstimateAnswer& a, double size, double now) {
    const Expected<Estimate> e = at_size(t, size);
    if (!e) return;
    const double replicas = a.estimate->replicas;
    Estimate whole = *e;
    whole.replicas = replicas;
    const View view{&a.description, &*a.scenario, &whole, &a.steps};
    json.begin_object();
    json.number("size", size * replicas);
    json.flag("now", size == now);
    for (const std::string_view key :
         {"requests_per_s", "output_tokens_per_s", "ttft_s", "tpot_s", "usd_per_mtok_output",
          "usd_per_mtok_output_all_in", "usd_per_mtok_input"})
        number_or_null(json, key, figure_named(key)->number(view));
    json.flag("slo_met", e->meets_slo);
    write_percentiles(json, t, size);
    json.end_object();
}

void write_limits(JsonWriter& json, Trial& t, const InstanceLimits& limits, const EstimateAnswer& a,
                  double max_load) {
    const double replicas = a.estimate->replicas;
    const Slo& slo = a.scenario->slo;
    json.flag("is_rate", is_rate(t.scenario.traffic.load));
    json.number("capacity", limits.capacity * replicas);
    number_or_null(json, "knee",
                   is_rate(t.scenario.traffic.load) ? max_load * limits.capacity * replicas : std::nan(""));
    const bool judged = slo.ttft_s > 0 || slo.tpot_s > 0;
    const double most = judged ? largest_size(t, limits.capacity) : std::nan("");
    number_or_null(json, "largest_within_objectives", most * replicas);
    number_or_null(json, "slo_ttft_s", slo.ttft_s > 0 ? slo.ttft_s : std::nan(""));
    number_or_null(json, "slo_tpot_s", slo.tpot_s > 0 ? slo.tpot_s : std::nan(""));
    json.text("slo_ttft_name", objective_name("TTFT", slo.ttft_level));
    json.text("slo_tpot_name", objective_name("TPOT", slo.tpot_level));
}

void write_loads(JsonWriter& json, const EstimateAnswer& a, double max_load) {
    const auto size = size_of(a.scenario->traffic.load);
    const bool steady = std::holds_alternative<OpenLoop>(a.scenario->traffic.load) ||
                        std::holds_alternative<ClosedLoop>(a.scenario->traffic.load);
    if (!size || !steady || a.scenario->pools.size() > 1) return json.null("loads");
    Trial t = trial_of(*a.scenario, 1);
    const Expected<InstanceLimits> limits = instance_limits(t);
    if (!limits) return json.null("loads");
    json.begin_object("loads");
    write_limits(json, t, *limits, a, max_load);
    const double now = *size / a.estimate->replicas;
    json.begin_array("points");
    for (const double one : sizes_of(t, *limits, now)) write_point(json, t, a, one, now);
    json.end_array();
    json.end_object();
}

void write_machine(JsonWriter& json, const Pool& p) {
    const Accelerator& gpu = p.cluster.gpu;
    json.begin_object("machine");
    json.text("gpu", gpu.id);
    json.text("name", gpu.name);
    json.number("memory_bytes", gpu.memory.value());
    json.number("memory_bytes_per_s", gpu.memory_bandwidth.value());
    json.number("gpus_per_instance", p.layout.gpus());
    json.begin_object("peak_flop_per_s");
    for (const MathUnit unit :
         {MathUnit::fp32, MathUnit::bf16, MathUnit::fp8, MathUnit::int8, MathUnit::fp4}) {
        if (gpu.peak_of(unit).value() > 0) json.number(name_of(unit), gpu.peak_of(unit).value());
    }
    json.end_object();
    json.end_object();
}

}   // namespace

void write_more(JsonWriter& json, const DataStore& data, const Result& result) {
    const double max_load = load_planning_assumptions(data).max_load;
    json.begin_array("deployments");
    for (const Description& description : deployments_of(result)) {
        json.begin_object();
        const EstimateAnswer a = answer_for(data, description);
        json.text("command", std::string("moecost estimate ").append(options_of(description)));
        if (a.scenario) {
            json.text("layout", layout_name(a.scenario->pool().layout));
            write_machine(json, a.scenario->pool());
        }
        if (a.estimate) write_loads(json, a, max_load);
        json.end_object();
    }
    json.end_array();
}

}   // namespace moecost::cli
