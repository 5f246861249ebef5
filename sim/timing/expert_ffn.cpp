// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/expert_ffn.h"

#include <algorithm>

#include "moecost/base/numerics.h"
#include "moecost/timing/roofline.h"

namespace moecost {

ExpertTablePlan::ExpertTablePlan(const ExpertFfn& op, const MoeTable& table,
                                 const CalibratedHardware& machine)
    : tile_rows_(table.tile_rows),
      partial_rows_(machine.profile->kernels->law.partial_tile * table.tile_rows),
      corner_(table.overlap_exponent),
      most_tokens_(machine.kernels.experts_borrowed ? -1 : table.tokens.high) {
    const double factor = machine.profile->serving.expert_factor;
    const double bandwidth = machine.memory_bandwidth().value();
    const double peak = machine.peak(table.unit).value();
    const double weights = op.matrices * op.hidden * op.width;   // elements of an expert
    const double narrow =
        op.width / (op.width + table.width_knee) * op.hidden / (op.hidden + table.hidden_knee);
    row_compute_ = factor * 2 * weights / (table.compute * peak * narrow);
    expert_memory_ = factor * weights * bytes_per_element(op.weights) / (table.memory * bandwidth);
    row_permute_ = factor * table.routed_traffic * (4 * op.hidden + 6 * op.width) / bandwidth;
    token_permute_ = factor * table.global_traffic * 4 * op.hidden * op.top_k / bandwidth;
    floor_ = machine.served_floor(table.floor).value();
    token_log_ = factor * table.token_log.value();
    ExpertFfn one = op;   // row and expert: the work is linear in both
    one.rows = 1;
    one.distinct = 1;
    const Work w = work(one);
    ideal_row_ = (w.flop / machine.peak(table.unit)).value();
    ideal_expert_ = (w.weights / machine.memory_bandwidth()).value();
    ideal_row_memory_ = (w.activations / machine.memory_bandwidth()).value();
}

Timed ExpertTablePlan::time(const ExpertFfn& op, double log_tokens) const {
    const double arithmetic = compute(op);
    const double memory = expert_memory_ * op.distinct;
    const double permuted = permute(op);
    Timed t;
    t.ideal_compute = Seconds{ideal_row_ * op.rows};
    t.ideal_memory = Seconds{ideal_expert_ * op.distinct + ideal_row_memory_ * op.rows};
    t.ideal_total = max(t.ideal_compute, t.ideal_memory);
    t.compute = max(Seconds{arithmetic}, t.ideal_compute);
    t.memory = max(Seconds{memory + permuted}, t.ideal_memory);
    t.floor = Seconds{floor_ + token_log_ * log_tokens};
    t.total = max(t.floor + Seconds{p_norm(arithmetic, memory, corner_) + permuted}, t.ideal_total);
    t.provenance = in_range(op.tokens <= most_tokens_);
    return t;
}

double ExpertTablePlan::least(const ExpertFfn& op, double log_tokens) const {
    return floor_ + token_log_ * log_tokens + std::max(compute(op), expert_memory_ * op.distinct) +
           permute(op);
}

Timed expert_ffn_time(const ExpertFfn& op, const MoeTable& table, const CalibratedHardware& machine) {
    return ExpertTablePlan(op, table, machine).time(op, fast_log2(1 + op.tokens));
}

void ExpertPlan::offer(const ExpertFfn& op, DType format, const CalibratedHardware& machine) {
    for (const MoeTable& table : machine.profile->kernels->moe) {
        if (runs_experts(table, format, machine.cluster->gpu) && count_ < most)
            tables_[count_++] = ExpertTablePlan(op, table, machine);
    }
}

ExpertPlan::ExpertPlan(const ExpertFfn& op, const CalibratedHardware& machine) {
    offer(op, machine.kernels.experts, machine);
    if (machine.kernels.experts != DType::fp8) return;
    // One slow kernel of per-tensor fp8 was timed on Hopper; an engine runs such experts as it runs blocks of scales, and
    // no slower than bf16 ones.
    offer(op, DType::fp8_block, machine);
    ExpertFfn wide = op;
    wide.weights = DType::bf16;
    offer(wide, DType::bf16, machine);
}

Timed ExpertPlan::time(const ExpertFfn& op) const {
    const double log_tokens = fast_log2(1 + op.tokens);
    std::array<double, most> least{};
    for (std::size_t i = 0; i < count_; ++i) least[i] = tables_[i].least(op, log_tokens);
    // The table with the least bound comes first: few others can beat it.
    const auto first =
        static_cast<std::size_t>(std::min_element(least.begin(), least.begin() + count_) - least.begin());
    Timed best;
    best.total = Seconds{1e300};
    if (count_ > 0) best = tables_[first].time(op, log_tokens);
    for (std::size_t i = 0; i < count_; ++i) {
        if (i == first || least[i] >= best.total.value()) continue;
        const Timed t = tables_[i].time(op, log_tokens);
        if (t.total < best.total) best = t;
    }
    return best;
}

Timed expert_ffn_time(const ExpertFfn& op, const CalibratedHardware& machine) {
    return ExpertPlan(op, machine).time(op);
}

}   // namespace moecost
