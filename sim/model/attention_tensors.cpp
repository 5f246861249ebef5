// SPDX-License-Identifier: Apache-2.0
// Tensors of one layer of softmax attention: grouped, latent (MLA) and compressed (DeepSeek-V4).
// Shapes are out x in; H query heads, K key/value heads, h hidden.
#include "moecost/model/tensor_list.h"

namespace moecost {
namespace {

/// q reads h (grouped attention, MiniMax-M3) and both q and k are normed.
void add_block_indexer(TensorList& list, const SparseIndexer& indexer, Elements hidden) {
    const Elements width = Elements{indexer.heads} * indexer.head_dim;
    list.matmul("index_q_proj", width, hidden, Component::indexer);
    list.matmul("index_k_proj", indexer.head_dim, hidden, Component::indexer);
    list.norm("index_q_norm", indexer.head_dim);
    list.norm("index_k_norm", indexer.head_dim);
}

/// q reads the query latent (MLA); keys pass a LayerNorm with bias; weights_proj is never quantised.
void add_latent_indexer(TensorList& list, const SparseIndexer& indexer, Elements q_rank, Elements hidden) {
    const Elements width = Elements{indexer.heads} * indexer.head_dim;
    list.matmul("indexer.wq_b", width, q_rank, Component::indexer);
    list.matmul("indexer.wk", indexer.head_dim, hidden, Component::indexer);
    list.norm("indexer.k_norm", indexer.head_dim);
    list.bias("indexer.k_norm.bias", indexer.head_dim, Component::norms);
    list.exact_matmul("indexer.weights_proj", indexer.heads, hidden, Component::indexer);
}

/// Entries of overlapping windows (ratio 4) carry two halves.
void add_compressor(TensorList& list, const CompressedAttention& a, Elements hidden) {
    const Elements width = Elements{a.head_dim} * (a.indexer ? 2 : 1);
    list.matmul("compressor.kv_proj", width, hidden);
    list.matmul("compressor.gate_proj", width, hidden);
    list.table("compressor.position_bias", a.ratio, width, Component::attention);
    list.norm("compressor.kv_norm", a.head_dim);
    if (!a.indexer) return;
    const Elements index_width = Elements{a.indexer->head_dim} * 2;
    list.matmul("indexer.kv_proj", index_width, hidden, Component::indexer);
    list.matmul("indexer.gate_proj", index_width, hidden, Component::indexer);
    list.table("indexer.position_bias", a.ratio, index_width, Component::indexer);
    list.norm("indexer.kv_norm", a.indexer->head_dim);
    list.matmul("indexer.q_b_proj", Elements{a.indexer->heads} * a.indexer->head_dim, a.q_rank,
                Component::indexer);
    list.exact_matmul("indexer.weights_proj", a.indexer->heads, hidden, Component::indexer);
}

void add_qk_norms(TensorList& list, const GroupedAttention& a) {
    if (a.qk_norm == QkNorm::none) return;
    const bool full = a.qk_norm == QkNorm::full_width;
    list.norm("q_norm", full ? Elements{a.query_heads} * a.qk_dim : a.qk_dim);
    if (!a.reuses_kv) list.norm("k_norm", full ? Elements{a.kv_heads} * a.qk_dim : a.qk_dim);
}

}   // namespace

std::vector<Tensor> tensors_of(const GroupedAttention& a, Elements hidden) {
    TensorList list(Component::attention);
    const Elements q = Elements{a.query_heads} * a.qk_dim;
    const Elements k = Elements{a.kv_heads} * a.qk_dim;
    const Elements v = Elements{a.kv_heads} * a.v_dim;
    const Elements queries = a.gate == OutputGate::elementwise ? 2 * q : q;
    if (a.q_rank > 0) {
        list.matmul("q_down_proj", a.q_rank, hidden);
        list.norm("q_down_norm", a.q_rank);
    }
    list.matmul("q_proj", queries, a.q_rank > 0 ? a.q_rank : hidden);
    if (a.qkv_bias) list.bias("q_proj.bias", q);
    if (!a.reuses_kv) {
        list.matmul("k_proj", k, hidden);
        if (a.qkv_bias) list.bias("k_proj.bias", k);
        if (!a.value_from_key) list.matmul("v_proj", v, hidden);
        if (a.qkv_bias && !a.value_from_key) list.bias("v_proj.bias", v);
    }
    list.matmul("o_proj", hidden, Elements{a.query_heads} * a.v_dim);
    if (a.out_bias) list.bias("o_proj.bias", hidden);
    add_qk_norms(list, a);
    if (a.gate == OutputGate::per_head) list.matmul("g_proj", a.query_heads, hidden);
    if (a.sinks) list.vector("sinks", a.query_heads);
    if (a.attends_image) list.vector("cross_attn_gates", 2);
    if (a.indexer && a.indexer->owns_weights) add_block_indexer(list, *a.indexer, hidden);
    return list.take();
}

std::vector<Tensor> tensors_of(const LatentAttention& a, Elements hidden) {
    TensorList list(Component::attention);
    const Elements q = Elements{a.heads} * (a.nope_dim + a.rope_dim);
    const Elements v = Elements{a.heads} * a.v_dim;
    if (a.q_rank > 0) {
        list.matmul("q_a_proj", a.q_rank, hidden);
        list.norm("q_a_layernorm", a.q_rank);
        list.matmul("q_b_proj", q, a.q_rank);
    } else {
        list.matmul("q_proj", q, hidden);
    }
    list.matmul("kv_a_proj_with_mqa", Elements{a.kv_rank} + a.rope_dim, hidden);
    list.norm("kv_a_layernorm", a.kv_rank);
    list.matmul("kv_b_proj", Elements{a.heads} * a.nope_dim + v, a.kv_rank);
    list.matmul("o_proj", hidden, v);
    if (a.output_gate) list.matmul("g_proj", v, hidden);
    if (a.head_gate) list.matmul("g_proj", a.heads, hidden);
    if (a.indexer && a.indexer->owns_weights) add_latent_indexer(list, *a.indexer, a.q_rank, hidden);
    return list.take();
}

std::vector<Tensor> tensors_of(const CompressedAttention& a, Elements hidden) {
    TensorList list(Component::attention);
    const Elements q = Elements{a.heads} * a.head_dim;
    const Elements out = Elements{a.out_groups} * a.out_rank;
    list.matmul("q_a_proj", a.q_rank, hidden);
    list.norm("q_norm", a.q_rank);
    list.matmul("q_b_proj", q, a.q_rank);
    list.matmul("kv_proj", a.head_dim, hidden);
    list.norm("kv_norm", a.head_dim);
    // Block diagonal: each group of heads has its own out_rank rows, so only its own inputs count.
    list.matmul("o_a_proj", out, q / a.out_groups);
    list.matmul("o_b_proj", hidden, out);
    list.vector("sinks", a.heads);
    if (a.ratio > 0) add_compressor(list, a, hidden);
    return list.take();
}

}   // namespace moecost
