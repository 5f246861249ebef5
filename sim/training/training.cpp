// SPDX-License-Identifier: Apache-2.0
#include "moecost/training/training.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/data.h"
#include "moecost/model/counts.h"
#include "moecost/ops/step.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

const MoeFfn* experts_of(const Architecture& a) {
    for (const FfnGroup& g : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&g.kind)) return moe;
    }
    return nullptr;
}

/// Ranks of tensor, context and expert parallelism that work on one layer together.
int stage_ranks(const TrainingLayout& l) { return std::max(l.tp * l.cp, l.ep); }

/// The layer ranks as ops/layout.h sees them: data-parallel ranks that exchange tokens with experts.
Layout layout_of(const TrainingLayout& l) {
    Layout layout;
    layout.tp = l.tp;
    layout.pp = 1;
    layout.ep = l.ep;
    layout.attention_dp = l.ep > 1 ? std::max(1, stage_ranks(l) / l.tp) : 1;
    layout.exchange = l.ep > 1 ? ExpertExchange::normal : ExpertExchange::collective;
    return layout;
}

double tokens_of_rank(const TrainingLayout& l, const TrainingTask& task) {
    return l.micro_batch * task.sequence / l.cp;
}

/// Inner widths that a token passes through feed-forwards, summed over layers, on one rank.
double inner_width(const Architecture& a, const TrainingLayout& l) {
    double sum = 0;
    for (const FfnGroup& g : a.ffns) {
        if (const auto* dense = std::get_if<DenseFfn>(&g.kind)) {
            sum += 1.0 * g.count * dense->width / l.tp;
            continue;
        }
        const auto& moe = std::get<MoeFfn>(g.kind);
        sum += g.count * (1.0 * moe.top_k * moe.width + 1.0 * (moe.shared_width + moe.dense_width) / l.tp);
    }
    return sum;
}

/// Widths of the copies of a token that go to its experts, summed over layers.
double routed_width(const Architecture& a) {
    double sum = 0;
    for (const FfnGroup& g : a.ffns) {
        const auto* moe = std::get_if<MoeFfn>(&g.kind);
        if (moe != nullptr)
            sum += 1.0 * g.count * moe->top_k * (moe->latent_width > 0 ? moe->latent_width : a.hidden);
    }
    return sum;
}

double attention_width(const Architecture& a) {
    double sum = 0;
    for (const MixerGroup& g : a.mixers) {
        if (const auto* grouped = std::get_if<GroupedAttention>(&g.kind))
            sum += 1.0 * g.count * grouped->query_heads * (grouped->qk_dim + grouped->v_dim);
        if (const auto* latent = std::get_if<LatentAttention>(&g.kind))
            sum += 1.0 * g.count * latent->heads * (latent->nope_dim + latent->rope_dim + latent->v_dim);
    }
    return sum;
}

/// 6 of each parameter in a product, and causal attention over half of the sequence.
double flop_per_token(const Architecture& a, const TrainingTask& task) {
    return 6 * count(a).active_matmul_only + 3 * attention_width(a) * task.sequence;
}

/// Seconds of one micro-batch through all layers, one rank of each stage, and of the head.
struct Pass {
    Seconds forward, backward, exchange, tensor;   // the last two in both directions
    Seconds head;
};

struct Weights {
    double dense = 0;     // parameters of all stages on one tensor-parallel rank, without experts
    double experts = 0;   // on one expert-parallel rank
};

Weights weights_of_rank(const Architecture& a, const TrainingLayout& l) {
    Weights w;
    for (const FfnGroup& g : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&g.kind)) {
            const double width = moe->latent_width > 0 ? moe->latent_width : a.hidden;
            w.experts += 1.0 * g.count * moe->experts * moe->matrices * width * moe->width;
        }
    }
    w.dense = (count(a).total - w.experts) / l.tp;
    w.experts /= std::max(l.ep, 1) == 1 && l.tp > 1 ? l.tp : l.ep;
    return w;
}

/// Ranks that hold the same experts.
double experts_dp(const TrainingLayout& l) {
    const double ranks = 1.0 * l.dp() * l.tp * l.cp;
    return std::max(1.0, ranks / std::max(l.ep, 1) / (std::max(l.ep, 1) == 1 && l.tp > 1 ? l.tp : 1));
}

