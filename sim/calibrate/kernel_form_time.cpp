// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/kernel_form.h"
#include "moecost/timing/attention.h"
#include "moecost/timing/collective.h"
#include "moecost/timing/expert_ffn.h"
#include "moecost/timing/gemm.h"

namespace moecost {
namespace {

Seconds us(double microseconds) { return Seconds{microseconds * 1e-6}; }

AllToAllTable all_to_all_table(const KernelForm& form, std::span<const double> x) {
    AllToAllTable t;
    t.mode = form.mode;
    t.nodes = form.nodes;
    t.dispatch_bandwidth = t.combine_bandwidth = BytesPerSecond{1e300};   // takes no time
    (form.combine ? t.combine : t.dispatch) = us(x[0]);
    (form.combine ? t.combine_bandwidth : t.dispatch_bandwidth) = BytesPerSecond{x[1] * 1e9};
    (form.combine ? t.combine_log : t.dispatch_log) = us(x[2]);
    return t;
}

struct SecondsOf {
    const CalibratedHardware& machine;
    const KernelTables& tables;

    Seconds operator()(const Gemm& op) const { return gemm_time(op, tables.gemm[0], machine).total; }
    Seconds operator()(const ExpertFfn& op) const {
        return expert_ffn_time(op, tables.moe[0], machine).total;
    }
    Seconds operator()(const DecodeAttention& op) const {
        return decode_attention_time(op, tables.decode_attention[0], machine).total;
    }
    Seconds operator()(const PrefillAttention& op) const {
        const auto& t = op.latent ? tables.mla_prefill : tables.prefill_attention;
        return prefill_attention_time(op, t[0], machine).total;
    }
    Seconds operator()(const MlaDecode& op) const {
        return mla_decode_time(op, tables.mla_decode[0], machine).total;
    }
    Seconds operator()(const AllReduce& op) const { return all_reduce_time(op, machine).total; }
    Seconds operator()(const ExpertAllToAll& op) const { return expert_all_to_all_time(op, machine).total; }
    template <class Other>
    Seconds operator()(const Other&) const {
        return Seconds{0};   // no table of kernels holds it
    }
};

}   // namespace

KernelTables tables_of(const KernelForm& form, std::span<const double> x, const Ranges& r) {
    KernelTables t;
    switch (form.op) {
        case KernelOp::gemm:
            t.gemm.push_back({form.format,
                              us(x[0]),
                              us(x[1]),
                              x[2],
                              x[3],
                              x[4],
                              x[5],
                              x[6],
                              x[7],
                              r.of("m"),
                              r.of("n"),
                              r.of("k"),
                              {}});
            break;
        case KernelOp::moe:
            t.moe.push_back({form.format,
                             form.unit,
                             {},
                             us(x[0]),
                             x[1],
                             x[2],
                             x[3],
                             x[4],
                             x[5],
                             x[6],
                             x[7],
                             x[8],
                             us(x[9]),
                             r.of("tokens"),
                             {}});
            break;
        case KernelOp::decode_attention:
            t.decode_attention.push_back({form.format,
                                          us(x[0]),
                                          x[1],
                                          x[2],
                                          x[3],
                                          us(x[4]),
                                          x[5],
                                          x[6],
                                          r.of("batch"),
                                          r.of("context"),
                                          {}});
            break;
        case KernelOp::prefill_attention:
            t.prefill_attention.push_back(
                {form.format, us(x[0]), x[1], x[2], x[3], x[4], x[5], r.of("isl"), {}, form.query});
            break;
        case KernelOp::mla_decode:
            t.mla_decode.push_back(
                {form.format, us(x[0]), x[1], x[2], x[3], us(x[4]), r.of("batch"), r.of("context"), {}});
            break;
        case KernelOp::mla_prefill:
            t.mla_prefill.push_back(
                {form.format, us(x[0]), x[1], x[2], x[3], x[4], x[5], r.of("isl"), {}, DType::bf16});
            break;
        case KernelOp::all_reduce:
            t.all_reduce.push_back(
                {us(x[0]), x[1], us(x[2]), x[3], us(x[4]), r.of("bytes"), r.of("gpus"), {}});
            break;
        case KernelOp::all_to_all:
            t.all_to_all.push_back(all_to_all_table(form, x));
            break;
    }
    return t;
}

void predict(const KernelForm& form, const KernelTables& tables, std::span<const OpShape> operations,
             std::span<double> seconds) {
    Profile isolated;
    isolated.serving.floor_cap = Seconds{1};   // floors as they were timed
    isolated.kernels = tables;
    const CalibratedHardware machine{&form.cluster, &isolated, {}};
    const SecondsOf time{machine, *isolated.kernels};
    for (std::size_t i = 0; i < operations.size(); ++i) seconds[i] = std::visit(time, operations[i]).value();
}

}   // namespace moecost
