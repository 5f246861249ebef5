// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/kernel_form.h"
#include "moecost/hardware/profile/fields.h"
#include "moecost/timing/attention.h"
#include "moecost/timing/collective.h"
#include "moecost/timing/expert_ffn.h"
#include "moecost/timing/gemm.h"

namespace moecost {
namespace {

/// Archive that takes from a fit what it knows of a table: parameters by their key in a profile, and the ranges of the
/// rows. Fields that no row shows keep their values.
struct FittedFields {
    std::span<const FormParameter> parameters;
    std::span<const double> x;
    const Ranges& ranges;

    [[nodiscard]] const double* value_of(std::string_view key) const {
        for (std::size_t j = 0; j < parameters.size(); ++j) {
            if (parameters[j].name == key) return &x[j];
        }
        return nullptr;
    }
    void number(std::string_view key, double& field, Range) {
        if (const double* value = value_of(key)) field = *value;
    }
    template <class Quantity>
    void quantity(std::string_view key, Quantity& field, double unit, Range) {
        if (const double* value = value_of(key)) field = Quantity{*value * unit};
    }
    /// Tables of kernels call the prompt isl.
    void span(std::string_view key, FitRange& field) { field = ranges.of(key == "prompt" ? "isl" : key); }
    bool present(std::string_view key, bool) { return value_of(key) != nullptr; }
    void optional_number(std::string_view, double&, Range) {}
    void text(std::string_view, std::string&) {}
    void optional_text(std::string_view, std::string&) {}
    void format(std::string_view, DType&) {}
    void optional_format(std::string_view, DType&) {}
    template <class Enum, std::size_t N>
    void choice(std::string_view, Enum&, const std::array<std::string_view, N>&) {}
    void count(std::string_view, int&, int) {}
};

/// What a form says about its table before any fit.
GemmTable blank(const KernelForm& form, const GemmTable&) {
    GemmTable t;
    t.weights = form.format;
    return t;
}
MoeTable blank(const KernelForm& form, const MoeTable&) {
    MoeTable t;
    t.weights = form.format;
    t.unit = form.unit;
    return t;
}
template <class Table>
Table blank(const KernelForm& form, const Table&) {
    Table t;
    t.cache = form.format;
    return t;
}
PrefillAttentionTable blank(const KernelForm& form, const PrefillAttentionTable&) {
    PrefillAttentionTable t;
    t.cache = form.format;
    if (form.op == KernelOp::prefill_attention) t.query = form.query;
    return t;
}
AllReduceTable blank(const KernelForm&, const AllReduceTable&) { return {}; }
/// One half of the exchange: the other takes no time.
AllToAllTable blank(const KernelForm& form, const AllToAllTable&) {
    AllToAllTable t;
    t.mode = form.mode;
    t.nodes = form.nodes;
    t.dispatch_bandwidth = t.combine_bandwidth = BytesPerSecond{1e300};
    return t;
}

template <class Table>
void add(const KernelForm& form, FittedFields archive, std::vector<Table>& into) {
    Table t = blank(form, Table{});
    fields(archive, t);
    into.push_back(std::move(t));
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
    t.law = form.law;
    const FittedFields fitted{form.parameters, x, r};
    switch (form.op) {
        case KernelOp::gemm:
            add(form, fitted, t.gemm);
            break;
        case KernelOp::moe:
            add(form, fitted, t.moe);
            break;
        case KernelOp::decode_attention:
            add(form, fitted, t.decode_attention);
            break;
        case KernelOp::prefill_attention:
            add(form, fitted, t.prefill_attention);
            break;
        case KernelOp::mla_decode:
            add(form, fitted, t.mla_decode);
            break;
        case KernelOp::mla_prefill:
            add(form, fitted, t.mla_prefill);
            break;
        case KernelOp::all_reduce:
            add(form, fitted, t.all_reduce);
            break;
        case KernelOp::all_to_all:
            add(form, fitted, t.all_to_all);
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
