// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/family/family.h"
#include "moecost/model/family/shape.h"

namespace moecost {
namespace {

/// MHA and GQA of H query and K key/value heads of d: h d (2 H + 2 K), and h d H of an output gate.
double attention_size(const GroupedAttention& a, double hidden) {
    const double gate = a.gate == OutputGate::elementwise ? a.query_heads : 0;
    return hidden * a.qk_dim * (2.0 * a.query_heads + 2.0 * a.kv_heads + gate);
}

/// MLA (DeepSeek-V2, section 2.1): query latent and heads, key/value latent and heads, output.
double attention_size(const LatentAttention& a, double hidden) {
    const double query = static_cast<double>(a.heads) * (a.nope_dim + a.rope_dim);
    const double q = a.q_rank > 0 ? a.q_rank * (hidden + query) : hidden * query;
    const double kv =
        hidden * (a.kv_rank + a.rope_dim) + static_cast<double>(a.kv_rank) * a.heads * (a.nope_dim + a.v_dim);
    return q + kv + hidden * a.heads * a.v_dim;
}

/// Gated delta net (Qwen3-Next): queries and keys, values and their gate, output; two rates for each value head.
double attention_size(const DeltaNet& d, double hidden) {
    const double keys = static_cast<double>(d.key_heads) * d.key_dim;
    const double values = static_cast<double>(d.value_heads) * d.value_dim;
    return hidden * (2 * keys + 3 * values + 2.0 * d.value_heads);
}

/// Mean over the layers.
double attention_size(const Architecture& a) {
    double sum = 0;
    for (const MixerGroup& group : a.mixers) {
        double each = 0;
        if (const auto* latent = std::get_if<LatentAttention>(&group.kind))
            each = attention_size(*latent, a.hidden);
        if (const auto* grouped = std::get_if<GroupedAttention>(&group.kind))
            each = attention_size(*grouped, a.hidden);
        if (const auto* linear = std::get_if<DeltaNet>(&group.kind)) each = attention_size(*linear, a.hidden);
        sum += each * group.count;
    }
    return sum / a.layers;
}

/// f as built: of the dense FFN, or of the G experts that make a full-size one.
double ffn_width(const Architecture& a, int granularity) {
    const Ffn& last = a.ffns.back().kind;
    if (const auto* moe = std::get_if<MoeFfn>(&last)) return static_cast<double>(moe->width) * granularity;
    return std::get<DenseFfn>(last).width;
}

}   // namespace

FamilyFormula formula_sizes(const Family& family, const FamilyMember& member) {
    const Architecture& a = member.architecture;
    const FamilyRequest& r = member.request;
    const double ffn = family.matrices * ffn_width(a, r.granularity) * a.hidden;
    FamilyFormula sizes;
    sizes.dense_equivalent = a.layers * (attention_size(a) + ffn);
    const double routed =
        ffn * routed_layers(family, r, a.layers);   // share N, without the rounding of a quotient
    const double shared = static_cast<double>(r.shared_experts) / r.granularity;
    sizes.total = sizes.dense_equivalent + routed * (r.experts - 1 + shared);
    sizes.active = sizes.dense_equivalent + routed * (r.top_k - 1);
    return sizes;
}

}   // namespace moecost