class Trainer {
  public:
    Trainer(const Architecture& a, const Precision& p, const CalibratedHardware& m,
            const TrainingConstants& c, const TrainingLayout& l, const TrainingTask& t)
        : a_(a), precision_(p), machine_(m), constants_(c), layout_(l), task_(t) {}

    [[nodiscard]] TrainingStep step() const {
        const Pass pass = micro_batch();
        const double layers_share = 1.0 / layout_.pp;
        const double micro_batches = std::max(1.0, task_.batch / (layout_.dp() * layout_.micro_batch));
        const Seconds own = pass.forward + pass.backward;
        const Seconds exposed =
            layout_.hidden_exchange ? max(pass.exchange - own, Seconds{0}) : pass.exchange;
        Seconds recompute;
        if (layout_.recompute) recompute = pass.forward;
        // The head stands on the last stage, unless layers were taken from there to make room.
        const bool level = layout_.pp == 1 || a_.layers % layout_.pp != 0;
        const double head_share = level ? layers_share : 1;
        TrainingStep s;
        s.forward = micro_batches * (pass.forward * layers_share + pass.head * head_share / 3);
        s.backward = micro_batches * (pass.backward * layers_share + pass.head * head_share * (2.0 / 3));
        s.recompute = micro_batches * layers_share * recompute;
        s.exchange = micro_batches * layers_share * exposed;
        const Seconds tensor = layout_.hidden_tensor ? max(pass.tensor - own, Seconds{0}) : pass.tensor;
        s.tensor = micro_batches * layers_share * tensor;
        const Seconds body = s.forward + s.backward + s.recompute + s.exchange + s.tensor;
        s.bubble = body * ((layout_.pp - 1.0) / (micro_batches * layout_.virtual_stages));
        s.reduction = reduction(s, micro_batches);
        s.update = update();
        s.total = body + s.bubble + s.reduction + s.update;
        s.tokens_per_s_gpu = task_.batch * task_.sequence / s.total.value() / layout_.gpus;
        s.flop_per_token = flop_per_token(a_, task_);
        s.mfu = s.flop_per_token * s.tokens_per_s_gpu / machine_.peak(MathUnit::bf16).value();
        s.memory = training_memory(a_, constants_, layout_, task_);
        return s;
    }

  private:
    [[nodiscard]] Pass micro_batch() const {
        const Layout layout = layout_of(layout_);
        StepShape shape;
        shape.prefill_tokens = tokens_of_rank(layout_, task_) * layout.attention_dp;
        shape.prompt = task_.sequence;
        OperationList list;
        list_operations(a_, precision_, layout, 0, shape, list);
        Pass pass;
        for (const Operation& op : list) add(op, pass);
        add_elementwise(pass);
        add_mtp(pass);
        const Seconds launched = constants_.host_per_layer * static_cast<double>(a_.layers);
        pass.backward = max(pass.backward, 2 * launched);
        pass.forward = max(pass.forward, launched);
        pass.head = head();
        return pass;
    }

    void add(Operation op, Pass& pass) const {
        // A dense feed-forward leaves the tokens of a data-parallel rank where they are.
        if (op.op_class == OpClass::head || std::holds_alternative<AllGather>(op.shape)) return;
        // An exchange brings a rank the tokens of its own experts; serving engines that gather hold those of all ranks.
        if (auto* experts = std::get_if<ExpertFfn>(&op.shape))
            experts->tokens = experts->rows / experts->top_k;
        const Timed timed = operation_time(op, machine_);
        const Seconds once = timed.total * op.count;
        if (op.op_class == OpClass::communication) {
            (std::holds_alternative<ExpertAllToAll>(op.shape) ? pass.exchange : pass.tensor) += 2 * once;
            return;
        }
        const auto* gemm = std::get_if<Gemm>(&op.shape);
        const bool fp8 = gemm != nullptr && info(gemm->weights).unit == MathUnit::fp8;
        const Seconds kept = once / (fp8 ? constants_.sustained_fp8 : constants_.sustained);
        pass.forward += kept;
        const bool core = op.op_class == OpClass::attention || op.op_class == OpClass::recurrent;
        pass.backward += kept * (core ? constants_.attention_backward : 2.0);
    }

    /// What fused kernels of serving do not do: inner activations written and read again by the backward pass.
    void add_elementwise(Pass& pass) const {
        const double bytes = 2 * tokens_of_rank(layout_, task_) *
                             (constants_.activation_passes * inner_width(a_, layout_) +
                              constants_.permute_passes * routed_width(a_) / layout_.tp);
        const Seconds all{bytes / machine_.memory_bandwidth().value()};
        pass.forward += all / 3.0;
        pass.backward += all * (2.0 / 3);
    }

