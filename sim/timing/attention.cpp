// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/attention.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/timing/roofline.h"
#include "moecost/timing/tiles.h"

namespace moecost {
namespace {

const AssumedEfficiencies& assumed(const CalibratedHardware& machine) {
    return machine.profile->kernels->assumed;
}

/// An operation timed by assumed efficiencies: floor + max of its terms. It has no fitted range to be inside of.
Timed assumed_time(const Work& w, const CalibratedHardware& machine, double compute, double memory,
                   Seconds floor) {
    const Timed ideal = roofline(w, machine);
    Timed t;
    t.compute = ideal.compute / compute;
    t.memory = ideal.memory / memory;
    t.floor = machine.served_floor(floor);
    t.total = t.floor + max(t.compute, t.memory);
    t.provenance = Provenance::extrapolated;
    raise_to_roofline(t, ideal);
    return t;
}

}   // namespace

Timed decode_attention_time(const DecodeAttention& op, const DecodeAttentionTable& table,
                            const CalibratedHardware& machine) {
    const double sm = machine.cluster->gpu.multiprocessors;
    const double items = op.batch * op.kv_heads * std::max(op.context / table.split_tokens, 1.0);
    const double occupancy = items >= sm ? 1 : fast_exp2(table.occupancy_power * fast_log2(items / sm));
    const double padded_heads = op.kv_heads * ceil_positive(op.q_heads / op.kv_heads / 8) * 8;
    const double dims = op.qk_dim + op.v_dim;
    const double bytes = op.batch * op.kv_heads * op.context * dims * bytes_per_element(op.cache);
    const double flop = 2 * op.batch * op.queries * padded_heads * dims * op.context;

    Timed t;
    t.memory = Seconds{bytes} / (table.memory * machine.memory_bandwidth().value() * occupancy);
    t.compute = Seconds{flop} / (table.compute * machine.peak(MathUnit::bf16).value() * occupancy);
    const double factor = machine.profile->serving.decode_attention_factor;
    t.floor = machine.served_floor(table.floor) + factor * (table.per_sequence * (op.batch * op.queries));
    t.memory = factor * t.memory;
    t.compute = factor * t.compute;
    t.total = t.floor + p_norm(t.memory, t.compute, table.overlap_exponent);
    t.provenance = in_range(op.batch <= table.batch.high && op.context <= table.context.high &&
                            !machine.kernels.cache_borrowed);
    raise_to_roofline(t, roofline(work(op), machine));
    return t;
}

Timed prefill_attention_time(const PrefillAttention& op, const PrefillAttentionTable& table,
                             const CalibratedHardware& machine) {
    const double sm = machine.cluster->gpu.multiprocessors;
    const double waves = std::max(op.tokens / 128, op.sequences) * op.q_heads / sm;
    const double quantised = waves < 1 ? 1 / waves : std::max(1 + (whole_tiles(waves) - waves) / waves, 1.0);
    const double d = (op.qk_dim + op.v_dim) / 2;
    const double efficiency = table.compute * d / (d + table.head_knee);
    const double prompt = std::max(op.prompt, machine.profile->kernels->law.least_prompt_tokens);
    const double slow = (1 + table.startup_tokens / prompt) * (1 + table.wave_tail * (quantised - 1));

    Timed t;
    t.compute = Seconds{4 * op.tokens * op.q_heads * d * op.keys * slow} /
                (efficiency * machine.peak(MathUnit::bf16).value());
    t.memory = Seconds{table.io_traffic * op.tokens * (2 * op.q_heads + 2 * op.kv_heads) * d * 2} /
                   machine.memory_bandwidth().value() +
               op.prior / machine.memory_bandwidth();
    t.floor = machine.served_floor(table.floor);
    t.total = t.floor + t.compute + t.memory;
    t.provenance = in_range(op.prompt <= table.prompt.high && !machine.kernels.cache_borrowed);
    raise_to_roofline(t, roofline(work(op), machine));
    return t;
}

Timed mla_decode_time(const MlaDecode& op, const MlaDecodeTable& table, const CalibratedHardware& machine) {
    const Work w = work(op);
    Timed t;
    t.memory = w.cache / (machine.memory_bandwidth() * table.memory);
    t.compute = w.flop / (machine.peak(MathUnit::bf16) * table.compute);
    const double factor = machine.profile->serving.decode_attention_factor;
    t.floor = machine.served_floor(table.floor) + factor * (table.per_sequence * (op.batch * op.queries));
    t.memory = factor * t.memory;
    t.compute = factor * t.compute;
    t.total = t.floor + p_norm(t.memory, t.compute, table.overlap_exponent);
    t.provenance = in_range(op.batch <= table.batch.high && op.context <= table.context.high &&
                            !machine.kernels.cache_borrowed);
    raise_to_roofline(t, roofline(w, machine));
    return t;
}

Timed mla_absorb_time(const MlaAbsorb& op, const CalibratedHardware& machine) {
    const AssumedEfficiencies& a = assumed(machine);
    const Work w = work(op);
    Timed t;
    // The products run in bf16, whatever format the weights are stored in.
    const Bytes weights{2 * op.heads * op.kv_rank * op.head_dims};
    t.memory = weights / (machine.memory_bandwidth() * a.mla_absorb_memory);
    t.compute = w.flop / (machine.peak(MathUnit::bf16) * a.mla_absorb_compute);
    t.floor = machine.served_floor(a.mla_absorb_floor);
    t.total = t.floor +
              Seconds{std::sqrt(t.memory.value() * t.memory.value() + t.compute.value() * t.compute.value())};
    t.provenance = Provenance::extrapolated;
    raise_to_roofline(t, roofline(w, machine));
    return t;
}

Timed mla_expand_time(const MlaExpand& op, const CalibratedHardware& machine) {
    return assumed_time(work(op), machine, assumed(machine).mla_absorb_compute, 1, Seconds{0});
}

Timed index_score_time(const IndexScore& op, const CalibratedHardware& machine) {
    const AssumedEfficiencies& a = assumed(machine);
    return assumed_time(work(op), machine, a.mla_absorb_compute, a.indexer_memory, a.indexer_floor);
}

Timed recurrent_time(const RecurrentDecode& op, const CalibratedHardware& machine) {
    const AssumedEfficiencies& a = assumed(machine);
    return assumed_time(work(op), machine, a.recurrent_compute, a.recurrent_memory, a.recurrent_decode_floor);
}

Timed recurrent_time(const RecurrentPrefill& op, const CalibratedHardware& machine) {
    const AssumedEfficiencies& a = assumed(machine);
    return assumed_time(work(op), machine, a.recurrent_compute, a.recurrent_memory,
                        a.recurrent_prefill_floor);
}

}   // namespace moecost
