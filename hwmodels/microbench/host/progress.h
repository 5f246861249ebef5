// SPDX-License-Identifier: Apache-2.0
// The progress line: bar, share, cases, time left, and the case that runs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace microbench {

struct Progress {
    std::size_t done = 0;    // cases measured or skipped in this run
    std::size_t total = 0;   // that this run has to do
    double seconds = 0;      // since it began
    double limit = 0;        // --time-limit in seconds; 0: none
};

/// Seconds until the end at the pace so far, never beyond the time limit; negative while nothing is known.
[[nodiscard]] double seconds_left(const Progress& progress);

/// "[#########...........]  45 %  123/273  2.1/s  about 2 min left  gemm/cublaslt/...", cut to `width` columns.
[[nodiscard]] std::string progress_line(const Progress& progress, std::string_view current,
                                        std::size_t width);

}   // namespace microbench
