// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/cache.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr double fp32_bytes = 4;
constexpr double bf16_bytes = 2;

/// What one layer of a kind caches on one rank, in elements.
struct LayerCache {
    double per_token = 0;   // of a layer that keeps every token
    double windowed = 0;    // per token, of a layer that keeps at most `window` tokens
    double window = 0;
    bool transient = false;   // the window holds raw entries that are merged or dropped, not the cache proper
    double compressed = 0;    // of one compressed entry
    double ratio = 0;         // tokens per compressed entry
    double index = 0;         // index key of one token, or of one compressed entry when ratio > 0
};

double heads_per_rank(int heads, int tp) { return std::ceil(heads / static_cast<double>(tp)); }

double index_elements(const std::optional<SparseIndexer>& indexer) {
    return indexer && indexer->owns_weights ? double{1} * indexer->head_dim / indexer->ratio : 0;
}

LayerCache layer_cache(const GroupedAttention& a, int tp) {
    LayerCache c;
    const double elements = heads_per_rank(a.kv_heads, tp) * (double{1} * a.qk_dim + a.v_dim);
    c.index = index_elements(a.indexer);
    if (a.reuses_kv || a.attends_image) return c;
    (a.window > 0 ? c.windowed : c.per_token) = elements;
    c.window = a.window;
    return c;
}

LayerCache layer_cache(const LatentAttention& a, int) {
    LayerCache c;
    c.per_token = double{1} * a.kv_rank + a.rope_dim;
    c.index = index_elements(a.indexer);
    return c;
}

LayerCache layer_cache(const CompressedAttention& a, int) {
    LayerCache c;
    c.windowed = a.head_dim;
    c.window = a.window;
    c.transient = true;
    c.ratio = a.ratio;
    c.compressed = a.ratio > 0 ? a.head_dim : 0;
    c.index = index_elements(a.indexer);
    return c;
}

template <class Recurrent>
LayerCache layer_cache(const Recurrent&, int) {
    return {};
}

LayerCache cache_of(const MixerGroup& group, int tp) {
    return std::visit([tp](const auto& kind) { return layer_cache(kind, tp); }, group.kind);
}

/// Sum over the layers of a per-layer figure.
template <class Figure>
double over_layers(const Architecture& architecture, int tp, Figure figure) {
    double sum = 0;
    for (const MixerGroup& group : architecture.mixers)
        sum += group.count * figure(cache_of(group, std::max(tp, 1)));
    return sum;
}

double compressed_per_token(const LayerCache& c) { return c.ratio > 0 ? c.compressed / c.ratio : 0; }

/// State elements of one layer: recurrent part and channels x (kernel - 1) of the convolution.
struct StateElements {
    double recurrent = 0;
    double convolution = 0;
    int heads = 1;   // ranks beyond this number hold copies
};

StateElements state_elements(const DeltaNet& a) {
    const double channels = 2.0 * a.key_heads * a.key_dim + double{1} * a.value_heads * a.value_dim;
    return {double{1} * a.value_heads * a.key_dim * a.value_dim, channels * (a.conv_kernel - 1),
            a.value_heads};
}
StateElements state_elements(const KimiDelta& a) {
    return {double{1} * a.heads * a.head_dim * a.head_dim, 3.0 * a.heads * a.head_dim * (a.conv_kernel - 1),
            a.heads};
}
StateElements state_elements(const Mamba2& a) {
    const double inner = double{1} * a.heads * a.head_dim;
    return {inner * a.state, (inner + 2.0 * a.groups * a.state) * (a.conv_kernel - 1), a.heads};
}
StateElements state_elements(const Mamba1& a) {
    return {double{1} * a.inner * a.state, double{1} * a.inner * (a.conv_kernel - 1), a.inner};
}
StateElements state_elements(const ShortConvolution& a) {
    return {0, double{1} * a.width * (a.conv_kernel - 1), a.width};
}
StateElements state_elements(const LightningAttention& a) {
    return {double{1} * a.heads * a.head_dim * a.head_dim, 0, a.heads};
}
template <class Attention>
StateElements state_elements(const Attention&) {
    return {};
}

StateElements state_of(const Mixer& mixer) {
    return std::visit([](const auto& kind) { return state_elements(kind); }, mixer);
}

}   // namespace

Bytes kv_bytes_per_token(const Architecture& architecture, DType cache, int tp) {
    return Bytes{bytes_per_element(cache) * over_layers(architecture, tp, [](const LayerCache& c) {
                     return c.per_token + compressed_per_token(c) + (c.transient ? 0 : c.windowed);
                 })};
}

Bytes kv_bytes_per_token_unbounded(const Architecture& architecture, DType cache, int tp) {
    return Bytes{bytes_per_element(cache) * over_layers(architecture, tp, [](const LayerCache& c) {
                     return c.per_token + compressed_per_token(c);
                 })};
}

Bytes kv_window_cap(const Architecture& architecture, DType cache, int tp) {
    return Bytes{bytes_per_element(cache) *
                 over_layers(architecture, tp, [](const LayerCache& c) { return c.window * c.windowed; })};
}

Bytes indexer_bytes_per_token(const Architecture& architecture) {
    return Bytes{bf16_bytes * over_layers(architecture, 1, [](const LayerCache& c) {
                     return c.ratio > 0 ? c.index / c.ratio : c.index;
                 })};
}

LayerState layer_state(const Mixer& mixer) {
    const StateElements s = state_of(mixer);
    return {Bytes{fp32_bytes * s.recurrent}, Bytes{bf16_bytes * s.convolution}};
}

Bytes state_bytes(const Architecture& architecture, int tp) {
    Bytes sum;
    for (const MixerGroup& group : architecture.mixers) {
        const LayerState state = layer_state(group.kind);
        const int ranks = std::clamp(tp, 1, state_of(group.kind).heads);
        sum += (state.recurrent + state.convolution) * (static_cast<double>(group.count) / ranks);
    }
    return sum;
}

Bytes sequence_bytes(const Architecture& architecture, DType cache, double context, int tp) {
    const double element = bytes_per_element(cache);
    const double attention = over_layers(architecture, tp, [element, context](const LayerCache& c) {
        const double entries = c.ratio > 0 ? std::floor(context / c.ratio) : context;
        const double held = c.per_token * context + c.windowed * std::min(context, c.window) +
                            (c.ratio > 0 ? c.compressed * entries : 0);
        return element * held + bf16_bytes * c.index * entries;
    });
    return Bytes{attention} + state_bytes(architecture, tp);
}

}   // namespace moecost
