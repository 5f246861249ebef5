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

/// Numbers of one pool: its own, else those of the whole deployment. Refers to nothing.
struct PoolNumbers {
    std::optional<int> gpus, replicas, tp, pp, ep, attention_dp, redundant_experts;
    std::optional<double> chunk, max_sequences, memory_fraction;
};

PoolNumbers numbers_of(const Description& d) {
    return {d.gpus,          d.replicas,       d.tp, d.pp, d.ep, d.attention_dp, d.redundant_experts, d.chunk,
            d.max_sequences, d.memory_fraction};
}

/// GPUs and workers are never those of the whole.
PoolNumbers numbers_of(const Description& d, const PoolChoices& own) {
    const auto either = [](const auto& a, const auto& b) { return a ? a : b; };
    return {own.gpus,
            own.replicas,
            either(own.tp, d.tp),
            either(own.pp, d.pp),
            either(own.ep, d.ep),
            either(own.attention_dp, d.attention_dp),
            either(own.redundant_experts, d.redundant_experts),
            either(own.chunk, d.chunk),
            either(own.max_sequences, d.max_sequences),
            either(own.memory_fraction, d.memory_fraction)};
}

void set_engine(const Description& d, const PoolNumbers& own, double osl, Pool& p) {
    EngineSettings& e = p.settings;
    e = p.profile.defaults;
    if (own.chunk) e.chunk_tokens = *own.chunk;
    if (own.max_sequences) e.max_sequences = *own.max_sequences;
    if (own.memory_fraction) e.memory_fraction = *own.memory_fraction;
    if (d.reserve_gb) e.reserve = Bytes{*d.reserve_gb * 1e9};
    if (d.admission_steps) e.admission_steps = *d.admission_steps;
    if (d.draft_tokens) e.draft_tokens = *d.draft_tokens;
    e.acceptance = d.acceptance.value_or(p.drafting.text.at(osl));
    e.acceptance_decay = d.acceptance_decay.value_or(d.acceptance ? 1 : p.drafting.text.decay);
    e.draft_cost = p.drafting.cost;
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
std::optional<Infeasible> set_layout(const PoolNumbers& d, const Architecture& architecture, Pool& p) {
    Layout& layout = p.layout;
    layout.pp = d.pp.value_or(1);
    layout.attention_dp = d.attention_dp.value_or(1);
    layout.ep = d.ep.value_or(1);
    layout.tp = d.tp.value_or(1);
    layout.redundant_experts = d.redundant_experts.value_or(0);
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
    if (auto* open = std::get_if<OpenLoop>(&t.load); open != nullptr && d.burstiness)
        open->burstiness = *d.burstiness;
}

void set_reuse(const Description& d, Scenario& s) {
    PrefixReuse& r = s.reuse;
    r.turns = d.turns.value_or(0);
    r.think_s = d.think_time.value_or(usual_think_s);
    r.host_per_gpu = Bytes{1e9 * d.host_cache_gb.value_or(0)};
    r.host_link = BytesPerSecond{1e9 * d.host_link_gbs.value_or(usual_host_link_gbs)};
    if (d.prefix_hit_rate || d.turns) r.curve.reset();   // stated, or another way of coming back
}

/// The prompt of a turn holds the prompts and answers before it: the mean of T turns is at least (T - 1)/2 answers.
std::optional<Infeasible> too_many_turns(const Scenario& s) {
    const double answers = (s.reuse.turns - 1) / 2 * s.traffic.output;
    if (s.reuse.turns <= 1 || s.traffic.input > answers) return std::nullopt;
    return Infeasible{"the prompts of so many turns are longer than that: each holds the answers before it",
                      "isl", "tokens", answers + 1, s.traffic.input};
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

/// One pool of the scenario by its numbers, or which rule they break.
std::optional<Infeasible> apply_pool(const Description& d, const PoolNumbers& own, Scenario& s, Pool& p) {
    set_engine(d, own, s.traffic.output, p);
    set_price(d, p.price);
    p.layout.batch_overlap = d.batch_overlap.value_or(false);
    if (auto problem = set_layout(own, s.architecture, p)) return problem;
    if (auto problem = layout_problem(s.architecture, p.layout)) return problem;
    if (p.layout.exchange == ExpertExchange::nvlink && p.layout.stage_gpus() > p.cluster.domain) {
        return rule("the NVLink exchange ends at the scale-up domain", "GPUs of a stage",
                    p.layout.stage_gpus(), "domain", p.cluster.domain);
    }
    return std::nullopt;
}

std::optional<Infeasible> apply_pools(const Description& d, Scenario& s) {
    if (!s.two_pools()) return apply_pool(d, numbers_of(d), s, s.pool());
    if (d.replicas.value_or(1) > 1) {
        return rule("instances of two pools are stated pool by pool", "replicas", *d.replicas,
                    "--prefill-replicas and --decode-replicas", 1);
    }
    s.transfer = {BytesPerSecond{d.transfer_gb_s.value_or(0) * 1e9}, d.transfer_overlap.value_or(0)};
    if (auto problem = apply_pool(d, numbers_of(d, d.prefill), s, s.pools.front())) return problem;
    if (auto problem = apply_pool(d, numbers_of(d, d.decode), s, s.pools.back())) return problem;
    if (d.gpus && *d.gpus != s.gpus())
        return rule("the GPUs are not those of both pools", "gpus", *d.gpus, "prefill and decode", s.gpus());
    return std::nullopt;
}

}   // namespace

std::optional<Infeasible> apply_numbers(const Description& d, Scenario& s) {
    for (Pool& p : s.pools) set_pace(d, p);
    set_traffic(d, s.traffic);
    set_reuse(d, s);
    if (auto problem = too_many_turns(s)) return problem;
    s.slo = {d.slo_ttft.value_or(0), d.slo_tpot.value_or(0), d.slo_ttft_level.value_or(0),
             d.slo_tpot_level.value_or(0)};
    s.blend_input_parts = d.blend.value_or(3);
    s.asks_capacity = d.max_context.value_or(false);
    if (auto problem = apply_pools(d, s)) return problem;
    if (d.draft_tokens.value_or(0) > 0 && s.architecture.mtp.count == 0 && !d.acceptance) {
        return Infeasible{"the model has no module that drafts",
                          {},
                          {},
                          0,
                          0,
                          false,
                          "--acceptance A states that of a drafter of one's own, which is then taken as free",
                          "--draft-tokens 0"};
    }
    const double longest = s.architecture.max_position;
    if (longest > 0 && s.traffic.input + s.traffic.output > longest) {
        return Infeasible{"prompt and output exceed the positions of the model", "isl + osl", "positions",
                          s.traffic.input + s.traffic.output, longest};
    }
    return std::nullopt;
}

LaunchSettings launch_settings(const Scenario& s, const Pool& p) {
    LaunchSettings settings{1.0 * p.layout.redundant_experts, p.settings.draft_tokens, p.role, nullptr, true};
    if (!s.two_pools()) return settings;
    const Pool& other = p.role == Role::prefill ? s.pools.back() : s.pools.front();
    settings.partner = &other.layout;
    settings.alike =
        p.precision.same_weights(other.precision) && p.cluster.gpu.generation == other.cluster.gpu.generation;
    return settings;
}

std::optional<Infeasible> launch_refusal(const Scenario& s) {
    for (const Pool& p : s.pools) {
        const auto problem = launch_problem(p.rules, s.architecture, p.precision, p.layout, p.cluster.gpu,
                                            launch_settings(s, p));
        if (problem) return infeasible_of(*problem);
    }
    return std::nullopt;
}

}   // namespace moecost
