// SPDX-License-Identifier: Apache-2.0
// Every bench of the suite with its case list. Plain C++; the CUDA program adds what prepares them (bench/benches.h).
#pragma once

#include <vector>

#include "host/bench.h"

namespace microbench {

/// All benches in the order of --list; `prepare` is null.
[[nodiscard]] std::vector<Bench> listed_benches();

}   // namespace microbench
