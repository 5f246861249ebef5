// SPDX-License-Identifier: Apache-2.0
// Fits of kernel forms to series of timed rows, judged on shapes that no fit has seen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "moecost/calibrate/kernel_form.h"

namespace moecost {

struct FittedParameter {
    std::string_view name;   // key in a profile
    double value = 0;
    bool at_bound = false;
    bool identified = true;      // false: other values, with others to match, fit as well
    double standard_error = 0;   // of the value; 0 where it is not identified
};

/// One fitted table, or a series without one (left_out says why).
struct KernelFit {
    KernelSeries series;   // without its rows
    KernelForm form;
    std::vector<FittedParameter> parameters;
    KernelTables tables;   // the one table
    Ranges ranges;
    std::size_t rows = 0;   // used: trained on (at most training_rows of them) and held out
    std::size_t held_out = 0;
    std::map<std::string, std::size_t> dropped;
    std::size_t rank = 0;         // parameter directions that the rows decide
    double median = 0, p90 = 0;   // absolute relative error on the held-out rows
    double bias = 0;              // median of predicted over measured, less one
    std::string left_out;
    [[nodiscard]] bool fitted() const { return left_out.empty(); }
    [[nodiscard]] double floor_us() const { return parameters.empty() ? 0 : parameters[0].value; }
};

inline constexpr std::size_t training_rows = 8000;
inline constexpr std::size_t rows_per_parameter = 5;   // fewer leave a form undecided

/// Soft-L1 least squares on ln t at a scale of 0.05, from the start of each parameter and from its other starts one at a
/// time; of the minima found, the one with the least median error on the training rows. Constants are kept to five
/// digits. Fewer than rows_per_parameter rows for each parameter: left out.
[[nodiscard]] KernelFit fit_series(const KernelForm& form, const KernelSeries& series);

/// Every series of the measurements; skewed MoE rows only where a kernel has too few balanced ones. Sorted as the
/// measurements are. `progress` is called from any thread.
[[nodiscard]] std::vector<KernelFit> fit_kernels(
    const Measurements& measurements, const Accelerator& gpu, int gpus_per_node, const KernelLaw& law,
    unsigned threads, const std::function<void(std::size_t, std::size_t)>& progress);

}   // namespace moecost
