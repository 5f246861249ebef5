// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/accelerator_parameters.h"

#include <cmath>

namespace moecost {
namespace {

template <MathUnit unit>
double get_peak(const Cluster& c) {
    return c.gpu.peak_of(unit).value() / 1e12;
}
template <MathUnit unit>
void set_peak(Cluster& c, double v) {
    c.gpu.peak[static_cast<std::size_t>(unit)] = FlopPerSecond{v * 1e12};
}

constexpr GpuFigure table[] = {
    {"bf16_tflops", 0.1, 1e6, get_peak<MathUnit::bf16>, set_peak<MathUnit::bf16>},
    {"fp8_tflops", 0.1, 1e6, get_peak<MathUnit::fp8>, set_peak<MathUnit::fp8>},
    {"fp4_tflops", 0.1, 1e6, get_peak<MathUnit::fp4>, set_peak<MathUnit::fp4>},
    {"int8_tflops", 0.1, 1e6, get_peak<MathUnit::int8>, set_peak<MathUnit::int8>},
    {"usable_gib", 1, 4096, [](const Cluster& c) { return c.gpu.memory.value() / gib; },
     [](Cluster& c, double v) { c.gpu.memory = Bytes{v * gib}; }},
    {"memory_bandwidth_tb_s", 0.01, 1000,
     [](const Cluster& c) { return c.gpu.memory_bandwidth.value() / 1e12; },
     [](Cluster& c, double v) { c.gpu.memory_bandwidth = BytesPerSecond{v * 1e12}; }},
    {"multiprocessors", 1, 65536, [](const Cluster& c) { return c.gpu.multiprocessors; },
     [](Cluster& c, double v) { c.gpu.multiprocessors = v; }},
    {"link_gb_s", 0.1, 1e5, [](const Cluster& c) { return c.gpu.link_bandwidth.value() / 1e9; },
     [](Cluster& c, double v) { c.gpu.link_bandwidth = BytesPerSecond{v * 1e9}; }},
    {"link_latency_us", 0.01, 1000, [](const Cluster& c) { return c.link_latency.value() * 1e6; },
     [](Cluster& c, double v) { c.link_latency = c.gpu.link_latency = Seconds{v * 1e-6}; }},
    {"domain", 1, 65536, [](const Cluster& c) { return static_cast<double>(c.domain); },
     [](Cluster& c, double v) { c.domain = c.gpu.domain = static_cast<int>(std::lround(v)); }},
    {"nic_gbit_s", 0.1, 1e5, [](const Cluster& c) { return c.nic_bandwidth.value() * 8 / 1e9; },
     [](Cluster& c, double v) { c.nic_bandwidth = c.gpu.nic_bandwidth = BytesPerSecond{v * 1e9 / 8}; }},
    {"nic_latency_us", 0.01, 1000, [](const Cluster& c) { return c.nic_latency.value() * 1e6; },
     [](Cluster& c, double v) { c.nic_latency = c.gpu.nic_latency = Seconds{v * 1e-6}; }},
    {"tdp_w", 10, 1e5, [](const Cluster& c) { return c.gpu.tdp.value(); },
     [](Cluster& c, double v) { c.gpu.tdp = Watts{v}; }},
    {"idle_share", 0, 1, [](const Cluster& c) { return c.gpu.idle_power_share; },
     [](Cluster& c, double v) { c.gpu.idle_power_share = v; }},
};

}   // namespace

std::span<const GpuFigure> gpu_figures() { return table; }

const GpuFigure* gpu_figure_named(std::string_view name) {
    for (const GpuFigure& figure : table) {
        if (figure.name == name) return &figure;
    }
    return nullptr;
}

}   // namespace moecost
