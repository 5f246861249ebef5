// SPDX-License-Identifier: Apache-2.0
// The case lists of the simple benches: which shapes are measured.
#pragma once

#include <vector>

#include "host/bench.h"

namespace microbench {

/// read, copy, write of 64 KiB to 8 GiB (or to what memory allows).
[[nodiscard]] std::vector<Case> stream_cases(const Device& device);
/// The same buffer read again and again: 256 KiB to four times L2, eight sizes per doubling around its capacity.
[[nodiscard]] std::vector<Case> l2_cases(const Device& device);
/// Dependent loads along a random cycle through 16 KiB to 1 GiB.
[[nodiscard]] std::vector<Case> latency_cases(const Device& device);
/// Empty kernels: streams, graphs of 1 to 1000 nodes, programmatic dependent launch, host time.
[[nodiscard]] std::vector<Case> launch_cases(const Device& device);
/// cuBLASLt on the (N, K) of models at TP 1 to 8, M 1 to 16384.
[[nodiscard]] std::vector<Case> gemm_cases(const Device& device);
/// RMSNorm, RoPE, SiLU-mul, router, permute, fp8 quantisation.
[[nodiscard]] std::vector<Case> small_op_cases(const Device& device);
/// Copies between GPUs: one way, both ways, all pairs at once. None on a machine with one GPU.
[[nodiscard]] std::vector<Case> peer_cases(const Device& device);
/// NCCL on 2 to 8 GPUs; all-to-all also with one busy receiver.
[[nodiscard]] std::vector<Case> nccl_cases(const Device& device);
/// What engines run: our one-shot kernel over peer memory for small messages, NCCL for large ones.
[[nodiscard]] std::vector<Case> all_reduce_cases(const Device& device);
/// A GEMM beside an all-reduce (beside a memory copy on a machine with one GPU).
[[nodiscard]] std::vector<Case> overlap_cases(const Device& device);
/// Seconds of sustained load of several kinds.
[[nodiscard]] std::vector<Case> clock_cases(const Device& device);

}   // namespace microbench
