// SPDX-License-Identifier: Apache-2.0
// One forward step as a list of operations on one GPU: shapes, and the FLOP, bytes and messages that follow from them.
// No seconds here.
#pragma once

#include <string_view>
#include <variant>

#include "moecost/base/dtype.h"
#include "moecost/base/inline_vector.h"
#include "moecost/base/quantity.h"

namespace moecost {

/// What an operation belongs to; the step breakdown is reported in these classes.
enum class OpClass {
    attention_projection,
    attention,
    recurrent,
    router,
    routed_experts,
    shared_experts,
    dense_ffn,
    communication,
    small_ops,
    head,
    draft_checks,   // what a step of drafted tokens takes beyond its kernels
    host
};
inline constexpr int op_class_count = 12;
[[nodiscard]] std::string_view name_of(OpClass op_class);

/// [m x k] * [k x n], weights n x k in `weights`; activations of the same format (bf16 for weight-only formats).
struct Gemm {
    double m = 0, n = 0, k = 0;
    DType weights = DType::bf16;
};
/// Routed experts of one rank: permute, gate-up, activation, down, un-permute in one kernel.
struct ExpertFfn {
    double tokens = 0;   // T, of all ranks; behind an all-to-all those whose rows came to this one
    double hidden = 0;
    double width = 0;   // of one expert on this rank
    double top_k = 0;
    double distinct = 0;   // experts this rank reads
    double rows = 0;       // token-expert pairs it computes
    double matrices = 3;
    DType weights = DType::bf16;
};
/// New tokens of each sequence against its cache. Heads are per rank.
struct DecodeAttention {
    double batch = 0, q_heads = 0, kv_heads = 0;
    double qk_dim = 0, v_dim = 0;
    double context = 0;   // tokens visible, the new one included
    DType cache = DType::bf16;
    double queries = 1;   // per sequence; the cache is read once for all of them
};
/// New prompt tokens against themselves and what stands before them.
struct PrefillAttention {
    double tokens = 0, q_heads = 0, kv_heads = 0;
    double qk_dim = 0, v_dim = 0;
    double keys = 0;        // mean attended keys of a query
    double prompt = 0;      // mean new tokens of a prompt
    double sequences = 0;   // prompts in the step
    DType cache = DType::bf16;
    bool latent = false;   // keys and values expanded from a latent (MLA)
    Bytes prior{};         // cache of earlier chunks and of the cached prefix, read again
};
/// Absorbed latent attention: all heads read the same kv_rank + rope_dim values of a cached token.
struct MlaDecode {
    double batch = 0, heads = 0, context = 0;
    double kv_rank = 0, rope_dim = 0;
    DType cache = DType::bf16;
    double queries = 1;
};
/// The two batched products per head that fold the up-projections into query and output of absorbed decode.
struct MlaAbsorb {
    double batch = 0, heads = 0, kv_rank = 0, head_dims = 0;   // head_dims: nope + v
    DType weights = DType::bf16;
};
/// Keys and values expanded from the latent for `tokens` tokens of prompts, earlier chunks expanded again.
struct MlaExpand {
    double tokens = 0, heads = 0, kv_rank = 0, head_dims = 0;
    DType weights = DType::bf16;
    bool weights_counted = false;   // the decode part of the same step already reads them
};
/// Scores of a sparse-attention indexer against the index keys of the context.
struct IndexScore {
    double queries = 0, heads = 0, head_dim = 0, context = 0;
    double cached_reads = 0;   // index keys read from memory
    bool prefill = false;
};
/// Constant-state mixers: decode reads and writes the state of each sequence, prefill runs in chunks.
struct RecurrentDecode {
    double batch = 0;
    Bytes state;   // of one sequence on this rank
    Flop flop;     // of one token
};
struct RecurrentPrefill {
    double tokens = 0;
    Bytes state;
    Flop flop;   // of one token
    double sequences = 0;
};
/// Mixers by how many small kernels run beside them.
enum class MixerClass { grouped, grouped_qk_norm, compressed, sparse };
/// Norms, rotary embedding, residual, activation, cache write of a layer with such a mixer.
struct Elementwise {
    double rows = 0, hidden = 0;
    MixerClass beside = MixerClass::grouped;
};
/// Sum over ranks of a message held by each.
struct AllReduce {
    Bytes message;   // per rank
    double ranks = 1;
};
/// Tokens gathered from, or scattered to, attention-data-parallel ranks.
struct AllGather {
    Bytes message;   // of all ranks together
    double ranks = 1;
};
/// Expert dispatch and combine by an all-to-all backend: rows travel to the experts in the first format and back in the
/// second, as DeepEP sends them.
inline constexpr DType exchange_dispatch = DType::fp8;
inline constexpr DType exchange_combine = DType::bf16;
struct ExpertAllToAll {
    double tokens_per_rank = 0, hidden = 0, top_k = 0;
    double ranks = 1;
    double reached = 1;   // distinct ranks of a token
    bool low_latency = false;
    bool nvlink = false;   // the two-sided kernels of one domain
};
/// Hidden states handed to the next pipeline stage.
struct PipelineSend {
    Bytes message;
    double gpus = 2;   // of the instance: beyond one domain it crosses the network
};

using OpShape = std::variant<Gemm, ExpertFfn, DecodeAttention, PrefillAttention, MlaDecode, MlaAbsorb,
                             MlaExpand, IndexScore, RecurrentDecode, RecurrentPrefill, Elementwise, AllReduce,
                             AllGather, ExpertAllToAll, PipelineSend>;

struct Operation {
    std::string_view name;   // static text, such as "qkv"
    OpClass op_class{};
    double count = 1;   // layers that run it
    OpShape shape;
};
/// The operations of a step, with room for those of every model of the catalogue (tests/estimate).
using OperationList = InlineVector<Operation, 64>;

/// What one execution of an operation moves and computes; everything a roofline needs.
struct Work {
    Flop flop;
    MathUnit unit = MathUnit::bf16;
    Bytes weights;
    Bytes activations;
    Bytes cache;
    Bytes message;   // leaves this GPU over the scale-up link

