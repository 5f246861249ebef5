// SPDX-License-Identifier: Apache-2.0
// WHAT is served: a decoder-only transformer as plain values. Layers are grouped by kind with a count, because
// everything that follows (parameters, bytes, seconds) depends on the kinds and their counts, not on the order.
// Symbols of the field: h hidden size, V vocabulary, H query heads, K key/value heads, E experts, k experts per token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "moecost/model/precision.h"

namespace moecost {

enum class QkNorm { none, per_head, full_width };
/// Output gate of attention: none; elementwise (a second set of query-sized projections); one scalar per head.
enum class OutputGate { none, elementwise, per_head };

/// A small scoring attention that selects which cached tokens the main attention reads (DeepSeek sparse attention).
struct SparseIndexer {
    int heads = 0;
    int head_dim = 0;
    int selected = 0;   // cached tokens a query may attend
    int ratio = 1;      // tokens behind one index key
    bool owns_weights =
        true;   // false: reuses the selection of an earlier layer (no weights, cache or scoring)
    bool operator==(const SparseIndexer&) const = default;
};

/// Multi-head, grouped-query and multi-query attention, full, windowed or chunked.
struct GroupedAttention {
    int query_heads = 0;
    int kv_heads = 0;
    int qk_dim = 0;         // per head, of queries and keys
    int v_dim = 0;          // per head, of values
    int window = 0;         // tokens visible to a query; 0: all
    bool chunked = false;   // the window is a fixed chunk that restarts, not a sliding one
    QkNorm qk_norm = QkNorm::none;
    OutputGate gate = OutputGate::none;
    bool qkv_bias = false;
    bool out_bias = false;
    bool sinks = false;            // one learned scalar per query head
    bool reuses_kv = false;        // cross-layer sharing: no key/value projections and no cache of its own
    bool value_from_key = false;   // no value projection: values are computed from the keys, both are cached
    std::optional<SparseIndexer> indexer{};   // block-sparse selection (its query and key projections read h)
    int q_rank = 0;   // queries pass a normed bottleneck of this width (Step-3); 0: projected directly
    bool attends_image = false;   // cross-attention: keys and values of an image, none of a text token
    bool operator==(const GroupedAttention&) const = default;
};

/// Multi-head latent attention (MLA): one compressed vector of kv_rank + rope_dim per token for all heads.
struct LatentAttention {
    int heads = 0;
    int q_rank = 0;   // 0: queries are projected directly
    int kv_rank = 0;
    int rope_dim = 0;
    int nope_dim = 0;
    int v_dim = 0;
    bool output_gate = false;   // elementwise on the values
    bool head_gate = false;     // one scalar per head
    std::optional<SparseIndexer> indexer{};
    bool operator==(const LatentAttention&) const = default;
};

/// Attention over compressed entries (DeepSeek-V4): one shared key/value head, a window of raw entries and, when
/// ratio > 0, one entry per `ratio` tokens; ratio 4 selects among them with an indexer.
struct CompressedAttention {
    int heads = 0;
    int head_dim = 0;
    int q_rank = 0;
    int out_groups = 0;
    int out_rank = 0;
    int window = 0;
    int ratio = 0;   // 0: window only
    std::optional<SparseIndexer> indexer{};
    bool operator==(const CompressedAttention&) const = default;
};

/// Gated delta net (Qwen3-Next, Qwen3.5): constant state of value_heads x key_dim x value_dim.
struct DeltaNet {
    int key_heads = 0;
    int value_heads = 0;
    int key_dim = 0;
    int value_dim = 0;
    int conv_kernel = 0;
    bool operator==(const DeltaNet&) const = default;
};

/// Kimi delta attention: per-channel gates; constant state of heads x head_dim x head_dim.
struct KimiDelta {
    int heads = 0;
    int head_dim = 0;
    int conv_kernel = 0;
    bool full_rank_gate = false;
    bool full_rank_decay = false;
    bool operator==(const KimiDelta&) const = default;
};

/// Mamba-2 state-space layer: constant state of heads x head_dim x state.
struct Mamba2 {
    int heads = 0;
    int head_dim = 0;
    int groups = 0;
    int state = 0;
    int conv_kernel = 0;
    bool conv_bias = false;
    bool norm = true;         // gated norm before the output projection
    bool proj_bias = false;   // biases of both projections
    bool operator==(const Mamba2&) const = default;
};

/// Mamba-1 state-space layer: constant state of inner x state.
struct Mamba1 {
    int inner = 0;
    int state = 0;
    int dt_rank = 0;
    int conv_kernel = 0;
    bool conv_bias = true;
    bool inner_norms = true;   // norms with weights on the step, B and C (Jamba)
    bool operator==(const Mamba1&) const = default;
};

/// Lightning attention: linear attention with constant state of heads x head_dim x head_dim.
struct LightningAttention {
    int heads = 0;
    int head_dim = 0;
    bool qk_norm = false;
    bool operator==(const LightningAttention&) const = default;
};

/// Short convolution between two projections and gated twice (LFM2): constant state of width x (kernel - 1).
struct ShortConvolution {
    int width = 0;
    int conv_kernel = 0;
    bool bias = false;   // of both projections and the convolution
    bool operator==(const ShortConvolution&) const = default;
};

/// The part of a layer that mixes tokens of a sequence.
using Mixer = std::variant<GroupedAttention, LatentAttention, CompressedAttention, DeltaNet, KimiDelta,
                           Mamba2, Mamba1, LightningAttention, ShortConvolution>;

/// Feed-forward of `matrices` linear maps: 3 gated (SwiGLU: gate, up, down), 2 plain (up, down).
struct DenseFfn {
    int width = 0;
    int matrices = 3;
    bool bias = false;
    bool operator==(const DenseFfn&) const = default;
};

enum class RouterBias {
    none,
    correction,
    linear
};   // correction: only ranks experts; linear: part of the GEMM

struct MoeFfn {
    int experts = 0;
    int top_k = 0;
    int width = 0;   // of one routed expert
    int matrices = 3;
    int shared_width = 0;       // of all shared experts together; 0: none
    bool shared_gate = false;   // a 1 x h gate on the shared expert
    RouterBias router_bias = RouterBias::none;
    bool expert_bias = false;   // biases on both expert projections
    int latent_width = 0;       // routed experts work in this width between two projections; 0: in h
    bool latent_norm = false;
    int dense_width = 0;     // a dense FFN in parallel (dense residual), always active; 0: none
    int expert_groups = 1;   // group-limited routing: a token uses at most `groups_used` of them
    int groups_used = 1;
    bool router_scales = false;   // scale per input channel and per expert (Gemma 4)
    bool fused_gate_up = false;   // gate and up of an expert stored as one matrix: only block scales differ
    int zero_experts = 0;         // choices of the router that compute nothing (LongCat)
    bool operator==(const MoeFfn&) const = default;
};

using Ffn = std::variant<DenseFfn, MoeFfn>;

/// A kind of mixer or feed-forward, how many layers have it, and the norm vectors (of size h) that come with one.
struct MixerGroup {
    Mixer kind;
    int count = 0;
    int norms = 1;
    bool beside = false;   // in layers that another group covers already (Mamba-2 beside attention)
    bool operator==(const MixerGroup&) const = default;
};
struct FfnGroup {
    Ffn kind;
    int count = 0;
    int norms = 1;
    bool beside = false;
    bool operator==(const FfnGroup&) const = default;
};

/// Multi-token-prediction modules of the checkpoint: counted apart, never part of the totals.
struct MtpModules {
    int count = 0;
    std::vector<MixerGroup> mixers;   // of one module
    std::vector<FfnGroup> ffns;
    int projections = 1;   // h x 2h joins of hidden state and embedding (2: two h x h)
    int norms = 3;
    bool own_head = false;
    bool operator==(const MtpModules&) const = default;
};

/// A table that a token reads a row of besides the embedding: n-grams, per-layer inputs, learned positions.
struct LookupTable {
    std::string name;
    std::int64_t rows = 0;
    int width = 0;
    bool on_host = false;   // in the memory of the host: takes none of the accelerator
    bool operator==(const LookupTable&) const = default;
};

/// What stands before the decoder and reads no text token (vision and audio encoders, experts of images): counted apart
/// from the totals, held in memory beside the embedding table.
struct Tower {
    std::string name;
    std::int64_t parameters = 0;
    bool operator==(const Tower&) const = default;
};

/// Elements of a component that a release keeps in another format than most of it: bytes beyond those of the component's
/// format (negative when below), valid under the released precision alone.
struct MixedFormat {
    int component = 0;   // of tensors.h
    double bytes = 0;
    bool operator==(const MixedFormat&) const = default;
};

struct Architecture {
    std::string name;
    std::string source;   // where the figures come from, with date
    int hidden = 0;
    int vocabulary = 0;
    int max_position = 0;   // longest context; 0: not stated
    bool tied_embeddings = false;
    bool norm_bias = false;   // LayerNorm with bias instead of RMSNorm
    bool head_bias = false;
    int layer_scalars = 0;       // learned scalars per layer, besides everything above
    int hyper_connections = 0;   // parallel residual streams (DeepSeek-V4); 0: plain residual
    int hyper_rank = 0;          // their maps pass a bottleneck of this width; 0: as DeepSeek-V4
    int final_norms = 1;         // norms of size h outside the layers
    int layer_input = 0;         // width of an input of its own that each layer gets (Gemma 4 E); 0: none
    bool attention_residuals = false;   // Kimi-K3
    int layers = 0;                     // decoder layers as the publisher counts them
    std::vector<MixerGroup> mixers;
    std::vector<FfnGroup> ffns;
    std::vector<LookupTable> tables;
    std::vector<Tower> towers;
    MtpModules mtp;
    Precision precision;   // as released
    std::vector<MixedFormat> mixed{};
    std::string licence;                 // SPDX name where one exists, else the publisher's
    std::string released;                // date, YYYY-MM or YYYY-MM-DD
    std::vector<std::string> notes;      // what the importer assumed or left out
    std::vector<std::string> warnings;   // what it could not read: told even when notes are not
    bool operator==(const Architecture&) const = default;
};

/// What is impossible about one kind ("query_heads 10 is not a multiple of kv_heads 4"), empty when nothing is.
[[nodiscard]] std::string problem_of(const Mixer& mixer);
[[nodiscard]] std::string problem_of(const Ffn& ffn);
/// The same for the whole: sizes, kinds, and that no list of groups covers more layers than there are.
[[nodiscard]] std::string problem_of(const Architecture& architecture);

/// Upper bounds of every reader: far beyond any model, low enough that no product of sizes overflows.
inline constexpr int max_width = 1'000'000;
inline constexpr int max_heads = 100'000;
inline constexpr int max_experts = 100'000;
inline constexpr int max_layers = 10'000;
inline constexpr int max_vocabulary = 10'000'000;
inline constexpr std::int64_t max_rows = 100'000'000'000;      // of a lookup table
inline constexpr std::int64_t max_tower = 1'000'000'000'000;   // parameters of a tower
inline constexpr int max_tokens = 1'000'000'000;               // windows and context lengths

/// Throws std::logic_error with one line when a field is impossible (zero sizes, top_k > experts, ...): the
/// last line of defence behind the readers, which report the same with a position.
void check(const Architecture& architecture);

}   // namespace moecost
