// SPDX-License-Identifier: Apache-2.0
// Case lists of the tensor benches, and what listing and preparing must agree on.
#pragma once

#include <vector>

#include "host/bench.h"

namespace microbench {

[[nodiscard]] std::vector<Case> grouped_gemm_cases(const Device& device);
[[nodiscard]] std::vector<Case> moe_cases(const Device& device);
[[nodiscard]] std::vector<Case> attention_decode_cases(const Device& device);
[[nodiscard]] std::vector<Case> attention_prefill_cases(const Device& device);
[[nodiscard]] std::vector<Case> mla_decode_cases(const Device& device);
[[nodiscard]] std::vector<Case> mla_prefill_cases(const Device& device);

/// Copies of the weights of an expert layer that rotate: those a call touches exceed three times the L2 cache.
[[nodiscard]] int moe_copies(const Case& c, double l2_bytes);

}   // namespace microbench
