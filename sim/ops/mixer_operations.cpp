// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/mixer_operations.h"

#include <algorithm>
#include <cmath>

#include "moecost/model/cache.h"
#include "moecost/ops/step.h"

namespace moecost {
namespace {

/// Sum over positions 1..x of min(position, w).
double capped_triangle(double x, double w) {
    return x <= w ? x * (x + 1) / 2 : w * (w + 1) / 2 + (x - w) * w;
}

class MixerOperations {
  public:
    MixerOperations(const StepContext& c, double layers, OperationList& out)
        : c_(c), layers_(layers), out_(out) {}

    void operator()(const GroupedAttention& a) const {
        const double heads = a.query_heads / c_.tp;
        if (c_.listed != Listed::cores || a.indexer) grouped_projections(a, heads);
        if (!a.attends_image) grouped_cores(a, heads, std::max(a.kv_heads / c_.tp, 1.0));
    }

    void operator()(const LatentAttention& a) const {
        const double heads = a.heads / c_.tp;
        if (c_.listed != Listed::cores) latent_projections(a, heads);
        if (a.indexer && a.indexer->owns_weights) latent_index(a);
        latent_cores(a, heads);
    }

    void operator()(const CompressedAttention& a) const {
        const double heads = a.heads / c_.tp;
        const double d = a.head_dim;
        const double doubled = a.ratio == 4 ? 2 : 1;   // overlapping windows hold two halves
        const double compressor = a.ratio > 0 ? 2 * doubled * d : 0;
        const double index = a.indexer ? 4.0 * a.indexer->head_dim + a.indexer->heads : 0;
        projection("q, kv and compressor", a.q_rank + d + compressor + index, c_.hidden);
        projection("q up", heads * d, a.q_rank);
        if (a.indexer)
            projection("index q", 1.0 * a.indexer->heads * a.indexer->head_dim, a.q_rank, OpClass::attention);
        projection("grouped out", a.out_rank, heads * d);
        attention_out(a.out_groups * a.out_rank / c_.tp);
        compressed_cores(a, heads);
    }

    void operator()(const DeltaNet& a) const {
        const double keys = a.key_heads * a.key_dim / c_.tp;
        const double values = a.value_heads * a.value_dim / c_.tp;
        projection("delta in", 2 * keys + 2 * values + 2 * a.value_heads / c_.tp, c_.hidden);
        projection("delta out", c_.hidden, values);
        const double dk = a.key_dim;
        const double dv = a.value_dim;
        const double heads = a.value_heads / c_.tp;
        recurrent(a, 7 * heads * dk * dv, heads * (chunk * (5 * dk + 3 * dv) + 6 * dk * dv));
    }

    void operator()(const KimiDelta& a) const {
        const double inner = a.heads * a.head_dim / c_.tp;
        const double d = a.head_dim;
        const double gate = a.full_rank_gate ? inner : d;
        const double decay = a.full_rank_decay ? inner : d;
        projection("delta in", 3 * inner + a.heads / c_.tp + decay + gate, c_.hidden);
        if (!a.full_rank_decay) projection("decay up", inner, d);
        if (!a.full_rank_gate) projection("gate up", inner, d);
        projection("delta out", c_.hidden, inner);
        recurrent(a, 7 * inner * d, inner / d * (8 * chunk * d + 6 * d * d));
    }

    void operator()(const Mamba2& a) const {
        const double inner = a.heads * a.head_dim / c_.tp;
        const double shared = 2.0 * a.groups * a.state / c_.tp;
        projection("ssm in", 2 * inner + shared + a.heads / c_.tp, c_.hidden);
        projection("ssm out", c_.hidden, inner);
        recurrent(a, 6 * inner * a.state, chunk * (shared + 2 * inner) + 4 * inner * a.state);
    }

    void operator()(const Mamba1& a) const {
        const double inner = a.inner / c_.tp;
        projection("ssm in", 2 * inner, c_.hidden);
        projection("ssm parameters", a.dt_rank + 2.0 * a.state, inner);
        projection("ssm step", inner, a.dt_rank);
        projection("ssm out", c_.hidden, inner);
        recurrent(a, 6 * inner * a.state, 6 * inner * a.state);
    }

    void operator()(const LightningAttention& a) const {
        const double inner = a.heads * a.head_dim / c_.tp;
        projection("lightning in", 4 * inner, c_.hidden);
        projection("lightning out", c_.hidden, inner);
        recurrent(a, 5 * inner * a.head_dim, 2 * chunk * inner + 4 * inner * a.head_dim);
    }

    void operator()(const ShortConvolution& a) const {
        const double width = a.width / c_.tp;
        projection("convolution in", 3 * width, c_.hidden);
        projection("convolution out", c_.hidden, width);
        const double flop = (2.0 * a.conv_kernel + 2) * width;   // the filter and two gates
        recurrent(a, flop, flop);
    }

  private:
    static constexpr double chunk = 64;   // tokens of one chunk of a chunked recurrence