    /// A module that predicts further tokens is a layer more.
    void add_mtp(Pass& pass) const {
        if (a_.mtp.count == 0 || a_.layers == 0) return;
        const double more = 1 + static_cast<double>(a_.mtp.count) / a_.layers;
        pass.forward *= more;
        pass.backward *= more;
        pass.exchange *= more;
        pass.tensor *= more;
    }

    /// Logits of every token, forward and backward, and the loss over them.
    [[nodiscard]] Seconds head() const {
        const double rows = tokens_of_rank(layout_, task_);
        const double width = static_cast<double>(a_.vocabulary) / layout_.tp;
        const Operation op{"head", OpClass::head, 1,
                           Gemm{rows, width, static_cast<double>(a_.hidden), DType::bf16}};
        const Seconds product = 3 * operation_time(op, machine_).total / constants_.sustained;
        const Seconds loss{12 * rows * width /
                           machine_.memory_bandwidth().value()};   // logits in bf16 and fp32
        return (1.0 + a_.mtp.count) * (product + loss);
    }

    /// Bytes/s of a collective over so many ranks, neighbours of which lie `stride` GPUs apart: every rank of a node
    /// drives its own NIC, so a ring over nodes is as fast as all of them together, at most as the links.
    [[nodiscard]] double rate(double ranks, double stride) const {
        const Cluster& c = *machine_.cluster;
        const double link = machine_.link_bandwidth().value() * constants_.network_share;
        if (ranks * stride <= c.domain) return link;
        const double local = std::max(1.0, c.domain / stride);
        return std::min(link, c.nic_bandwidth.value() * local * constants_.network_share);
    }

    /// Seconds to move `bytes` per parameter of one rank's share through its data-parallel group.
    [[nodiscard]] Seconds moved(double bytes) const {
        const Weights w = weights_of_rank(a_, layout_);
        const double dp = layout_.dp();
        const double experts_dp = moecost::experts_dp(layout_);
        const double stride = layout_.tp * layout_.cp;
        double seconds = 0;
        if (dp > 1) seconds += bytes * w.dense / layout_.pp * (dp - 1) / dp / rate(dp, stride);
        if (experts_dp > 1) {
            const double far = std::max<double>(layout_.ep, 1);
            seconds += bytes * w.experts / layout_.pp * (experts_dp - 1) / experts_dp / rate(experts_dp, far);
        }
        return Seconds{seconds};
    }

    [[nodiscard]] Seconds reduction(const TrainingStep& s, double micro_batches) const {
        const double rounds = layout_.sharded ? micro_batches : 1;
        const Seconds backward = (s.backward + s.recompute) / micro_batches;
        const Seconds forward = s.forward / micro_batches;
        const Seconds scattered = moved(constants_.gradient_bytes);
        const Seconds gathered = moved(2);
        const double gathers = layout_.sharded ? 2 : 1;   // again for the backward pass
        const Seconds behind = max(scattered + (gathers - 1) * gathered - backward, Seconds{0});
        return rounds * (behind + max(gathered - forward, Seconds{0}));
    }

    [[nodiscard]] Seconds update() const {
        const Weights w = weights_of_rank(a_, layout_);
        const double own =
            (w.dense / std::max(1, layout_.dp()) + w.experts / experts_dp(layout_)) / layout_.pp;
        return Seconds{constants_.update_bytes * own / machine_.memory_bandwidth().value()};
    }

    const Architecture& a_;
    const Precision& precision_;
    const CalibratedHardware& machine_;
    const TrainingConstants& constants_;
    const TrainingLayout& layout_;
    const TrainingTask& task_;
};

