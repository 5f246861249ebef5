// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/pages.h"

#include <cmath>

#include "moecost/model/cache.h"

namespace moecost {
namespace {

/// Layers with recurrent state, and layers whose cache grows with every token.
struct LayerCounts {
    double recurrent = 0;
    double growing = 0;
};

LayerCounts layer_counts(const Architecture& architecture) {
    LayerCounts n;
    for (const MixerGroup& group : architecture.mixers) {
        const auto* grouped = std::get_if<GroupedAttention>(&group.kind);
        if (layer_state(group.kind).recurrent.value() > 0)
            n.recurrent += group.count;
        else if (grouped == nullptr || (grouped->window == 0 && !grouped->reuses_kv))
            n.growing += group.count;
    }
    return n;
}

Bytes held(const Architecture& architecture, DType cache, double tokens, int tp, const Pages& pages) {
    Bytes sum = sequence_bytes(architecture, cache, tokens, tp);
    if (pages.recurrent_layers > 0)
        sum += pages.page * pages.recurrent_layers - state_bytes(architecture, tp);
    const Bytes windowed =
        kv_bytes_per_token(architecture, cache, tp) - kv_bytes_per_token_unbounded(architecture, cache, tp);
    const bool slid = windowed * tokens > kv_window_cap(architecture, cache, tp);
    return pages.block > 1 && slid ? sum + windowed * pages.block : sum;
}

}   // namespace

Pages pages_of(const Architecture& architecture, DType cache, int tp, const MemoryTerms* terms) {
    if (terms == nullptr) return {};
    Pages pages;
    pages.block = terms->block_tokens;
    const LayerCounts n = layer_counts(architecture);
    if (!terms->unified_pages || n.recurrent == 0 || n.growing == 0) return pages;
    const double token = kv_bytes_per_token_unbounded(architecture, cache, tp).value() / n.growing;
    const double state = state_bytes(architecture, tp).value() / n.recurrent;
    pages.block *= std::ceil(state / (terms->block_tokens * token));
    pages.recurrent_layers = n.recurrent;
    pages.page = Bytes{pages.block * token};
    return pages;
}

Bytes paged_bytes(const Architecture& architecture, DType cache, double tokens, int tp, const Pages& pages) {
    return held(architecture, cache, std::ceil(tokens / pages.block) * pages.block, tp, pages);
}

Bytes mean_paged_bytes(const Architecture& architecture, DType cache, double tokens, int tp,
                       const Pages& pages) {
    return held(architecture, cache, tokens + (pages.block - 1) / 2, tp, pages);
}

}   // namespace moecost
