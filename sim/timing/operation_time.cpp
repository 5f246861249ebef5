// SPDX-License-Identifier: Apache-2.0
// The law of each kind of operation.
#include "moecost/timing/attention.h"
#include "moecost/timing/collective.h"
#include "moecost/timing/expert_ffn.h"
#include "moecost/timing/gemm.h"
#include "moecost/timing/roofline.h"
#include "moecost/timing/step_plan.h"

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

}   // namespace

Timed operation_time(const Operation& op, const CalibratedHardware& machine) {
    if (!machine.profile->kernels) return roofline(work(op), machine);
    return std::visit(TimeOf{machine}, op.shape);
}

}   // namespace moecost
