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

    Timed t;
    t.compute = Seconds{2 * matrices * padded / (table.compute * machine.peak(table.unit).value() * narrow)};
    t.memory = Seconds{matrices * bytes_per_element(op.weights) / (table.memory * bandwidth)};
    const Seconds gemms = p_norm(t.compute, t.memory, table.overlap_exponent);
    const double permuted = table.routed_traffic * op.rows * (4 * op.hidden + 6 * op.width) +
                            table.global_traffic * 4 * op.hidden * op.tokens * op.top_k;
    const Seconds permute{permuted / bandwidth};
    t.memory += permute;
    t.floor = machine.served_floor(table.floor) + table.token_log * fast_log2(1 + op.tokens);
    t.total = t.floor + gemms + permute;
    t.provenance = in_range(op.tokens <= table.tokens.high && !machine.kernels.experts_borrowed);
    raise_to_roofline(t, roofline(ideal_work, machine));
    return t;
}

Timed expert_ffn_time(const ExpertFfn& op, const CalibratedHardware& machine) {
    Timed best;
    best.total = Seconds{1e300};
    for (const MoeTable& table : machine.profile->kernels->moe) {
        if (!runs_experts(table, machine.kernels.experts, machine.cluster->gpu)) continue;
        const Timed t = expert_ffn_time(op, table, machine);
        if (t.total < best.total) best = t;
    }
    return best;
}

}   // namespace moecost
