// SPDX-License-Identifier: Apache-2.0
// From a folder of kernel timing tables to a calibrated accelerator: read, fit, judge on held-out shapes, assemble.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "moecost/calibrate/assemble.h"

namespace moecost {

struct CalibrateOptions {
    std::string folder;
    std::string gpu =
        "auto";           // as the rows or the catalogue spell it; auto: the one accelerator of the rows
    std::string engine;   // whose rows: microbench, vllm, sglang, trtllm
    std::string
        serving;        // engine whose serving scalars are borrowed; empty: `engine`, or vllm for microbench
    std::string base;   // profile file to borrow from; empty: that of the nearest accelerator
    std::string source;   // where the timings come from, for the profile
    unsigned threads = 1;
    std::function<void(std::size_t done, std::size_t all)>
        progress{};   // series fitted; called from any thread
};

struct Calibration {
    std::string gpu;      // as the rows spell it
    std::string engine;   // of the rows
    Target target;
    std::vector<std::string> missing;   // tables that the folder lacks
    std::vector<KernelFit> fits;        // of every engine of that accelerator, sorted
    Assembly assembly;
};

/// InputError as read_measurements and target_of, and when no row is of that accelerator and engine (names those there
/// are). The result does not depend on the number of threads nor on the order of rows.
[[nodiscard]] Calibration calibrate(const DataStore& data, const CalibrateOptions& options);

}   // namespace moecost
