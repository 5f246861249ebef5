// SPDX-License-Identifier: Apache-2.0
// The serving table of a search, on several threads, with its progress.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "moecost/plan/serving_table.h"

namespace moecost {

struct TableProgress {
    std::size_t done = 0;   // of all pairs of architecture and machine
    std::size_t all = 0;
    std::uint64_t evaluated = 0;
    double seconds = 0;
};
struct TableOptions {
    unsigned threads = 1;
    const std::atomic<bool>* stop = nullptr;
    std::function<void(const TableProgress&)>
        progress;   // at most ten times a second, by one thread at a time
};

/// serving_table() on threads. Of several exceptions, that of the first pair is thrown. Stopped early: the rest stays
/// empty.
[[nodiscard]] std::vector<std::vector<Served>> serve_all(const DeploymentSpace& space,
                                                         std::span<const Architecture* const> architectures,
                                                         const TableOptions& options);

}   // namespace moecost
