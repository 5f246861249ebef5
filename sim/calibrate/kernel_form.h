// SPDX-License-Identifier: Apache-2.0
// The laws of timing/ seen as forms with parameters: which row is which operation, what its parameters may be, and the
// seconds the simulator itself would give for it. A fit and a prediction call the same functions and cannot disagree.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/calibrate/kernel_rows.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/ops/operation.h"

namespace moecost {

/// A parameter by its key in a profile, where a fit starts, and the bounds it keeps.
struct FormParameter {
    std::string_view name;
    double start = 0;
    double low = 0;
    double high = 0;
    bool logarithmic = false;
    std::vector<double> other_starts{};   // tried as well: costs of these forms have several minima
};

/// What a series is fitted with.
struct KernelForm {
    KernelOp op{};
    Cluster cluster;   // of the accelerator, without bounds that isolated kernels do not know
    DType format{};    // of weights or cache
    DType query{};     // of prefill attention
    MathUnit unit{};
    bool combine = false;   // second half of an all-to-all
    AllToAllMode mode{};
    int nodes = 1;
    double ranks = 1;   // of an all-to-all
    KernelLaw law;      // that predictions follow: not of one series, so the caller of form_of states it
    std::vector<FormParameter> parameters;
};

/// The form of a series on an accelerator, or why it has none (problem is not empty). `gpus_per_node`: of an
/// all-to-all.
struct FormChoice {
    KernelForm form;
    std::string problem;
};
[[nodiscard]] FormChoice form_of(const KernelSeries& series, const Accelerator& gpu, int gpus_per_node);
/// The other half of an all-to-all, whose form is that of the dispatch.
[[nodiscard]] KernelForm combining(KernelForm form);

/// What the arguments of the rows span, by column.
struct Ranges {
    std::map<std::string, FitRange> by_name;
    void include(KernelOp op, const KernelRow& row);
    [[nodiscard]] FitRange of(std::string_view name) const;
};

/// Rows that the form covers, as operations. A fifth of the shapes, chosen by hash, is held out of every fit:
///   gemm (100003 n + k) mod 5 = 0, moe 7 hidden + 13 tokens + 31 ep + 17 tp, attention 7 q_heads + 3 kv_heads + 5 batch
///   + context or isl, MLA 7 heads + 5 batch + context or isl, all-reduce elements div 128 + gpus, all-to-all 7 hidden +
///   13 top_k + 31 experts + 17 tokens
/// Left out, with the reason: gemm with n or k below 256, m above 16384, or 30 % slower than a larger m of the same n, k;
/// moe of non-gated shapes (hidden 2688, or top_k 22) and rows faster than 0.97 of the roofline of their weights and FLOP
/// (not the experts they are labelled with); attention below 64 tokens of context or prompt, heads below 64, cached
/// prefixes; MLA that is no isolated kernel or nowhere faster than 40 us (timed from the host); all-reduce timed from the
/// host; of gemm, all-reduce and all-to-all in normal mode all but the fastest variant of a shape.
struct FormRows {
    std::vector<OpShape> operations;
    std::vector<double> seconds;
    std::vector<bool> held_out;
    std::map<std::string, std::size_t> dropped;
    Ranges ranges;
    [[nodiscard]] std::size_t size() const { return seconds.size(); }
};
[[nodiscard]] FormRows rows_of(const KernelForm& form, const KernelSeries& series);

/// One table with the parameters x (in the order of form.parameters) as a profile holds it.
[[nodiscard]] KernelTables tables_of(const KernelForm& form, std::span<const double> x, const Ranges& ranges);
/// Seconds of isolated kernels under one table: the floor as it was timed, not as it is served.
void predict(const KernelForm& form, const KernelTables& tables, std::span<const OpShape> operations,
             std::span<double> seconds);

}   // namespace moecost
