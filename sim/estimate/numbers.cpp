// SPDX-License-Identifier: Apache-2.0
// The numbers of a description onto a scenario whose names are resolved.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "moecost/estimate/estimate.h"
#include "moecost/ops/launchable.h"

namespace moecost {
namespace {

Infeasible rule(std::string_view reason, std::string_view quantity, double value, std::string_view unit,
                double other) {
    Infeasible why{reason, quantity, unit, value, other};
    why.is_rule = true;
    return why;
}

void set_engine(const Description& d, Pool& p) {
    EngineSettings& e = p.settings;
    e = p.profile.defaults;
    if (d.chunk) e.chunk_tokens = *d.chunk;
    if (d.max_sequences) e.max_sequences = *d.max_sequences;
    if (d.memory_fraction) e.memory_fraction = *d.memory_fraction;
    if (d.reserve_gb) e.reserve = Bytes{*d.reserve_gb * 1e9};
    if (d.admission_steps) e.admission_steps = *d.admission_steps;
    if (d.draft_tokens) e.draft_tokens = *d.draft_tokens;
    if (d.acceptance) e.acceptance = *d.acceptance;
}

/// The largest tensor parallelism inside one node that divides `gpus` and suits the model; 0: none does.
int widest_tp(const Architecture& architecture, const Cluster& cluster, Layout layout, int gpus) {
    for (int tp = std::min({gpus, cluster.domain, cluster.gpus_per_node}); tp >= 1; --tp) {
        layout.tp = tp;
        if (gpus % tp == 0 && !layout_problem(architecture, layout)) return tp;
    }
    return 0;
}

/// Degrees as given; what is not given follows from the rest: GPUs without a layout become the largest instances that
/// divide them inside a node, GPUs beyond one instance become replicas.
std::optional<Infeasible> set_layout(const Description& d, const Architecture& architecture, Pool& p) {
    Layout& layout = p.layout;
    layout.pp = d.pp.value_or(1);
    layout.attention_dp = d.attention_dp.value_or(1);
    layout.ep = d.ep.value_or(1);
    layout.tp = d.tp.value_or(1);
    p.replicas = d.replicas.value_or(1);
    if (!d.gpus) return std::nullopt;
    const std::int64_t others = std::int64_t{layout.pp} * layout.attention_dp * p.replicas;
    if (!d.tp) {
        const std::int64_t beyond = std::int64_t{layout.pp} * layout.attention_dp;
        if (*d.gpus % (d.replicas ? others : beyond) != 0) {
            return rule("the GPUs are no multiple of pp x attention-dp x replicas", "gpus", *d.gpus,
                        "product", static_cast<double>(d.replicas ? others : beyond));
        }
        const auto left = static_cast<int>(*d.gpus / (d.replicas ? others : beyond));
        layout.tp = d.replicas ? left : std::max(1, widest_tp(architecture, p.cluster, layout, left));
    }
    const int instance = layout.gpus();
    if (*d.gpus % instance != 0) {
        return rule("the GPUs are no multiple of one instance (tp x pp x attention-dp)", "gpus", *d.gpus,
                    "GPUs of an instance", instance);
    }
    const int replicas = *d.gpus / instance;
    if (d.replicas && *d.replicas != replicas) {
        return rule("the GPUs are not those of the replicas", "gpus", *d.gpus,
                    "tp x pp x attention-dp x replicas", double{1} * instance * *d.replicas);
    }
    p.replicas = replicas;
    return std::nullopt;
}

void set_traffic(const Description& d, Traffic& t) {
    if (d.isl) t.input = *d.isl;
    if (d.osl) t.output = *d.osl;
    if (d.prefix_hit_rate) t.prefix_hit_rate = *d.prefix_hit_rate;
    if (d.equal_lengths) t.equal_lengths = *d.equal_lengths;
    if (d.load) t.load = *d.load;
}

void set_price(const Description& d, Price& price) {
    if (!d.usd_per_gpu_hour) return;
    price.usd_per_gpu_hour = *d.usd_per_gpu_hour;
    price.basis = "user";
    price.provider.clear();
    price.date.clear();
    price.note.clear();
    price.source = "the user";
}

}   // namespace

std::optional<Infeasible> apply_numbers(const Description& d, Scenario& s) {
    Pool& p = s.pool();
    set_engine(d, p);
    set_pace(d, p);
    set_traffic(d, s.traffic);
    set_price(d, p.price);
    s.slo = {d.slo_ttft.value_or(0), d.slo_tpot.value_or(0), d.slo_ttft_level.value_or(0),
             d.slo_tpot_level.value_or(0)};
    s.blend_input_parts = d.blend.value_or(3);
    if (auto problem = set_layout(d, s.architecture, p)) return problem;
    if (auto problem = layout_problem(s.architecture, p.layout)) return problem;
    const double longest = s.architecture.max_position;
    if (longest > 0 && s.traffic.input + s.traffic.output > longest) {
        return Infeasible{"prompt and output exceed the positions of the model", "isl + osl", "positions",
                          s.traffic.input + s.traffic.output, longest};
    }
    return std::nullopt;
}

std::optional<Infeasible> launch_refusal(const Scenario& s) {
    const Pool& p = s.pool();
    const auto problem = launch_problem(p.rules, s.architecture, p.precision, p.layout, p.cluster.gpu,
                                        {0, p.settings.draft_tokens});
    return problem ? std::optional(infeasible_of(*problem)) : std::nullopt;
}

}   // namespace moecost
