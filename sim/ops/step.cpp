// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/step.h"

#include <algorithm>

#include "moecost/ops/ffn_operations.h"
#include "moecost/ops/mixer_operations.h"
#include "moecost/ops/routing.h"
#include "moecost/ops/step_context.h"

namespace moecost {
namespace {

/// All-reduce inside a tensor-parallel group, after mixers and feed-forwards alike.
void add_all_reduce(const StepContext& c, double layers, OperationList& out) {
    if (c.layout.tp < 2) return;
    out.push_back({"all-reduce", OpClass::communication, layers,
                   AllReduce{Bytes{c.rows * c.hidden * 2}, static_cast<double>(c.layout.tp)}});
}

/// Queries and keys that are normed over all heads at once: each rank knows the squares of its own heads alone. Sums of 4
/// bytes a row, of queries and of keys, travel in 8-byte messages.
void add_norm_reduce(const StepContext& c, const Mixer& mixer, double layers, OperationList& out) {
    const auto* grouped = std::get_if<GroupedAttention>(&mixer);
    if (grouped == nullptr || grouped->qk_norm != QkNorm::full_width || c.layout.tp < 2) return;
    out.push_back({"q/k norm all-reduce", OpClass::communication, 2 * layers,
                   AllReduce{Bytes{c.rows * 8}, static_cast<double>(c.layout.tp)}});
}

MixerClass class_of(const Mixer& mixer) {
    const auto* latent = std::get_if<LatentAttention>(&mixer);
    if (latent != nullptr) return latent->indexer ? MixerClass::sparse : MixerClass::compressed;
    const auto* grouped = std::get_if<GroupedAttention>(&mixer);
    if (grouped == nullptr) return MixerClass::compressed;
    if (grouped->indexer) return MixerClass::sparse;
    return grouped->qk_norm == QkNorm::none ? MixerClass::grouped : MixerClass::grouped_qk_norm;
}

/// How tokens come together for the feed-forward and go back. Returns the layers that leave it to the
/// all-reduce of their tensor-parallel group.
double add_ffn_exchange(const StepContext& c, const Ffn& ffn, double layers, OperationList& out) {
    const auto* moe = std::get_if<MoeFfn>(&ffn);
    const double ranks = c.layout.stage_gpus();
    if (moe != nullptr && c.layout.all_to_all()) {
        const double width = moe->latent_width > 0 ? moe->latent_width : c.hidden;
        out.push_back({"all-to-all", OpClass::communication, layers,
                       ExpertAllToAll{c.tokens / ranks, width, static_cast<double>(moe->top_k),
                                      static_cast<double>(c.layout.ep),
                                      ranks_reached(moe->experts, moe->top_k, c.layout.ep),
                                      c.layout.exchange == ExpertExchange::low_latency,
                                      c.layout.exchange == ExpertExchange::nvlink}});
        return 0;
    }
    // A dense layer keeps the tokens of its own attention rank: nothing is gathered.
    if (c.layout.attention_dp < 2 || moe == nullptr) return layers;
    const AllGather gather{Bytes{c.tokens * c.hidden * 2}, static_cast<double>(c.layout.attention_dp)};
    out.push_back({"token gather", OpClass::communication, layers, gather});
    out.push_back({"token scatter", OpClass::communication, layers, gather});
    return 0;
}

/// Inputs that each layer gets of its own (Gemma 4 E): one projection for all, a gate and a projection in each layer.
void add_layer_inputs(const StepContext& c, const Architecture& a, OperationList& out) {
    if (a.layer_input == 0) return;
    const double width = a.layer_input;
    const double layers = a.layers;
    out.push_back({"layer inputs", OpClass::router, 1, Gemm{c.rows, width * layers, c.hidden, DType::bf16}});
    out.push_back({"layer input gate", OpClass::router, layers, Gemm{c.rows, width, c.hidden, DType::bf16}});
    out.push_back({"layer input out", OpClass::router, layers, Gemm{c.rows, c.hidden, width, DType::bf16}});
}

/// Mixers and feed-forwards of these groups, each `passes` times.
template <class Mixers, class Ffns>
void add_layers(const StepContext& c, const Mixers& mixers, const Ffns& ffns, double passes, bool small_ops,
                OperationList& out) {
    const bool scaling = c.listed != Listed::cores;
    double reduced = 0;   // layers whose output is summed over the tensor-parallel group
    for (const MixerGroup& group : mixers) {
        const double layers = passes * group.count;
        add_mixer(c, group.kind, layers, out);
        reduced += layers;
        if (!scaling || !small_ops) continue;
        add_norm_reduce(c, group.kind, layers, out);
        out.push_back({"norms, rope, residual", OpClass::small_ops, layers,
                       Elementwise{c.rows, c.hidden, class_of(group.kind)}});
    }
    if (!scaling) return;
    for (const FfnGroup& group : ffns) {
        add_ffn(c, group.kind, passes * group.count, out);
        reduced += add_ffn_exchange(c, group.kind, passes * group.count, out);
    }
    add_all_reduce(c, reduced, out);
}

}   // namespace

bool drafts_itself(const Architecture& a, const StepShape& shape) {
    return shape.queries >= 2 && a.mtp.count > 0 && shape.decode_sequences > 0;
}

StepShape draft_shape(StepShape shape) {
    shape.queries = 1;
    shape.prefill_tokens = 0;
    return shape;
}

void list_drafts(const Architecture& a, const Precision& precision, const Layout& layout, double skew,
                 const StepShape& shape, double drafts, OperationList& out, Listed listed) {
    const StepContext c(a, precision, layout, skew, shape, listed);
    add_layers(c, a.mtp.mixers, a.mtp.ffns, drafts, false, out);
    if (listed == Listed::cores) return;
    out.push_back(
        {"draft join", OpClass::head, drafts, Gemm{c.rows, c.hidden, 2 * c.hidden, precision.embeddings}});
    out.push_back(
        {"draft head", OpClass::head, drafts, Gemm{c.rows, a.vocabulary / c.tp, c.hidden, precision.head}});
}

StepContext::StepContext(const Architecture& a, const Precision& p, const Layout& l, double expert_skew,
                         const StepShape& s, Listed wanted)
    : precision(p),
      layout(l),
      shape(s),
      listed(wanted),
      hidden(a.hidden),
      skew(expert_skew),
      tp(l.tp),
      batch(s.decode_sequences / l.attention_dp),
      prefill(s.prefill_tokens /
              (s.prompt_ranks > 0 ? std::min(s.prompt_ranks, 1.0 * l.attention_dp) : l.attention_dp)),
      queries(s.queries),
      rows(std::max(batch * queries + prefill, 1.0)),
      tokens(std::max(s.decode_sequences * queries + s.prefill_tokens, 1.0)),
      prompts(prefill > 0 ? std::max(prefill / std::max(s.prompt, 1.0), 1.0) : 0) {}

double StepContext::logits() const {
    return std::max(batch * queries + prefill / std::max(shape.prompt, 1.0), 1.0);
}

void list_operations(const Architecture& architecture, const Precision& precision, const Layout& layout,
                     double skew, const StepShape& shape, OperationList& operations, Listed listed) {
    operations.clear();
    const StepContext c(architecture, precision, layout, skew, shape, listed);
    add_layers(c, architecture.mixers, architecture.ffns, 1, true, operations);
    if (listed != Listed::cores) {
        add_layer_inputs(c, architecture, operations);
        operations.push_back({"head", OpClass::head, 1,
                              Gemm{c.logits(), architecture.vocabulary / c.tp, c.hidden, precision.head}});
    }
    if (drafts_itself(architecture, shape)) {
        list_drafts(architecture, precision, layout, skew, draft_shape(shape), shape.queries - 1, operations,
                    listed);
    }
    if (layout.pp > 1 && listed != Listed::cores) {
        operations.push_back(
            {"stage send", OpClass::communication, static_cast<double>(layout.pp - 1),
             PipelineSend{Bytes{c.rows * c.hidden * 2}, static_cast<double>(layout.gpus())}});
    }
}

}   // namespace moecost
