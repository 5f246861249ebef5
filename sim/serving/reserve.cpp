// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/reserve.h"

#include <algorithm>

namespace moecost {
namespace {

constexpr double bf16_bytes = 2;

/// Elements of the widest dense or shared feed-forward that are alive at once for one token: m w/tp.
double widest_ffn(const Architecture& architecture, double tp) {
    double widest = 0;
    for (const FfnGroup& group : architecture.ffns) {
        double width = 0;
        double matrices = 0;
        if (const auto* dense = std::get_if<DenseFfn>(&group.kind)) {
            width = dense->width;
            matrices = dense->matrices;
        } else {
            const auto& moe = std::get<MoeFfn>(group.kind);
            width = std::max(moe.shared_width, moe.dense_width);
            matrices = moe.matrices;
        }
        widest = std::max(widest, matrices * width / tp);
    }
    return widest;
}

double expert_workspace(const Architecture& architecture, const Layout& layout) {
    double largest = 0;
    for (const FfnGroup& group : architecture.ffns) {
        const auto* moe = std::get_if<MoeFfn>(&group.kind);
        if (moe == nullptr) continue;
        const double w = double{1} * moe->width / layout.expert_tp();
        largest = std::max(largest, moe->top_k * (std::max(2 * w, double{1} * architecture.hidden) + w));
    }
    return bf16_bytes * largest;
}

}   // namespace

Bytes activation_peak(const Architecture& architecture, const Layout& layout, const EngineSettings& settings,
                      const MemoryTerms& terms) {
    const double tokens = settings.chunk_tokens;
    const double sequences = std::min(settings.max_sequences, tokens);
    const double h = architecture.hidden;
    const double workspace = terms.expert_workspace ? tokens * expert_workspace(architecture, layout) : 0;
    const Bytes sampler =
        terms.sampler_fixed +
        Bytes{sequences * architecture.vocabulary * terms.logit_bytes + bf16_bytes * tokens * h + workspace};
    const Bytes layers =
        terms.forward_fixed +
        Bytes{bf16_bytes * tokens * (widest_ffn(architecture, layout.tp) + terms.forward_hidden * h)};
    return max(sampler, layers);
}

Bytes graph_memory(const Architecture& architecture, const Layout& layout, const MemoryTerms& terms) {
    return terms.graphs + terms.graphs_per_layer * (double{1} * architecture.layers / layout.pp);
}

Bytes context_memory(const Layout& layout, const MemoryTerms& terms) {
    return layout.stage_gpus() > 1 ? terms.context_many : terms.context_one;
}

Bytes other_memory(const Layout& layout, const MemoryTerms& terms) {
    return layout.stage_gpus() > 1 ? terms.other_many : terms.other_one;
}

Bytes reserve_of(const Architecture& architecture, const Layout& layout, const EngineSettings& settings,
                 const MemoryTerms& terms) {
    Bytes sum = other_memory(layout, terms) + graph_memory(architecture, layout, terms);
    if (terms.logit_bytes > 0) sum += activation_peak(architecture, layout, settings, terms);
    return sum;
}

}   // namespace moecost
