// SPDX-License-Identifier: Apache-2.0
// The command of a load generator that asks a server for the traffic of a scenario: workloads/benchmarks.toml as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/expected.h"
#include "moecost/estimate/scenario.h"

namespace moecost {

struct BenchmarkWords {
    std::string when;                 // rate, concurrency, equal or spread lengths, or empty: always
    std::vector<std::string> words;   // with {names}
};
struct BenchmarkTool {
    std::string name;
    std::vector<std::string> command;
    std::vector<BenchmarkWords> words;
};

[[nodiscard]] std::vector<BenchmarkTool> load_benchmark_tools(const DataStore& data);
/// InputError names the nearest tool.
[[nodiscard]] BenchmarkTool benchmark_tool_named(const DataStore& data, std::string_view name);

/// Infeasible: no load generator asks for this load (sequences that decode without prompts).
[[nodiscard]] Expected<std::vector<std::string>> benchmark_of(const BenchmarkTool& tool,
                                                              const Traffic& traffic,
                                                              std::string_view checkpoint,
                                                              std::string_view url);

}   // namespace moecost
