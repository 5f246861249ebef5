// SPDX-License-Identifier: Apache-2.0
// Case lists of the tensor benches, and what listing and preparing must agree on.
#pragma once

#include <vector>

#include "host/bench.h"

namespace microbench {

/// Kernels of the expert GEMMs, column `kernel`: by mma.sync, and by wgmma (compute capability 9.0; tiles for few rows are
/// those of mma.sync).
constexpr const char* warp_kernel = "mma_grouped";
constexpr const char* warpgroup_kernel = "wgmma_grouped";
/// The same of prefill attention.
constexpr const char* warpgroup_prefill_kernel = "wgmma_flash_prefill";

[[nodiscard]] std::vector<Case> grouped_gemm_cases(const Device& device);
[[nodiscard]] std::vector<Case> moe_cases(const Device& device);
[[nodiscard]] std::vector<Case> attention_decode_cases(const Device& device);
[[nodiscard]] std::vector<Case> attention_prefill_cases(const Device& device);
[[nodiscard]] std::vector<Case> mla_decode_cases(const Device& device);
[[nodiscard]] std::vector<Case> mla_prefill_cases(const Device& device);

/// Copies of the weights of an expert layer that rotate: those a call touches exceed three times the L2 cache.
[[nodiscard]] int moe_copies(const Case& c, double l2_bytes);

}   // namespace microbench