std::optional<Infeasible> layout_problem_of(const Architecture& a, const TrainingLayout& l,
                                            const TrainingTask& task) {
    const auto no = [](std::string_view reason, std::string_view what, double needed, double found) {
        return Infeasible{reason, what, "", needed, found};
    };
    if (l.gpus % (l.tp * l.pp * l.cp) != 0)
        return no("the GPUs are no multiple of tensor x pipeline x context parallelism", "GPUs",
                  l.tp * l.pp * l.cp, l.gpus);
    if (l.pp > a.layers) return no("more pipeline stages than layers", "stages", a.layers, l.pp);
    const MoeFfn* moe = experts_of(a);
    if (l.ep > 1 && (moe == nullptr || moe->experts % l.ep != 0))
        return no("expert parallelism does not divide the experts", "experts", l.ep,
                  moe != nullptr ? moe->experts : 0);
    const int stage = l.gpus / l.pp;
    if (l.ep > 1 && stage % l.ep != 0)
        return no("expert parallelism does not divide the GPUs of a stage", "GPUs", l.ep, stage);
    if (task.batch < l.dp() * l.micro_batch)
        return no("the batch holds less than one micro-batch for each replica", "sequences",
                  l.dp() * l.micro_batch, task.batch);
    return layout_problem(a, layout_of(l));
}

}   // namespace

TrainingConstants load_training_constants(const DataStore& data) {
    const Document document = data.open("hwmodels", "training", "training constants");
    const Reader r(document);
    r.allow_only({"sustained", "sustained_fp8", "permute_passes", "attention_backward", "host_per_layer_us",
                  "network_share", "gradient_bytes", "optimiser_bytes", "update_bytes", "activation_passes",
                  "memory_share", "sources"});
    TrainingConstants c;
    c.sustained = r.number("sustained", fraction);
    c.sustained_fp8 = r.number("sustained_fp8", positive);
    c.permute_passes = r.number("permute_passes", non_negative);
    c.attention_backward = r.number("attention_backward", positive);
    c.host_per_layer = Seconds{1e-6 * r.number("host_per_layer_us", non_negative)};
    c.network_share = r.number("network_share", fraction);
    c.gradient_bytes = r.number("gradient_bytes", positive);
    c.optimiser_bytes = r.number("optimiser_bytes", positive);
    c.update_bytes = r.number("update_bytes", positive);
    c.activation_passes = r.number("activation_passes", non_negative);
    c.memory_share = r.number("memory_share", fraction);
    return c;
}

Bytes training_memory(const Architecture& a, const TrainingConstants& c, const TrainingLayout& l,
                      const TrainingTask& task) {
    const Weights w = weights_of_rank(a, l);
    // The ranks that hold the same part share its states; those of an expert are fewer, by the ranks that split the experts.
    const double own = (w.dense + w.experts) / l.pp;
    const double shared = (w.dense / std::max(1, l.dp()) + w.experts / experts_dp(l)) / l.pp;
    const double states = l.sharded ? shared * (2 + c.gradient_bytes + c.optimiser_bytes)
                                    : own * (2 + c.gradient_bytes) + shared * c.optimiser_bytes;
    // Of a token in a layer, bf16: inputs of both norms and of the products, attention in and out, inner widths three times
    // (gate, up, product); experts keep the tokens that came to them.
    const MoeFfn* moe = experts_of(a);
    const double received = moe != nullptr ? moe->top_k : 0;
    const double layer = 2 * (4.0 * a.hidden / l.tp + received * a.hidden / std::max(1, l.ep > 1 ? 1 : l.tp));
    const double all = a.layers * layer + 2 * (2 * attention_width(a) / l.tp + 3 * inner_width(a, l));
    const double kept = l.recompute ? 2.0 * a.hidden / l.tp * a.layers + all / a.layers : all;
    // The first stage holds as many micro-batches as there are stages, each a pp-th of the layers.
    const double in_flight = 1 + (l.virtual_stages > 1 ? 0.5 : 0);
    const double tokens = tokens_of_rank(l, task);
    const double logits = 6.0 * tokens * a.vocabulary / l.tp / (l.pp > 1 ? l.pp : 1);
    return Bytes{states + tokens * kept * in_flight + logits};
}

Expected<TrainingStep> training_step(const Architecture& a, const Precision& precision,
                                     const CalibratedHardware& machine, const TrainingConstants& constants,
                                     const TrainingLayout& layout, const TrainingTask& task,
                                     bool unchecked_memory) {
    if (const auto why = layout_problem_of(a, layout, task)) return *why;
    const Bytes room = constants.memory_share * machine.cluster->gpu.memory;
    const Bytes needed = training_memory(a, constants, layout, task);
    if (!unchecked_memory && needed > room)
        return Infeasible{"training does not fit into the memory of a GPU", "memory", "bytes", needed.value(),
                          room.value()};
    return Trainer(a, precision, machine, constants, layout, task).step();
}

}   // namespace moecost