    [[nodiscard]] Bytes memory() const { return weights + activations + cache; }
};

/// matmul(m, n, k): FLOP 2 m n k; bytes w n k + a m k + 2 m n.
[[nodiscard]] Work work(const Gemm& op);
/// FLOP 2 g h f rows; weights g h f D w; activations rows (2 h + g f) 2.
[[nodiscard]] Work work(const ExpertFfn& op);
/// FLOP 2 B H (d_qk + d_v) c; cache B K (d_qk + d_v) v (c + 1 written).
[[nodiscard]] Work work(const DecodeAttention& op);
/// FLOP 2 T H (d_qk + d_v) keys; activations T (H + K)(d_qk + d_v) 2; cache: what stands before the tokens.
[[nodiscard]] Work work(const PrefillAttention& op);
/// FLOP 2 B H c (2 r + d_r); cache B c (r + d_r) v.
[[nodiscard]] Work work(const MlaDecode& op);
/// FLOP 2 B H r (d_n + d_v); weights H r (d_n + d_v) w.
[[nodiscard]] Work work(const MlaAbsorb& op);
[[nodiscard]] Work work(const MlaExpand& op);
/// FLOP 2 q H_i d_i c; one byte per index-key element (fp8).
[[nodiscard]] Work work(const IndexScore& op);
/// State read and written once per sequence and step.
[[nodiscard]] Work work(const RecurrentDecode& op);
[[nodiscard]] Work work(const RecurrentPrefill& op);
/// Two passes over rows x hidden are unavoidable (read and write of the residual stream).
[[nodiscard]] Work work(const Elementwise& op);
/// 2 (n - 1)/n S leaves each rank (ring, two-shot).
[[nodiscard]] Work work(const AllReduce& op);
/// (n - 1)/n of the message enters each rank.
[[nodiscard]] Work work(const AllGather& op);
/// Dispatch one byte, combine two bytes per element, once per distinct rank that is not the token's own.
[[nodiscard]] Work work(const ExpertAllToAll& op);
[[nodiscard]] Work work(const PipelineSend& op);
[[nodiscard]] Work work(const Operation& op);

}   // namespace moecost
