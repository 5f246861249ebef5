// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/engine_weights.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr double bf16_bytes = 2;

struct Multiples {
    double hidden = 1;
    double width = 1;
};

bool applies(const Padding& p, DType format, std::string_view generation, const TermValues& values) {
    const auto& g = p.generations;
    if (std::find(p.formats.begin(), p.formats.end(), format) == p.formats.end()) return false;
    if (!g.empty() && std::find(g.begin(), g.end(), generation) == g.end()) return false;
    return all_hold(p.when, values);
}

Multiples multiples_of(const EngineMemory& memory, DType format, const Layout& layout,
                       std::string_view generation) {
    TermValues values{};   // paddings ask for nothing but the exchange
    values[static_cast<std::size_t>(RuleTerm::exchange)] = static_cast<double>(layout.exchange);
    Multiples m;
    for (const Padding& p : memory.paddings) {
        if (!applies(p, format, generation, values) || (p.before && memory.version >= *p.before)) continue;
        m.hidden = std::max(m.hidden, p.hidden_multiple);
        m.width = std::max(m.width, p.width_multiple);
    }
    return m;
}

double up(double size, double multiple) { return std::ceil(size / multiple) * multiple; }

/// Elements of one layer that every rank holds although its share is 1/tp, less that share.
struct Replicated {
    double hidden;
    double tp;
    double operator()(const GroupedAttention& a) const {
        if (a.reuses_kv || tp <= a.kv_heads) return 0;
        const double head = hidden * (a.qk_dim + (a.value_from_key ? 0 : a.v_dim));
        return head * (1 - a.kv_heads / tp);
    }
    double operator()(const LatentAttention& a) const {
        return hidden * (double{1} * a.q_rank + a.kv_rank + a.rope_dim) * (1 - 1 / tp);
    }
    double operator()(const CompressedAttention& a) const {
        return hidden * (double{1} * a.q_rank + a.head_dim) * (1 - 1 / tp);
    }
    template <class Recurrent>
    double operator()(const Recurrent&) const {
        return 0;
    }
};

/// Width of the rotated part of a head; 0: nothing is rotated.
double rotated(const Mixer& mixer) {
    if (const auto* grouped = std::get_if<GroupedAttention>(&mixer)) return grouped->qk_dim;
    if (const auto* latent = std::get_if<LatentAttention>(&mixer)) return latent->rope_dim;
    return 0;
}

bool seen_before(const std::vector<MixerGroup>& groups, std::size_t i) {
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(i);
    return std::any_of(groups.begin(), end,
                       [&](const MixerGroup& g) { return rotated(g.kind) == rotated(groups[i].kind); });
}

}   // namespace

Bytes padding_bytes(const Architecture& architecture, const Precision& precision, const Layout& layout,
                    std::string_view generation, const EngineMemory& memory) {
    const Multiples m = multiples_of(memory, precision.routed_experts, layout, generation);
    double elements = 0;
    for (const FfnGroup& group : architecture.ffns) {
        const auto* moe = std::get_if<MoeFfn>(&group.kind);
        if (moe == nullptr) continue;
        const double h = moe->latent_width > 0 ? moe->latent_width : architecture.hidden;
        const double w = double{1} * moe->width / layout.expert_tp();
        elements += double{1} * group.count * moe->experts / layout.ep * moe->matrices *
                    (up(h, m.hidden) * up(w, m.width) - h * w);
    }
    return Bytes{elements * bytes_per_element(precision.routed_experts) / layout.pp};
}

Bytes replicated_projections(const Architecture& architecture, const Precision& precision,
                             const Layout& layout) {
    double elements = 0;
    for (const MixerGroup& group : architecture.mixers) {
        elements +=
            group.count *
            std::visit(Replicated{double{1} * architecture.hidden, double{1} * layout.tp}, group.kind);
    }
    return Bytes{elements * bytes_per_element(precision.attention) / layout.pp};
}

Bytes absorbed_copies(const Architecture& architecture, const Layout& layout) {
    double elements = 0;
    for (const MixerGroup& group : architecture.mixers) {
        const auto* a = std::get_if<LatentAttention>(&group.kind);
        if (a != nullptr)
            elements += double{1} * group.count * a->heads * a->kv_rank * (a->nope_dim + a->v_dim);
    }
    return Bytes{bf16_bytes * elements / layout.tp / layout.pp};
}

Bytes rotary_tables(const Architecture& architecture) {
    double elements = 0;
    for (std::size_t i = 0; i < architecture.mixers.size(); ++i) {
        if (seen_before(architecture.mixers, i)) continue;
        elements += architecture.max_position * rotated(architecture.mixers[i].kind);
    }
    return Bytes{bf16_bytes * elements};
}

Bytes extra_weights(const Architecture& architecture, const Precision& precision, const Layout& layout,
                    std::string_view generation, const EngineMemory& memory) {
    const MemoryTerms* terms = terms_of(memory);
    if (terms == nullptr) return {};
    Bytes sum = padding_bytes(architecture, precision, layout, generation, memory) +
                replicated_projections(architecture, precision, layout);
    if (terms->absorbed_copies) sum += absorbed_copies(architecture, layout);
    if (terms->rotary_tables) sum += rotary_tables(architecture);
    return sum;
}

}   // namespace moecost
