// SPDX-License-Identifier: Apache-2.0
// The loop over the cases: what is selected, what is finished already, what runs, what is reported and skipped.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/measure.h"
#include "host/progress.h"
#include "host/results.h"

namespace microbench {

struct SelectedCase {
    Bench bench{};
    Case c{};
};

/// Cases of all benches whose names match the filter (host/glob.h; empty: all), as listed.
[[nodiscard]] std::vector<SelectedCase> select_cases(const std::vector<Bench>& benches, const Device& device,
                                                     const std::string& filter);

struct RunOptions {
    StoppingRule rule{};
    double time_limit = 0;   // seconds of the whole run; 0: none
    Context context{};
};

struct Report {
    std::size_t finished_before = 0;
    std::size_t measured = 0;
    std::size_t not_reached = 0;                                  // time limit or interruption
    std::vector<std::pair<std::string, std::string>> skipped{};   // case, reason
    bool interrupted = false;
};

/// What the loop tells while it runs. Either may be empty.
struct Listener {
    std::function<void(const Progress&, const std::string& current)> progress{};
    std::function<void(const Case&, const Measurement&)> measured{};
};

/// Measures what is not finished in `results`. A case that cannot run, fails, or whose row cannot be written is
/// skipped with its reason and the next one tried; `stop` (checked between samples) ends the run, its case unwritten.
[[nodiscard]] Report run(const std::vector<SelectedCase>& cases, const Backend& backend, Results& results,
                         const RunOptions& options, const Listener& listener,
                         const std::function<bool()>& stop);

/// 130 interrupted, 1 nothing measured now or before, 0 else.
[[nodiscard]] int exit_code(const Report& report);

}   // namespace microbench
