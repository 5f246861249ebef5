// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/launchable.h"

namespace moecost {
namespace {

void set(TermValues& values, RuleTerm q, double value) { values[static_cast<std::size_t>(q)] = value; }
void set(TermValues& values, RuleTerm q, DType type) {
    values[static_cast<std::size_t>(q)] = static_cast<double>(type);
}

void set_layout(TermValues& v, const Layout& l) {
    set(v, RuleTerm::tp, l.tp);
    set(v, RuleTerm::pp, l.pp);
    set(v, RuleTerm::ep, l.ep);
    set(v, RuleTerm::attention_dp, l.attention_dp);
    set(v, RuleTerm::stage_gpus, l.stage_gpus());
    set(v, RuleTerm::gpus, l.gpus());
    set(v, RuleTerm::expert_tp, l.expert_tp());
    set(v, RuleTerm::exchange, static_cast<double>(l.exchange));
}

void set_formats(TermValues& v, const Precision& p) {
    set(v, RuleTerm::attention, p.attention);
    set(v, RuleTerm::dense_ffn, p.dense_ffn);
    set(v, RuleTerm::shared_experts, p.shared_experts);
    set(v, RuleTerm::routed_experts, p.routed_experts);
    set(v, RuleTerm::kv_cache, p.kv_cache);
}

/// The degrees of both pools, of which `own` is one.
void set_pools(TermValues& v, const Layout& own, const LaunchSettings& settings) {
    const Layout& other = settings.partner != nullptr ? *settings.partner : own;
    const Layout& prefill = settings.role == LaunchRole::decode ? other : own;
    const Layout& decode = settings.role == LaunchRole::decode ? own : other;
    set(v, RuleTerm::role, static_cast<double>(settings.role));
    set(v, RuleTerm::prefill_tp, prefill.tp);
    set(v, RuleTerm::prefill_pp, prefill.pp);
    set(v, RuleTerm::decode_tp, decode.tp);
    set(v, RuleTerm::decode_pp, decode.pp);
    set(v, RuleTerm::pools_alike, settings.alike ? 1.0 : 0.0);
}

bool is_windowed(const Mixer& mixer) {
    const auto* grouped = std::get_if<GroupedAttention>(&mixer);
    return grouped != nullptr && grouped->window > 0;
}

bool attends(const Mixer& mixer) {
    return std::holds_alternative<GroupedAttention>(mixer) ||
           std::holds_alternative<LatentAttention>(mixer) ||
           std::holds_alternative<CompressedAttention>(mixer);
}

/// No group before this one has its number of key/value heads.
bool first_of_its_heads(const Architecture& a, std::size_t group) {
    for (std::size_t i = 0; i < group; ++i) {
        if (attends(a.mixers[i].kind) && heads_of(a.mixers[i].kind).kv == heads_of(a.mixers[group].kind).kv)
            return false;
    }
    return true;
}

/// What caches of the layers hold, over the whole model.
void set_caches(TermValues& v, const Architecture& a) {
    double windowed = 0;
    double recurrent = 0;
    double head_counts = 0;
    for (std::size_t i = 0; i < a.mixers.size(); ++i) {
        const MixerGroup& group = a.mixers[i];
        if (is_windowed(group.kind)) windowed += group.count;
        if (!attends(group.kind)) recurrent += group.count;
        if (attends(group.kind) && first_of_its_heads(a, i)) ++head_counts;
    }
    set(v, RuleTerm::windowed_layers, windowed);
    set(v, RuleTerm::recurrent_layers, recurrent);
    set(v, RuleTerm::kv_head_counts, head_counts);
}

void set_mixer(TermValues& v, const Mixer& mixer) {
    const Heads heads = heads_of(mixer);
    set(v, RuleTerm::query_heads, heads.query);
    set(v, RuleTerm::kv_heads, heads.kv);
}

void set_ffn(TermValues& v, const Ffn& ffn, double redundant) {
    if (const auto* dense = std::get_if<DenseFfn>(&ffn)) {
        set(v, RuleTerm::dense_width, dense->width);
        return;
    }
    const auto& moe = std::get<MoeFfn>(ffn);
    set(v, RuleTerm::experts, moe.experts);
    set(v, RuleTerm::physical_experts, moe.experts + redundant);
    set(v, RuleTerm::top_k, moe.top_k);
    set(v, RuleTerm::expert_width, moe.width);
    set(v, RuleTerm::shared_width, moe.shared_width);
    set(v, RuleTerm::dense_width, moe.dense_width);
}

/// Experts are a matter of the layers that have them: dense groups show their width beside the experts of the model.
void set_ffn_of_model(TermValues& v, const Architecture& a, const Ffn& ffn, double redundant) {
    for (const FfnGroup& group : a.ffns) {
        if (std::holds_alternative<MoeFfn>(group.kind)) set_ffn(v, group.kind, redundant);
    }
    set_ffn(v, ffn, redundant);
}

bool broken(const LaunchRule& rule, const TermValues& values) {
    return all_hold(rule.when, values) && !all_hold(rule.check, values);
}

/// Leaves in `values` the group of feed-forwards that breaks the rule.
bool broken_by_ffns(const LaunchRule& rule, const Architecture& a, double redundant, TermValues& values) {
    if (!rule.of_ffns || a.ffns.empty()) return broken(rule, values);
    for (const FfnGroup& group : a.ffns) {
        set_ffn_of_model(values, a, group.kind, redundant);
        if (broken(rule, values)) return true;
    }
    return false;
}

bool broken_by_groups(const LaunchRule& rule, const Architecture& a, double redundant, TermValues& values) {
    if (!rule.of_mixers || a.mixers.empty()) return broken_by_ffns(rule, a, redundant, values);
    for (const MixerGroup& group : a.mixers) {
        set_mixer(values, group.kind);
        if (broken_by_ffns(rule, a, redundant, values)) return true;
    }
    return false;
}

}   // namespace

TermValues term_values(const EngineRules& rules, const Architecture& architecture, const Precision& precision,
                       const Layout& layout, const Accelerator& gpu, const LaunchSettings& settings) {
    TermValues v{};
    set_layout(v, layout);
    set_formats(v, precision);
    set(v, RuleTerm::redundant_experts, settings.redundant_experts);
    set(v, RuleTerm::draft_tokens, settings.draft_tokens);
    set_pools(v, layout, settings);
    set_caches(v, architecture);
    set(v, RuleTerm::layers, architecture.layers);
    set(v, RuleTerm::hidden, architecture.hidden);
    set(v, RuleTerm::generation, generation_code(rules, gpu.generation));
    set(v, RuleTerm::memory_gib, gpu.memory.value() / gib);
    return v;
}

Infeasible infeasible_of(const LaunchProblem& problem) {
    Infeasible why{"the engine cannot launch this layout", {}, {}, 0, 0};
    why.detail = problem.reason();
    why.fix = problem.fix();
    return why;
}

std::optional<LaunchProblem> launch_problem(const EngineRules& rules, const Architecture& architecture,
                                            const Precision& precision, const Layout& layout,
                                            const Accelerator& gpu, const LaunchSettings& settings) {
    TermValues values = term_values(rules, architecture, precision, layout, gpu, settings);
    for (const LaunchRule& rule : rules.launch) {
        if (broken_by_groups(rule, architecture, settings.redundant_experts, values)) {
            return LaunchProblem{&rules, &rule, values};
        }
    }
    return std::nullopt;
}

}   // namespace moecost
