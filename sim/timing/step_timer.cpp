// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/step_timer.h"

#include <algorithm>

namespace moecost {
namespace {

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

StepTimer::StepTimer(const Architecture& architecture, const Precision& precision, const Layout& layout,
                     const CalibratedHardware& machine, Phase phase, KeptPlan kept)
    : architecture_(architecture),
      precision_(precision),
      layout_(layout),
      machine_(machine),
      phase_(phase),
      skew_(expert_skew(layout, machine)),
      kept_(kept) {}

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

StepPlan& StepTimer::plan() {
    StepPlan& p = kept_.plan != nullptr ? *kept_.plan : own_;
    if (!p.built()) p.build(architecture_, precision_, layout_, machine_, phase_, kept_.gemms, few_);
    return p;
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
    step.extrapolated = factor * step.extrapolated;
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
    step.extrapolated = min(2 * step.extrapolated, step.total);
    step.compute_busy = 2 * step.compute_busy;
    step.memory_busy = 2 * step.memory_busy;
    step.roofline = min(2 * step.roofline, step.total);
    return step;
}

/// All operations one by one, or their cores alone.
void StepTimer::add_listed(const StepShape& part, Listed listed, StepSums& sums) {
    list_operations(architecture_, precision_, layout_, skew_, part, operations_, listed);
    const bool as_isolated = listed == Listed::cores && phase_ == Phase::both;
    for (const Operation& op : operations_) {
        const Timed isolated = operation_time(op, machine_);
        sums.add(as_isolated ? isolated : served_as(op, layout_, machine_, phase_)(isolated), op.op_class,
                 op.count);
    }
}

void StepTimer::add_planned(const StepShape& part, StepSums& sums) {
    const StepContext step(architecture_, precision_, layout_, skew_, part, Listed::scaling);
    if (!drafts_itself(architecture_, part)) return plan().add(step, nullptr, 0, machine_, sums);
    const StepShape shape = draft_shape(part);
    const StepContext draft(architecture_, precision_, layout_, skew_, shape, Listed::scaling);
    plan().add(step, &draft, part.queries - 1, machine_, sums);
}

StepTime StepTimer::kernels(const StepShape& part) {
    StepSums sums;
    if (machine_.profile->kernels) {
        add_planned(part, sums);
        add_listed(part, Listed::cores, sums);
    } else {
        add_listed(part, Listed::all, sums);
    }
    return step_of(sums);
}

StepTime StepTimer::step_of(const StepSums& sums) const {
    StepTime step;
    step.provenance = machine_.profile->basis;
    for (std::size_t i = 0; i < sums.by_class.size(); ++i) step.by_class[i] = Seconds{sums.by_class[i]};
    step.compute_busy = Seconds{sums.compute};
    step.memory_busy = Seconds{sums.memory};
    step.roofline = Seconds{sums.roofline};
    Seconds& shared = step.by_class[static_cast<std::size_t>(OpClass::shared_experts)];
    if (machine_.profile->kernels && shared.value() > 0) {
        const Seconds routed = step.by_class[static_cast<std::size_t>(OpClass::routed_experts)];
        shared -= shared_expert_credit(shared, routed, Seconds{sums.experts_roofline},
                                       machine_.profile->kernels->assumed.shared_expert_overlap);
    }
    for (const Seconds s : step.by_class) step.total += s;
    step.extrapolated = min(Seconds{sums.extrapolated}, step.total);
    // Without kernel tables nothing was fitted, and nothing is extrapolated.
    const double noticeable =
        machine_.profile->kernels ? machine_.profile->kernels->law.noticeable_extrapolation : 1;
    if (sums.extrapolated > noticeable * step.total.value())
        step.provenance = weaker(step.provenance, Provenance::extrapolated);
    return step;
}

std::vector<TimedOperation> StepTimer::explain(const StepShape& shape) {
    list_operations(architecture_, precision_, layout_, skew_, micro_batch(shape), operations_);
    std::vector<TimedOperation> result;
    result.reserve(operations_.size());
    Seconds total = host_time(micro_batch(shape));
    Seconds roofline;
    for (const Operation& op : operations_) {
        const ServedKernel served = served_as(op, layout_, machine_, phase_);
        result.push_back(TimedOperation{op, work(op), served(operation_time(op, machine_))});
        total += result.back().timed.total * op.count;
        roofline += result.back().timed.ideal_total * op.count;
    }
    const double factor = paced(total, roofline, machine_.profile->serving.pace);
    for (TimedOperation& op : result) op.timed = stretched(op.timed, factor);
    return result;
}

}   // namespace moecost
