// SPDX-License-Identifier: Apache-2.0
// The benches of host/registry.h, each with the function that prepares its cases on a CUDA device.
#pragma once

#include <vector>

#include "host/bench.h"

namespace microbench {

[[nodiscard]] std::vector<Bench> benches();

[[nodiscard]] Prepared prepare_stream(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_l2(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_latency(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_launch(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_gemm(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_small_op(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_peer(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_nccl(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_all_reduce(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_overlap(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_clocks(const Case& c, const Device& device);

}   // namespace microbench
