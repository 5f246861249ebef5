// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/step_timer.h"

#include <algorithm>

#include "moecost/ops/routing.h"
#include "moecost/timing/attention.h"
#include "moecost/timing/collective.h"
#include "moecost/timing/expert_ffn.h"
#include "moecost/timing/gemm.h"
#include "moecost/timing/roofline.h"

namespace moecost {
namespace {

double launches(const Elementwise& op, const SmallLaunches& of) {
    switch (op.beside) {
        case MixerClass::grouped:
            return of.grouped;
        case MixerClass::grouped_qk_norm:
            return of.grouped_qk_norm;
        case MixerClass::compressed:
            return of.compressed;
        case MixerClass::sparse:
            return of.sparse;
    }
    return 0;
}

/// Norms, rope, quantisation and cache writes: their bytes, and a launch each.
Timed small_ops_time(const Elementwise& op, const CalibratedHardware& machine) {
    const Timed ideal = roofline(work(op), machine);
    Timed t;
    t.memory = Seconds{machine.profile->kernels->assumed.small_op_passes * op.rows * op.hidden * 2} /
               machine.memory_bandwidth().value();
    t.floor =
        machine.profile->serving.small_kernel * launches(op, machine.profile->kernels->law.small_launches);
    t.total = t.floor + t.memory;
    raise_to_roofline(t, ideal);
    return t;
}

struct TimeOf {
    const CalibratedHardware& m;
    Timed operator()(const Gemm& op) const { return GemmPlan(op, m).time(op.m); }
    Timed operator()(const ExpertFfn& op) const { return expert_ffn_time(op, m); }
    Timed operator()(const DecodeAttention& op) const {
        return decode_attention_time(op, *m.kernels.decode_attention, m);
    }
    Timed operator()(const PrefillAttention& op) const {
        return prefill_attention_time(op, op.latent ? *m.kernels.mla_prefill : *m.kernels.prefill_attention,
                                      m);
    }
    Timed operator()(const MlaDecode& op) const { return mla_decode_time(op, *m.kernels.mla_decode, m); }
    Timed operator()(const MlaAbsorb& op) const { return mla_absorb_time(op, m); }
    Timed operator()(const MlaExpand& op) const { return mla_expand_time(op, m); }
    Timed operator()(const IndexScore& op) const { return index_score_time(op, m); }
    Timed operator()(const RecurrentDecode& op) const { return recurrent_time(op, m); }
    Timed operator()(const RecurrentPrefill& op) const { return recurrent_time(op, m); }
    Timed operator()(const Elementwise& op) const { return small_ops_time(op, m); }
    Timed operator()(const AllReduce& op) const { return all_reduce_time(op, m); }
    Timed operator()(const AllGather& op) const { return token_gather_time(op, m); }
    Timed operator()(const ExpertAllToAll& op) const { return expert_all_to_all_time(op, m); }
    Timed operator()(const PipelineSend& op) const { return stage_send_time(op, m); }
};

/// Part of the shared expert hides behind the routed ones, but both together never beat their bytes and FLOP.
Seconds shared_expert_credit(Seconds shared, Seconds routed, Seconds roofline_of_both, double overlap) {
    const Seconds slack = max(shared + routed - roofline_of_both, Seconds{0});
    return min(shared * overlap, slack);
}

/// All of a step takes `pace` times as long, but never less than its roofline.
double paced(Seconds total, Seconds roofline, double pace) {
    return pace == 1 || !(total.value() > 0) ? 1 : max(pace * total, min(roofline, total)) / total;
}

}   // namespace

Timed operation_time(const Operation& op, const CalibratedHardware& machine) {
    if (!machine.profile->kernels) return roofline(work(op), machine);
    return std::visit(TimeOf{machine}, op.shape);
}

StepTimer::StepTimer(const Architecture& architecture, const Precision& precision, const Layout& layout,
                     const CalibratedHardware& machine, Phase phase)
    : architecture_(architecture), precision_(precision), layout_(layout), machine_(machine), phase_(phase) {}

double StepTimer::skew() const {
    const double popular = machine_.profile->serving.expert_skew;
    return layout_.all_to_all() ? balanced_skew(popular, machine_.profile->pools.wide.balance) : popular;
}

double StepTimer::experts_factor(const Operation& op) const {
    const WideLaw& wide = machine_.profile->pools.wide;
    const PhaseLaw& alone = machine_.profile->pools.alone;
    if (phase_ == Phase::both) return layout_.all_to_all() ? wide.experts : 1;
    const auto* experts = std::get_if<ExpertFfn>(&op.shape);
    const bool mxfp4 = experts != nullptr && experts->weights == DType::mxfp4 &&
                       machine_.cluster->gpu.peak_of(MathUnit::fp4).value() > 0;
    return (layout_.all_to_all() ? wide.experts : alone.experts) * (mxfp4 ? alone.mxfp4 : 1);
}

Timed StepTimer::served(const Operation& op, Timed t) const {
    const PhaseLaw& alone = machine_.profile->pools.alone;
    const bool apart = phase_ != Phase::both;
    if (!machine_.profile->kernels || !(apart || layout_.all_to_all())) return t;
    if (op.op_class == OpClass::routed_experts) return stretched(t, experts_factor(op));
    if (std::holds_alternative<ExpertAllToAll>(op.shape))
        return stretched(t, machine_.profile->pools.wide.all_to_all);
    if (!apart) return t;
    const auto* reduce = std::get_if<AllReduce>(&op.shape);
    if (reduce == nullptr || reduce->ranks <= machine_.cluster->domain) return stretched(t, alone.step);
    t.floor += alone.across_domains;
    t.total += alone.across_domains;
    return t;
}

StepShape StepTimer::micro_batch(const StepShape& shape) const {
    if (layout_.pp == 1) return shape;
    StepShape part = shape;
    const double stages = layout_.pp;
    // Fewer sequences than stages leave stages idle; they do not shrink below one sequence.
    part.decode_sequences = std::max(shape.decode_sequences / stages, std::min(shape.decode_sequences, 1.0));
    part.prefill_tokens = shape.prefill_tokens / stages;
    return part;
}

Seconds StepTimer::host_time(const StepShape& shape) const {
    const ServingConstants& s = machine_.profile->serving;
    const Seconds each = streaming_ ? s.host_per_sequence + s.stream_per_sequence : s.host_per_sequence;
    const Seconds always = s.host + each * (shape.decode_sequences * shape.queries / layout_.attention_dp);
    return shape.prefill_tokens > 0 && !s.compiled
               ? always + s.prompt_step + s.prompt_step_layer * architecture_.layers
               : always;
}

Seconds StepTimer::late_launches(Seconds kernels) const {
    const ServingConstants& s = machine_.profile->serving;
    if (!s.compiled) return Seconds{0};
    return max(s.prompt_step + s.prompt_step_layer * architecture_.layers - kernels, Seconds{0});
}

Timed StepTimer::time_of(const Operation& op, std::size_t& gemms) {
    const auto* gemm = std::get_if<Gemm>(&op.shape);
    if (gemm == nullptr || !machine_.profile->kernels) return operation_time(op, machine_);
    const std::size_t i = gemms++;
    if (i < gemm_plans_.size() && gemm_plans_[i].fits(*gemm)) return gemm_plans_[i].time(gemm->m);
    const GemmPlan plan(*gemm, machine_);
    if (i < gemm_plans_.size())
        gemm_plans_[i] = plan;
    else
        gemm_plans_.push_back(plan);
    return plan.time(gemm->m);
}

StepTime StepTimer::time(const StepShape& shape) {
    const StepShape part = micro_batch(shape);
    StepTime step = layout_.batch_overlap ? overlapped(part) : kernels(part);
    Seconds& host = step.by_class[static_cast<std::size_t>(OpClass::host)];
    host = host_time(part) + late_launches(step.total);
    step.total += host;
    const double factor = paced(step.total, step.roofline, machine_.profile->serving.pace);
    for (Seconds& s : step.by_class) s = factor * s;
    step.total = factor * step.total;
    return step;
}

StepTime StepTimer::overlapped(StepShape part) {
    part.decode_sequences /= 2;
    part.prefill_tokens /= 2;
    StepTime step = kernels(part);
    Seconds& travel = step.by_class[static_cast<std::size_t>(OpClass::communication)];
    const Seconds compute = 2 * machine_.profile->pools.wide.straggler * (step.total - travel);
    for (Seconds& s : step.by_class) s = 2 * s;
    // What is left of communication is what no computing hides.
    travel = max(travel - compute, Seconds{0});
    step.total = compute + travel;
    step.compute_busy = 2 * step.compute_busy;
    step.memory_busy = 2 * step.memory_busy;
    step.roofline = min(2 * step.roofline, step.total);
    return step;
}

StepTime StepTimer::kernels(const StepShape& part) {
    list_operations(architecture_, precision_, layout_, skew(), part, operations_);
    StepTime step;
    step.provenance = machine_.profile->basis;
    Seconds experts_roofline;
    Seconds extrapolated;
    std::size_t gemms = 0;
    for (const Operation& op : operations_) {
        const Timed timed = served(op, time_of(op, gemms));
        step.by_class[static_cast<std::size_t>(op.op_class)] += timed.total * op.count;
        step.compute_busy += timed.ideal_compute * op.count;
        step.memory_busy += timed.ideal_memory * op.count;
        step.roofline += timed.ideal_total * op.count;
        if (timed.provenance == Provenance::extrapolated) extrapolated += timed.total * op.count;
        if (op.op_class == OpClass::routed_experts || op.op_class == OpClass::shared_experts) {
            experts_roofline += timed.ideal_total * op.count;
        }
    }
    Seconds& shared = step.by_class[static_cast<std::size_t>(OpClass::shared_experts)];
    if (machine_.profile->kernels && shared.value() > 0) {
        const Seconds routed = step.by_class[static_cast<std::size_t>(OpClass::routed_experts)];
        shared -= shared_expert_credit(shared, routed, experts_roofline,
                                       machine_.profile->kernels->assumed.shared_expert_overlap);
    }
    for (const Seconds s : step.by_class) step.total += s;
    // Without kernel tables nothing was fitted, and nothing is extrapolated.
    const double noticeable =
        machine_.profile->kernels ? machine_.profile->kernels->law.noticeable_extrapolation : 1;
    if (extrapolated > noticeable * step.total)
        step.provenance = weaker(step.provenance, Provenance::extrapolated);
    return step;
}

std::vector<TimedOperation> StepTimer::explain(const StepShape& shape) {
    list_operations(architecture_, precision_, layout_, skew(), micro_batch(shape), operations_);
    std::vector<TimedOperation> result;
    result.reserve(operations_.size());
    Seconds total = host_time(micro_batch(shape));
    Seconds roofline;
    for (const Operation& op : operations_) {
        result.push_back(TimedOperation{op, work(op), served(op, operation_time(op, machine_))});
        total += result.back().timed.total * op.count;
        roofline += result.back().timed.ideal_total * op.count;
    }
    const double factor = paced(total, roofline, machine_.profile->serving.pace);
    for (TimedOperation& op : result) op.timed = stretched(op.timed, factor);
    return result;
}

}   // namespace moecost
