// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/layout.h"

namespace moecost {
namespace {

bool divides(int a, int b) { return a > 0 && b % a == 0; }

}   // namespace

Heads heads_of(const Mixer& mixer) {
    struct Visitor {
        Heads operator()(const GroupedAttention& a) const { return {a.query_heads, a.kv_heads}; }
        Heads operator()(const LatentAttention& a) const { return {a.heads, 0}; }
        Heads operator()(const CompressedAttention& a) const { return {a.heads, 0}; }
        Heads operator()(const DeltaNet& a) const { return {a.value_heads, a.key_heads}; }
        Heads operator()(const KimiDelta& a) const { return {a.heads, 0}; }
        Heads operator()(const Mamba2& a) const { return {a.heads, 0}; }
        Heads operator()(const Mamba1& a) const { return {a.inner, 0}; }
        Heads operator()(const LightningAttention& a) const { return {a.heads, 0}; }
        Heads operator()(const ShortConvolution& a) const { return {a.width, 0}; }
    };
    return std::visit(Visitor{}, mixer);
}

/// Two numbers that do not go together.
Infeasible broken(Infeasible rule) {
    rule.is_rule = true;
    return rule;
}

std::string_view name_of(ExpertExchange exchange) {
    switch (exchange) {
        case ExpertExchange::collective:
            return "collective";
        case ExpertExchange::low_latency:
            return "low-latency";
        case ExpertExchange::normal:
            return "normal";
        case ExpertExchange::nvlink:
            break;
    }
    return "nvlink";
}

std::optional<Infeasible> layout_problem(const Architecture& architecture, const Layout& layout) {
    if (layout.tp < 1 || layout.pp < 1 || layout.ep < 1 || layout.attention_dp < 1) {
        return broken({"a parallel degree is below 1", {}, {}, 0, 0});
    }
    for (const MixerGroup& group : architecture.mixers) {
        const Heads heads = heads_of(group.kind);
        if (!divides(layout.tp, heads.query)) {
            return broken({"tensor parallelism must divide the attention heads", "tp", "heads",
                           static_cast<double>(layout.tp), static_cast<double>(heads.query)});
        }
        if (heads.kv > 0 && !divides(layout.tp, heads.kv) && !divides(heads.kv, layout.tp)) {
            return broken({"tensor parallelism and key/value heads must divide one another", "tp", "kv heads",
                           static_cast<double>(layout.tp), static_cast<double>(heads.kv)});
        }
    }
    if (!divides(layout.ep, layout.stage_gpus())) {
        return broken({"expert parallelism must divide the GPUs of a stage", "ep", "GPUs",
                       static_cast<double>(layout.ep), static_cast<double>(layout.stage_gpus())});
    }
    bool has_experts = false;
    for (const FfnGroup& group : architecture.ffns) {
        const auto* moe = std::get_if<MoeFfn>(&group.kind);
        if (moe == nullptr) continue;
        has_experts = true;
        const int held = moe->experts + layout.redundant_experts;
        if (!divides(layout.ep, held)) {
            return broken({layout.redundant_experts > 0
                               ? "expert parallelism must divide the experts and their redundant copies"
                               : "expert parallelism must divide the experts",
                           "ep", "experts", static_cast<double>(layout.ep), static_cast<double>(held)});
        }
    }
    if (!has_experts && layout.ep > 1) {
        return broken({"expert parallelism needs a model with experts", "ep", "experts",
                       static_cast<double>(layout.ep), 0});
    }
    if (layout.redundant_experts > 0 && layout.ep < 2) {
        return broken({"redundant experts need expert parallelism", "redundant experts", "ep",
                       static_cast<double>(layout.redundant_experts), static_cast<double>(layout.ep)});
    }
    if (layout.pp > architecture.layers) {
        return broken({"more pipeline stages than layers", "pp", "layers", static_cast<double>(layout.pp),
                       static_cast<double>(architecture.layers)});
    }
    return std::nullopt;
}

}   // namespace moecost
