// SPDX-License-Identifier: Apache-2.0
// Figures of an accelerator by name, for what-if axes such as gpu.memory_bandwidth_tb_s.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/hardware/cluster.h"

namespace moecost {

struct GpuFigure {
    std::string_view name;   // without "gpu."; ends in the unit
    double low;              // what such a figure can be
    double high;
    double (*get)(const Cluster& cluster);
    void (*set)(Cluster& cluster, double value);
};
[[nodiscard]] std::span<const GpuFigure> gpu_figures();
/// Null when there is none of that name.
[[nodiscard]] const GpuFigure* gpu_figure_named(std::string_view name);

}   // namespace moecost