    /// Of a core: it sees contexts.
    void add(std::string_view name, OpClass op_class, const OpShape& shape) const {
        if (c_.listed != Listed::scaling) out_.push_back({name, op_class, layers_, shape});
    }
    void projection(std::string_view name, double n, double k,
                    OpClass op_class = OpClass::attention_projection) const {
        add_gemm(name, op_class, Gemm{c_.rows, n, k, c_.precision.attention});
    }
    void add_gemm(std::string_view name, OpClass op_class, const Gemm& gemm) const {
        if (c_.listed != Listed::cores) out_.push_back({name, op_class, layers_, gemm});
    }

    void grouped_projections(const GroupedAttention& a, double heads) const {
        const double kv = a.reuses_kv ? 0 : std::max(a.kv_heads / c_.tp, 1.0);
        const double gate = a.gate == OutputGate::elementwise ? heads * a.v_dim
                            : a.gate == OutputGate::per_head  ? heads
                                                              : 0;
        const double values = a.value_from_key ? 0 : kv * a.v_dim;
        const double queries = heads * a.qk_dim + gate;
        const double keys =
            a.attends_image ? 0 : kv * a.qk_dim + values;   // those of an image: once, not per token
        if (a.q_rank > 0) projection("q up", queries, a.q_rank);
        projection("qkv", (a.q_rank > 0 ? a.q_rank : queries) + keys, c_.hidden);
        attention_out(heads * a.v_dim);
        if (a.indexer) block_index(*a.indexer);
    }

    void latent_projections(const LatentAttention& a, double heads) const {
        const double query = heads * (a.nope_dim + a.rope_dim);
        const double gate = (a.output_gate ? heads * a.v_dim : 0) + (a.head_gate ? heads : 0);
        if (a.q_rank > 0) {
            projection("q and kv down", a.q_rank + a.kv_rank + a.rope_dim + gate, c_.hidden);
            projection("q up", query, a.q_rank);
        } else {
            projection("q and kv down", query + a.kv_rank + a.rope_dim + gate, c_.hidden);
        }
        attention_out(heads * a.v_dim);
    }

    /// o_proj, which some releases quantise although the rest of attention is not.
    void attention_out(double k) const {
        const DType weights = c_.precision.output_projection.value_or(c_.precision.attention);
        add_gemm("attention out", OpClass::attention_projection, Gemm{c_.rows, c_.hidden, k, weights});
    }

    void grouped_cores(const GroupedAttention& a, double heads, double kv) const {
        const double qk = a.qk_dim;
        const double v = a.v_dim;
        const double selected = a.indexer ? a.indexer->selected : 1e30;
        const DType cache = c_.precision.kv_cache;
        if (c_.batch > 0) {
            const double seen =
                std::min(visible_context(c_.shape.decode_context, a.window, a.chunked), selected);
            add("decode attention", OpClass::attention,
                DecodeAttention{c_.batch, heads, kv, qk, v, seen, cache, c_.queries});
        }
        if (c_.prefill > 0) {
            const double keys =
                std::min(mean_keys(c_.shape.prompt, c_.shape.prior, a.window, a.chunked), selected);
            add("prefill attention", OpClass::attention,
                PrefillAttention{c_.prefill, heads, kv, qk, v, keys, c_.shape.prompt, c_.prompts, cache,
                                 false, prior_cache(kv * (qk + v), a.window)});
        }
    }

    void latent_cores(const LatentAttention& a, double heads) const {
        const double dims = a.nope_dim + a.v_dim;
        const double selected = a.indexer ? a.indexer->selected : 1e30;
        const DType cache = c_.precision.kv_cache;
        const DType weights = c_.precision.attention;
        if (c_.batch > 0) {
            add("absorb", OpClass::attention_projection,
                MlaAbsorb{c_.batch * c_.queries, heads, static_cast<double>(a.kv_rank), dims, weights});
            add("decode attention", OpClass::attention,
                MlaDecode{c_.batch, heads, std::min(c_.shape.decode_context, selected),
                          static_cast<double>(a.kv_rank), static_cast<double>(a.rope_dim), cache,
                          c_.queries});
        }
        if (c_.prefill > 0) {
            // Each chunk expands what stands before it again: m equal chunks expand (m + 1)/2 times the prompt.
            const double expanded =
                c_.prefill * (c_.shape.passes + 1) / 2 +
                c_.prefill * c_.shape.prior / std::max(c_.shape.prompt, 1.0) * c_.shape.passes;
            add("expand", OpClass::attention_projection,
                MlaExpand{expanded, heads, static_cast<double>(a.kv_rank), dims, weights, c_.batch > 0});
            const double keys = std::min(mean_keys(c_.shape.prompt, c_.shape.prior, 0, false), selected);
            add("prefill attention", OpClass::attention,
                PrefillAttention{c_.prefill, heads, heads, static_cast<double>(a.nope_dim + a.rope_dim),
                                 static_cast<double>(a.v_dim), keys, c_.shape.prompt, c_.prompts, cache, true,
                                 prior_cache(a.kv_rank + a.rope_dim, 0)});
        }
    }

