// SPDX-License-Identifier: Apache-2.0
// Which accelerator was measured: one of the catalogue, or one that device.json and the measured peaks describe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/calibrate/kernel_rows.h"
#include "moecost/hardware/accelerator.h"

namespace moecost {

/// FOLDER/device.json of a microbenchmark run. Keys: name, gpu (as the rows spell it), compute_capability,
/// multiprocessors, memory_bytes, l2_bytes, count, date; facts with texts such as driver and clocks. Optional for a
/// device that is in no catalogue: peak_tflops (table with fp32, bf16, fp8, int8, fp4) and memory_bandwidth_tb_s, which
/// replace the best figures measured. Other keys are left alone.
struct DeviceFile {
    std::string name, gpu, date, driver;
    double multiprocessors = 0;
    double memory_bytes = 0;
    double l2_bytes = 0;
    std::array<double, 5> peak_tflops{};   // 0: not given
    double memory_bandwidth_tb_s = 0;
};
[[nodiscard]] std::optional<DeviceFile> read_device(const std::string& folder);

struct Target {
    Accelerator gpu;
    bool in_catalogue = false;
    std::string
        nearest;   // of the catalogue, with a calibrated profile; the accelerator itself where it has one
    int gpus_per_node = 8;
    std::optional<DeviceFile> device;
    double stream_bandwidth = 0;   // byte/s read from beyond the L2 cache, of stream.csv; 0: not measured
    std::vector<std::pair<std::string, std::string>> sources;   // of the figures of `gpu`, by group
};

/// Catalogue id of a name as tables spell it, or nothing.
[[nodiscard]] std::optional<std::string> catalogue_id(const DataStore& data, const std::string& name);

/// Largest FLOP/s of a unit over the GEMM rows, and largest bytes/s of GEMM weights larger than 4 L2 caches; 0: no row.
[[nodiscard]] double measured_peak(const Measurements& m, MathUnit unit);
[[nodiscard]] double measured_weight_bandwidth(const Measurements& m, double l2_bytes);

/// The accelerator of the measurements. One that the catalogue does not know takes multiprocessors and memory from
/// device.json, peaks and bandwidth from there or from the best rows, links and power from the nearest accelerator (least
/// distance in ln bandwidth and ln bf16 peak). InputError: unknown without device.json, or without rows that show its
/// peaks.
[[nodiscard]] Target target_of(const DataStore& data, const std::string& folder, const Measurements& m,
                               const std::string& engine);

}   // namespace moecost
