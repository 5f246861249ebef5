// SPDX-License-Identifier: Apache-2.0
// Which engine's table is taken for what: hwmodels/calibrate/assembly.toml. assemble.h says how the rules are used.
#pragma once

#include <string>
#include <vector>

#include "moecost/base/dtype.h"

namespace moecost {

class DataStore;

struct AssemblyRules {
    std::string own_rows;               // engine of rows that the user timed
    std::string serving_of_own_rows;    // engine whose serving scalars they borrow
    std::vector<std::string> engines;   // after the engine asked for
    std::vector<std::string> mla_engines;
    std::vector<std::string> fallback_kernels;   // parts of their names
    std::string generated_kernel;
    double eager_floor_us = 0;
    double least_floor_us = 0;
    std::string fused_engine;   // whose GEMM tables of fused_weights hold a kernel that is fused in service
    DType fused_weights{};
    double fused_us = 0;
};
[[nodiscard]] AssemblyRules load_assembly_rules(const DataStore& data);

}   // namespace moecost