    void compressed_cores(const CompressedAttention& a, double heads) const {
        const double d = a.head_dim;
        const auto seen = [&](double context) {
            const double raw = std::min(context, static_cast<double>(a.window));
            if (a.ratio == 0) return raw;
            const double entries = context / a.ratio;
            return raw + (a.indexer ? std::min(entries, static_cast<double>(a.indexer->selected)) : entries);
        };
        const double ratio = std::max(a.ratio, 1);
        if (a.indexer) score(*a.indexer, ratio);
        const DType cache = c_.precision.kv_cache;
        if (c_.batch > 0) {   // key and value are one cached vector: v_dim only counts in the FLOP
            add("decode attention", OpClass::attention,
                MlaDecode{c_.batch, heads, seen(c_.shape.decode_context), d, 0, cache, c_.queries});
        }
        if (c_.prefill > 0) {
            add("prefill attention", OpClass::attention,
                PrefillAttention{c_.prefill, heads, 1, d, d, seen(c_.shape.prior + (c_.shape.prompt + 1) / 2),
                                 c_.shape.prompt, c_.prompts, cache, true, prior_cache(d, a.window)});
        }
    }

    /// Cache read by prompt tokens: m chunks of n tokens after p cached ones read p + n (m - 1)/(2 m) on average each,
    /// m times over the prompt; through a window at most W. `width` elements are cached per token.
    [[nodiscard]] Bytes prior_cache(double width, int window) const {
        const double before =
            c_.shape.prior + c_.shape.prompt * (c_.shape.passes - 1) / (2 * c_.shape.passes);
        const double seen = window > 0 ? std::min(before, static_cast<double>(window)) : before;
        const double chunks = c_.prefill / std::max(c_.shape.prompt, 1.0) * c_.shape.passes;
        return Bytes{chunks * seen * width * bytes_per_element(c_.precision.kv_cache)};
    }

    /// Scores of the index keys, one per `ratio` tokens of context.
    void score(const SparseIndexer& i, double ratio) const {
        const double heads = i.heads;   // replicated: every rank needs the whole selection
        if (c_.batch > 0) {
            const double keys = c_.shape.decode_context / ratio;
            add("index scores", OpClass::attention,
                IndexScore{c_.batch * c_.queries, heads, static_cast<double>(i.head_dim), keys,
                           c_.batch * keys, false});
        }
        if (c_.prefill > 0) {
            const double keys = (c_.shape.prior + (c_.shape.prompt + 1) / 2) / ratio;
            add("index scores, prompts", OpClass::attention,
                IndexScore{c_.prefill, heads, static_cast<double>(i.head_dim), keys,
                           c_.prompts * (c_.shape.prior + c_.shape.prompt) / ratio, true});
        }
    }

    void latent_index(const LatentAttention& a) const {
        const double dim = a.indexer->head_dim;
        const double heads = a.indexer->heads;
        projection("index q", heads * dim, a.q_rank, OpClass::attention);
        projection("index k and weights", dim + heads, c_.hidden, OpClass::attention);
        score(*a.indexer, 1);
    }

    void block_index(const SparseIndexer& i) const {
        if (!i.owns_weights) return;
        projection("index q and k", static_cast<double>(i.heads + 1) * i.head_dim, c_.hidden,
                   OpClass::attention);
        score(i, i.ratio);
    }

    /// FLOP per token of decode and of chunked prefill, on this rank.
    void recurrent(const Mixer& mixer, double decode_flop, double prefill_flop) const {
        const LayerState whole = layer_state(mixer);
        const Bytes state = (whole.recurrent + whole.convolution) / c_.tp;
        if (c_.batch > 0) {
            add("state update", OpClass::recurrent,
                RecurrentDecode{c_.batch, state, Flop{decode_flop * c_.queries}});
        }
        if (c_.prefill > 0) {
            add("chunked scan", OpClass::recurrent,
                RecurrentPrefill{c_.prefill, state, Flop{prefill_flop}, c_.prompts});
        }
    }

    const StepContext& c_;
    double layers_;
    OperationList& out_;
};

}   // namespace

double visible_context(double context, int window, bool chunked) {
    if (window == 0 || context <= window) return context;
    return chunked ? (window + 1) / 2.0 : window;
}

double mean_keys(double prompt, double prior, int window, bool chunked) {
    const double n = std::max(prompt, 1.0);
    if (window == 0) return prior + (n + 1) / 2;
    if (!chunked) return (capped_triangle(prior + n, window) - capped_triangle(prior, window)) / n;
    const auto restarted = [&](double x) {
        const double whole = std::floor(x / window);
        const double rest = x - whole * window;
        return whole * capped_triangle(window, window) + capped_triangle(rest, window);
    };
    return (restarted(prior + n) - restarted(prior)) / n;
}

void add_mixer(const StepContext& context, const Mixer& mixer, double layers, OperationList& operations) {
    std::visit(MixerOperations(context, layers, operations), mixer);
}

}   // namespace moecost
