// SPDX-License-Identifier: Apache-2.0
// The one list of fields per kind, visited by the TOML reader, the TOML writer and the what-if editor.
// Inner header of the model room.
//
// An archive offers required(name, int, max), optional(name, int, max[, fallback]), flag(name, bool[,
// fallback]), choice(name, enum, names), head_dims(qk, v) and indexer(optional). The fallback is what an
// absent key means.
#pragma once

#include <array>
#include <string_view>

#include "moecost/model/architecture.h"

namespace moecost {

inline constexpr std::array<std::string_view, 9> mixer_names{"grouped",   "latent",     "compressed",
                                                             "delta_net", "kimi_delta", "mamba2",
                                                             "mamba1",    "lightning",  "short_conv"};
inline constexpr std::array<std::string_view, 2> ffn_names{"dense", "moe"};
inline constexpr std::array<std::string_view, 3> qk_norm_names{"none", "per_head", "full_width"};
inline constexpr std::array<std::string_view, 3> gate_names{"none", "elementwise", "per_head"};
inline constexpr std::array<std::string_view, 3> router_bias_names{"none", "correction", "linear"};

template <class A>
void fields(A& a, SparseIndexer& x) {
    a.required("heads", x.heads, max_heads);
    a.required("head_dim", x.head_dim, max_width);
    a.required("selected", x.selected, max_tokens);
    a.optional("ratio", x.ratio, max_width, 1);
    a.flag("owns_weights", x.owns_weights, true);
}

template <class A>
void fields(A& a, GroupedAttention& x) {
    a.required("query_heads", x.query_heads, max_heads);
    a.required("kv_heads", x.kv_heads, max_heads);
    a.head_dims(x.qk_dim, x.v_dim);
    a.optional("window", x.window, max_tokens);
    a.flag("chunked", x.chunked);
    a.choice("qk_norm", x.qk_norm, qk_norm_names);
    a.choice("gate", x.gate, gate_names);
    a.flag("qkv_bias", x.qkv_bias);
    a.flag("out_bias", x.out_bias);
    a.flag("sinks", x.sinks);
    a.flag("reuses_kv", x.reuses_kv);
    a.flag("value_from_key", x.value_from_key);
    a.optional("q_rank", x.q_rank, max_width);
    a.flag("attends_image", x.attends_image);
    a.indexer(x.indexer);
}

template <class A>
void fields(A& a, LatentAttention& x) {
    a.required("query_heads", x.heads, max_heads);
    a.optional("q_rank", x.q_rank, max_width);
    a.required("kv_rank", x.kv_rank, max_width);
    a.optional("rope_dim", x.rope_dim, max_width);
    a.required("nope_dim", x.nope_dim, max_width);
    a.required("v_dim", x.v_dim, max_width);
    a.flag("output_gate", x.output_gate);
    a.flag("head_gate", x.head_gate);
    a.indexer(x.indexer);
}

template <class A>
void fields(A& a, CompressedAttention& x) {
    a.required("query_heads", x.heads, max_heads);
    a.required("head_dim", x.head_dim, max_width);
    a.required("q_rank", x.q_rank, max_width);
    a.required("out_groups", x.out_groups, max_heads);
    a.required("out_rank", x.out_rank, max_width);
    a.required("window", x.window, max_tokens);
    a.optional("ratio", x.ratio, max_width);
    a.indexer(x.indexer);
}

template <class A>
void fields(A& a, DeltaNet& x) {
    a.required("key_heads", x.key_heads, max_heads);
    a.required("value_heads", x.value_heads, max_heads);
    a.required("key_dim", x.key_dim, max_width);
    a.required("value_dim", x.value_dim, max_width);
    a.required("conv_kernel", x.conv_kernel, 1000);
}

template <class A>
void fields(A& a, KimiDelta& x) {
    a.required("heads", x.heads, max_heads);
    a.required("head_dim", x.head_dim, max_width);
    a.required("conv_kernel", x.conv_kernel, 1000);
    a.flag("full_rank_gate", x.full_rank_gate);
    a.flag("full_rank_decay", x.full_rank_decay);
}

template <class A>
void fields(A& a, Mamba2& x) {
    a.required("heads", x.heads, max_heads);
    a.required("head_dim", x.head_dim, max_width);
    a.required("groups", x.groups, max_heads);
    a.required("state", x.state, max_width);
    a.required("conv_kernel", x.conv_kernel, 1000);
    a.flag("conv_bias", x.conv_bias);
    a.flag("norm", x.norm, true);
    a.flag("proj_bias", x.proj_bias);
}

template <class A>
void fields(A& a, Mamba1& x) {
    a.required("inner", x.inner, max_width);
    a.required("state", x.state, max_width);
    a.required("dt_rank", x.dt_rank, max_width);
    a.required("conv_kernel", x.conv_kernel, 1000);
    a.flag("conv_bias", x.conv_bias, true);
    a.flag("inner_norms", x.inner_norms, true);
}

template <class A>
void fields(A& a, LightningAttention& x) {
    a.required("heads", x.heads, max_heads);
    a.required("head_dim", x.head_dim, max_width);
    a.flag("qk_norm", x.qk_norm);
}

template <class A>
void fields(A& a, ShortConvolution& x) {
    a.required("width", x.width, max_width);
    a.required("conv_kernel", x.conv_kernel, 1000);
    a.flag("bias", x.bias);
}

template <class A>
void fields(A& a, DenseFfn& x) {
    a.required("dense_width", x.width, max_width);
    a.optional("matrices", x.matrices, 3, 3);
    a.flag("bias", x.bias);
}

template <class A>
void fields(A& a, MoeFfn& x) {
    a.required("experts", x.experts, max_experts);
    a.required("top_k", x.top_k, max_experts);
    a.required("expert_width", x.width, max_width);
    a.optional("matrices", x.matrices, 3, 3);
    a.optional("shared_width", x.shared_width, max_width);
    a.flag("shared_gate", x.shared_gate);
    a.choice("router_bias", x.router_bias, router_bias_names);
    a.flag("expert_bias", x.expert_bias);
    a.optional("latent_width", x.latent_width, max_width);
    a.flag("latent_norm", x.latent_norm);
    a.optional("dense_width", x.dense_width, max_width);
    a.optional("expert_groups", x.expert_groups, max_experts, 1);
    a.optional("groups_used", x.groups_used, max_experts, 1);
    a.flag("router_scales", x.router_scales);
    a.flag("fused_gate_up", x.fused_gate_up);
    a.optional("zero_experts", x.zero_experts, max_experts);
}

/// The sizes of the whole model; groups, MTP and precision are read apart.
template <class A>
void fields(A& a, Architecture& x) {
    a.required("hidden", x.hidden, max_width);
    a.required("vocabulary", x.vocabulary, max_vocabulary);
    a.optional("max_position", x.max_position, max_tokens);
    a.required("layers", x.layers, max_layers);
    a.flag("tied_embeddings", x.tied_embeddings);
    a.flag("norm_bias", x.norm_bias);
    a.flag("head_bias", x.head_bias);
    a.optional("layer_scalars", x.layer_scalars, 1000);
    a.optional("hyper_connections", x.hyper_connections, 1000);
    a.optional("hyper_rank", x.hyper_rank, max_width);
    a.optional("final_norms", x.final_norms, 100, 1);
    a.optional("layer_input", x.layer_input, max_width);
    a.flag("attention_residuals", x.attention_residuals);
}

/// Multi-token prediction apart from its groups.
template <class A>
void fields(A& a, MtpModules& x) {
    a.required("count", x.count, 100);
    a.optional("projections", x.projections, 2, 1);
    a.optional("norms", x.norms, 100, 3);
    a.flag("own_head", x.own_head);
}

/// The kind with that index as a default value: the inverse of Mixer::index().
[[nodiscard]] inline Mixer mixer_of_index(std::size_t index) {
    switch (index) {
        case 0:
            return GroupedAttention{};
        case 1:
            return LatentAttention{};
        case 2:
            return CompressedAttention{};
        case 3:
            return DeltaNet{};
        case 4:
            return KimiDelta{};
        case 5:
            return Mamba2{};
        case 6:
            return Mamba1{};
        case 7:
            return LightningAttention{};
        default:
            return ShortConvolution{};
    }
}
[[nodiscard]] inline Ffn ffn_of_index(std::size_t index) {
    if (index == 0) return DenseFfn{};
    return MoeFfn{};
}

}   // namespace moecost
