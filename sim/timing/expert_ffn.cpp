// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/expert_ffn.h"

#include "moecost/base/numerics.h"
#include "moecost/timing/roofline.h"

namespace moecost {

Timed expert_ffn_time(const ExpertFfn& op, const MoeTable& table, const CalibratedHardware& machine) {
    Work ideal_work = work(op);
    ideal_work.unit = table.unit;
    const double bandwidth = machine.memory_bandwidth().value();
    const double matrices = op.matrices * op.hidden * op.width * op.distinct;   // weight elements read
    const double rows_per_expert = op.rows / op.distinct;
    const double partial = machine.profile->kernels->law.partial_tile * table.tile_rows;
    const double padded = rows_per_expert > table.tile_rows ? rows_per_expert + partial : table.tile_rows;
    const double narrow =
        op.width / (op.width + table.width_knee) * op.hidden / (op.hidden + table.hidden_knee);

    const double factor = machine.profile->serving.expert_factor;
    Timed t;
    t.compute =
        factor * Seconds{2 * matrices * padded / (table.compute * machine.peak(table.unit).value() * narrow)};
    t.memory = factor * Seconds{matrices * bytes_per_element(op.weights) / (table.memory * bandwidth)};
    const Seconds gemms = p_norm(t.compute, t.memory, table.overlap_exponent);
    const double permuted = table.routed_traffic * op.rows * (4 * op.hidden + 6 * op.width) +
                            table.global_traffic * 4 * op.hidden * op.tokens * op.top_k;
    const Seconds permute = factor * Seconds{permuted / bandwidth};
    t.memory += permute;
    t.floor = machine.served_floor(table.floor) + factor * (table.token_log * fast_log2(1 + op.tokens));
    t.total = t.floor + gemms + permute;
    t.provenance = in_range(op.tokens <= table.tokens.high && !machine.kernels.experts_borrowed);
    raise_to_roofline(t, roofline(ideal_work, machine));
    return t;
}

Timed expert_ffn_time(const ExpertFfn& op, const CalibratedHardware& machine) {
    Timed best;
    best.total = Seconds{1e300};
    const auto offer = [&](const ExpertFfn& shape, DType format) {
        for (const MoeTable& table : machine.profile->kernels->moe) {
            if (!runs_experts(table, format, machine.cluster->gpu)) continue;
            const Timed t = expert_ffn_time(shape, table, machine);
            if (t.total < best.total) best = t;
        }
    };
    offer(op, machine.kernels.experts);
    if (machine.kernels.experts != DType::fp8) return best;
    // One slow kernel of per-tensor fp8 was timed on Hopper; an engine runs such experts as it runs blocks of scales, and
    // no slower than bf16 ones.
    offer(op, DType::fp8_block);
    ExpertFfn wide = op;
    wide.weights = DType::bf16;
    offer(wide, DType::bf16);
    return best;
}

}   // namespace moecost
