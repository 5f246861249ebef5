// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/operation.h"

#include <algorithm>

namespace moecost {
namespace {

/// Activations have the format of the weights where the tensor core multiplies it, bf16 for weight-only formats.
double operand_bytes(DType weights) {
    return info(weights).unit == MathUnit::bf16 ? 2 : bytes_per_element(weights);
}

}   // namespace

std::string_view name_of(OpClass op_class) {
    constexpr std::string_view names[] = {
        "attention_projection", "attention", "recurrent",     "router",    "routed_experts",
        "shared_experts",       "dense_ffn", "communication", "small_ops", "head",
        "draft_checks",         "host"};
    return names[static_cast<std::size_t>(op_class)];
}

Work work(const Gemm& op) {
    Work w;
    w.flop = Flop{2 * op.m * op.n * op.k};
    w.unit = info(op.weights).unit;
    w.weights = Bytes{op.n * op.k * bytes_per_element(op.weights)};
    w.activations = Bytes{op.m * op.k * operand_bytes(op.weights) + 2 * op.m * op.n};
    return w;
}

Work work(const ExpertFfn& op) {
    Work w;
    const double matrix = op.hidden * op.width;
    w.flop = Flop{2 * op.matrices * matrix * op.rows};
    w.unit = info(op.weights).unit;
    w.weights = Bytes{op.matrices * matrix * op.distinct * bytes_per_element(op.weights)};
    w.activations = Bytes{2 * op.rows * (2 * op.hidden + op.matrices * op.width)};
    return w;
}

Work work(const DecodeAttention& op) {
    Work w;
    const double dims = op.qk_dim + op.v_dim;
    w.flop = Flop{2 * op.batch * op.queries * op.q_heads * dims * op.context};
    w.unit = info(op.cache).unit;
    w.activations = Bytes{2 * op.batch * op.queries * op.q_heads * dims};
    w.cache = Bytes{op.batch * op.kv_heads * dims * bytes_per_element(op.cache) * (op.context + 1)};
    return w;
}

Work work(const PrefillAttention& op) {
    Work w;
    const double dims = op.qk_dim + op.v_dim;
    w.flop = Flop{2 * op.tokens * op.q_heads * dims * op.keys};
    w.unit = info(op.cache).unit;
    w.activations = Bytes{2 * op.tokens * (op.q_heads + op.kv_heads) * dims};
    w.cache = op.prior;
    return w;
}

Work work(const MlaDecode& op) {
    Work w;
    w.flop = Flop{2 * op.batch * op.queries * op.heads * op.context * (2 * op.kv_rank + op.rope_dim)};
    w.unit = info(op.cache).unit;
    w.activations = Bytes{2 * op.batch * op.queries * op.heads * (2 * op.kv_rank + op.rope_dim)};
    w.cache = Bytes{op.batch * op.context * (op.kv_rank + op.rope_dim) * bytes_per_element(op.cache)};
    return w;
}

Work work(const MlaAbsorb& op) {
    Work w;
    w.flop = Flop{2 * op.batch * op.heads * op.kv_rank * op.head_dims};
    w.weights = Bytes{op.heads * op.kv_rank * op.head_dims * bytes_per_element(op.weights)};
    w.activations = Bytes{2 * op.batch * op.heads * (2 * op.kv_rank + op.head_dims)};
    return w;
}

Work work(const MlaExpand& op) {
    Work w;
    w.flop = Flop{2 * op.tokens * op.heads * op.kv_rank * op.head_dims};
    w.unit = info(op.weights).unit;
    if (!op.weights_counted)
        w.weights = Bytes{op.heads * op.kv_rank * op.head_dims * bytes_per_element(op.weights)};
    w.activations = Bytes{2 * op.tokens * (op.kv_rank + op.heads * op.head_dims)};
    return w;
}

Work work(const IndexScore& op) {
    Work w;
    w.flop = Flop{2 * op.queries * op.heads * op.head_dim * op.context};
    w.unit = MathUnit::fp8;
    w.cache = Bytes{op.cached_reads * op.head_dim};
    return w;
}

Work work(const RecurrentDecode& op) {
    Work w;
    w.flop = op.flop * op.batch;
    w.cache = op.state * (2 * op.batch);
    return w;
}

Work work(const RecurrentPrefill& op) {
    Work w;
    w.flop = op.flop * op.tokens;
    w.cache = op.state * (2 * op.sequences);
    return w;
}

Work work(const Elementwise& op) {
    Work w;
    w.activations = Bytes{2 * 2 * op.rows * op.hidden};
    return w;
}

Work work(const AllReduce& op) {
    Work w;
    w.message = op.message * (2 * (op.ranks - 1) / op.ranks);
    return w;
}

Work work(const AllGather& op) {
    Work w;
    w.message = op.message * ((op.ranks - 1) / op.ranks);
    return w;
}

Work work(const ExpertAllToAll& op) {
    Work w;
    const double elsewhere = op.reached * (op.ranks - 1) / op.ranks;
    w.message = Bytes{op.tokens_per_rank * op.hidden * elsewhere *
                      (info(exchange_dispatch).element_bytes + info(exchange_combine).element_bytes)};
    return w;
}

Work work(const PipelineSend& op) {
    Work w;
    w.message = op.message;
    return w;
}

Work work(const Operation& op) {
    return std::visit([](const auto& shape) { return work(shape); }, op.shape);
}

}   // namespace moecost
